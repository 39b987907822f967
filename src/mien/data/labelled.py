"""The real pictures of a prepared folder with their labels, person by person: what a classifier is trained and measured
on, and what generated faces are made from. No table library is needed for it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mien.data.manifest import MANIFEST
from mien.errors import MienError
from mien.inside import outside

RIG = "rig"
"""Label and session of what the rig rendered (`mien.data.open_faces`): no photograph."""

COLUMNS = ("crop", "identity", "expression", "label", "session", "pose", "split", "transform", "landmarks")


class Row(NamedTuple):
    """A picture. crop: relative to the folder; identity: "" where the database tells nobody apart; part: of the split.
    rendered: by the rig. transform, landmarks: as the manifest writes them."""

    crop: str
    identity: str
    expression: str
    part: str
    pose: str = ""
    rendered: bool = False
    transform: str = ""
    landmarks: str = ""

    @property
    def person(self) -> str:
        """Whose measurements count together; each picture for itself where nobody is told apart."""
        return self.identity or self.crop


def read_rows(folder: Path) -> list[Row]:
    """The rows of a prepared folder; a `MienError` if it has none, or if somebody is in two parts of its split."""
    path = folder / MANIFEST
    rows: list[Row] = []
    if not path.is_file():
        raise MienError(f"no {MANIFEST} in {folder}: make it with 'mien data prepare NAME PATH {folder}'")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                crop, identity, expression, label, session, pose, part, transform, landmarks = map(line.get, COLUMNS)
                if not crop or not expression or None in (identity, part, landmarks) or outside(crop):
                    raise ValueError(f"its line {len(rows) + 2} names no picture of the folder")
                rendered = label == session == RIG
                rows.append(
                    Row(crop, str(identity), expression, str(part), str(pose), rendered, str(transform), str(landmarks))
                )
    except (OSError, ValueError, csv.Error) as error:
        raise MienError(f"{path} is not a manifest of mien: {error}") from None
    disjoint(rows, folder)
    return rows


def disjoint(rows: Iterable[Row], folder: Path) -> None:
    """Raise a `MienError` if somebody is in two parts of the split."""
    parts: dict[str, str] = {}
    for row in rows:
        if row.identity and parts.setdefault(row.identity, row.part) != row.part:
            raise MienError(
                f"{folder}: {row.identity} is in {parts[row.identity]} and in {row.part}: prepare the folder again"
            )


def of_parts(rows: Sequence[Row], parts: Sequence[str], renders: bool = False) -> list[Row]:
    """The photographs of these parts; the rig's renders only if they are asked for."""
    return [row for row in rows if row.part in parts and (renders or not row.rendered)]


def held_out(rows: Sequence[Row], parts: Sequence[str]) -> dict[str, list[Row]]:
    """The photographs of the parts that are not trained on, each with its name."""
    names = sorted({row.part for row in rows} - set(parts))
    return {name: of_parts(rows, (name,)) for name in names}


def identities(rows: Iterable[Row]) -> list[str]:
    """Everybody who is told apart, once."""
    return sorted({row.identity for row in rows if row.identity})


def licence_of(told: dict[str, Any], what: str) -> str:
    """What is to be said of `what`, weights or pictures, made of a database; `told`: its dataset.json."""
    if told["database"] == "open":
        return (
            f"CC BY 4.0; {what} photographs of the Face Research Lab London Set (DeBruine & Jones 2017, "
            "doi:10.6084/m9.figshare.5047666) and Young Adult White Faces (DeBruine & Jones 2016, "
            "doi:10.6084/m9.figshare.4220517), CC BY 4.0"
        )
    return f"{what} {told['title']}, whose terms hold: {told['licence']}"
