"""What runs over a folder share: what is done of a photo, whether it still stands, and how a failure is said."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien import __version__
from mien.credentials import Credentials
from mien.editor import Editor
from mien.errors import MienError
from mien.expression import ALL_NAMES, MAX_AMOUNT, NAMES, Expression, parse
from mien.face import Choice, Face
from mien.surfaces.folders.folder import stamp
from mien.surfaces.folders.journal import Journal
from mien.surfaces.folders.table import sha256_of

Tell = Callable[[int, int], None]
"""Told after each photo: how many are done, of how many."""


@dataclass(frozen=True)
class Made:
    """A photo that is done: its path, its stamp when it was read, its rows, and how many of them failed."""

    path: str
    stamp: str
    rows: list[dict[str, Any]]
    failed: int


@dataclass(frozen=True)
class Summary:
    """photos: how many there were; written: pictures made; failures: (path, reason)."""

    photos: int
    written: int
    failures: list[tuple[str, str]]
    manifest: Path


def failed(path: str, root: Path, why: str, read_at: str = "", readable: bool = True) -> Made:
    """A photo of which nothing could be made. readable: whether its file may be opened for its hash."""
    row = {"input": path, "version": __version__, "seed": 0, "error": why}
    with contextlib.suppress(OSError):
        row["input_sha256"] = sha256_of(root / path) if readable else ""
    return Made(path, read_at, [row], 1)


def is_done(path: str, root: Path, out: Path, journal: Journal) -> bool:
    """Whether a photo is unchanged, and all that was made of it lies there as it was written."""
    entry = journal.entries.get(path)
    if entry is None or entry.stamp != stamp(root / path):
        return False
    told = journal.read(path)
    try:
        return not told["failed"] and all(stamp(out / row["output"]) == row["stamp"] for row in told["rows"])
    except (KeyError, TypeError, ValueError):
        return False  # a line that no run of ours wrote


def note(journal: Journal, made: Made) -> None:
    """One more photo is done."""
    journal.add({"input": made.path, "stamp": made.stamp, "failed": made.failed, "rows": made.rows})


def reason(error: Exception, *folders: Path) -> str:
    """What went wrong, in one line; files by their path in these folders, so that it is the same anywhere."""
    text = str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
    for folder in folders:
        text = text.replace(f"{folder}/", "")
    return " ".join(text.split())


def boxes(faces: Sequence[Face]) -> str:
    """The faces' boxes as text: x0 y0 x1 y1, photo px, with ";" between."""
    return ";".join(" ".join(f"{v:.1f}" for v in face.box) for face in faces)


def made_with(editor: Editor) -> dict[str, Any]:
    """Columns of a manifest: which weights, which mien. seed: edits draw nothing by chance."""
    weights = editor.generator
    name = str(weights.manifest.get("name") or weights.path.stem)
    return {"model": name, "model_sha256": weights.sha256, "version": __version__, "seed": 0}


def signed(credentials: Credentials | None) -> dict[str, str]:
    """What the head of a run says of who signs; nothing where nobody does, and never the key."""
    return {"signed_by_sha256": hashlib.sha256(credentials.chain.encode()).hexdigest()} if credentials else {}


def check_face(face: Choice) -> None:
    """Refuse with a `MienError` what can mean no face of any photo."""
    if face not in ("largest", "all") and not re.fullmatch("0*[1-9][0-9]{0,8}", str(face)):
        raise MienError(f"a face is 'largest', 'all' or a number from 1 on, not '{face}'")


def strengths_of(values: Sequence[float]) -> tuple[float, ...]:
    """Each once, to four decimals; a `MienError` where one is out of range."""
    if not values or not all(0 <= value <= MAX_AMOUNT for value in values):
        raise MienError(f"strengths must be within 0 to {MAX_AMOUNT}, not {', '.join(map(str, values))}")
    return tuple(dict.fromkeys(round(value, 4) for value in values))


def expressions_of(texts: Sequence[str], editor: Editor) -> tuple[Expression, ...]:
    """What was asked for, each once, "all" for the seven names as far as the weights know them; a `MienError` where
    they cannot make one."""
    found: list[Expression] = []
    for text in texts:
        if text.strip().lower() == "all":
            found += [parse(name) for name in NAMES if name in editor.generator.names]
        else:
            found.append(parse(text))
            editor.generator.check(found[-1])
    if not found:
        raise MienError(f"an expression is needed, such as happy, or all; names: {', '.join(ALL_NAMES)}")
    return tuple(dict.fromkeys(found))
