"""Who is asked what: the people of a split, their real crops, and the pictures that every method has to make.

Two tasks. `express`: from each person's neutral crop to every target. `neutralise`: from each person's real smile back
to neutral. Every method gets the same crops; the truth is the same person's real photograph with the expression asked
for, where there is one, never a render.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.data.manifest import CROPS, read_dataset, read_manifest
from mien.errors import MienError
from mien.expression import ALL_NAMES, NAMES, parse
from mien.face import Face, face_box, find_faces
from mien.face.align import SIZE, apply, crop_transform

EXPRESS, NEUTRALISE = "express", "neutralise"
NEUTRAL, SMILE = "neutral", "happy"
TARGETS = tuple(name for name in NAMES if name != NEUTRAL)
RENDERED = "rig"
"""The manifest's `session` of what was rendered rather than photographed."""

FAR = 1e6
"""px of a crop: landmarks further away are none."""

MOST_REAL = 600
"""Real crops that thresholds and reference features are taken from, at most."""


@dataclass(frozen=True)
class Crop:
    """A real, aligned crop of a prepared folder. stem: its name here, which outside programs see too; told: its
    landmarks (68, 2) as the manifest has them, px of a 256 px crop. size: px that it has to have, 0: any."""

    path: Path
    stem: str
    person: str
    expression: str
    split: str
    told: np.ndarray = field(repr=False, compare=False)
    size: int = 0

    @cached_property
    def image(self) -> np.ndarray | None:
        """(S, S, 3) uint8 RGB; None where it cannot be read, or is of another size."""
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None or image.shape[0] != image.shape[1] or self.size not in (0, len(image)):
            return None
        return np.ascontiguousarray(image[..., ::-1])

    @cached_property
    def face(self) -> Face:
        """Its face in px of the crop: what mien finds in it, as any user's program would have to; else as the manifest
        says. A `MienError` for an unreadable crop."""
        if self.image is None:
            raise MienError(f"the crop {self.path} is gone, damaged, or of another size than the folder says")
        found = find_faces(self.image)
        return found[0] if found else self.placed(len(self.image))

    def placed(self, size: int) -> Face:
        """The face in a crop of `size` px by the manifest's landmarks."""
        zoom = size / SIZE
        points = self.told * zoom + (zoom - 1) / 2
        transform = crop_transform(points)
        return Face(face_box(points, transform), points, transform)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pixels; of nothing where there are none."""
        return digest(self.image) if self.image is not None else hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Case:
    """One picture that a method has to make, by the name of `file`. truth: the real one, where there is one."""

    task: str
    source: Crop
    target: str
    strength: float = 1.0
    truth: Crop | None = None

    @property
    def person(self) -> str:
        return self.source.person

    @property
    def file(self) -> str:
        """Such as 012-neutral_happy.png, or 012-neutral_happy_0.5.png at another strength than 1."""
        part = "" if self.strength == 1 else f"_{self.strength:g}"
        return f"{self.source.stem}_{self.target}{part}.png"


@dataclass(frozen=True)
class Protocol:
    """Everything that is asked of each method. cases at strength 1; curves: those of `express` at other strengths.
    real: real crops of everybody in the folder, for thresholds; mine: those of the people evaluated."""

    folder: Path
    database: str
    split: str
    size: int
    targets: tuple[str, ...]
    people: tuple[str, ...]
    cases: tuple[Case, ...]
    curves: tuple[Case, ...]
    real: tuple[Crop, ...]
    mine: tuple[Crop, ...]
    digest: str

    @property
    def inputs(self) -> tuple[Crop, ...]:
        """The crops that methods start from."""
        return tuple(dict.fromkeys(case.source for case in self.cases))

    def describe(self) -> dict[str, Any]:
        """What the results say of it."""
        return {
            "data": str(self.folder), "database": self.database, "split": self.split, "people": list(self.people),
            "targets": list(self.targets), "prepared_px": self.size, "inputs": len(self.inputs),
            "tasks": dict(Counter(case.task for case in self.cases)),
            "truths": sum(case.truth is not None for case in self.cases),
            "manifest_sha256": self.digest,
        }  # fmt: skip


def read_protocol(
    folder: Path,
    split: str,
    targets: Sequence[str] = TARGETS,
    strengths: Sequence[float] = (),
    most: int = 0,
) -> Protocol:
    """The protocol of a prepared folder's split; `most`: only so many people, in the order of their names (0: all)."""
    told = read_dataset(folder)
    asked = names(targets)
    columns = ("crop", "identity", "expression", "session", "split", "pose", "transform", "landmarks")
    table = read_manifest(folder, columns)
    size = int(told["options"]["size"])
    crops = _crops(folder, table[table["session"] != RENDERED], size)
    parts = sorted({crop.split for crop in crops if crop.split})
    within = [crop for crop in crops if crop.split == split and crop.person]
    if not within:
        known = f"its splits are {', '.join(parts)}" if parts else "it has no splits"
        raise MienError(f"nobody in {folder} is of the split '{split}': {known}")
    people = sorted({crop.person for crop in within if crop.expression == NEUTRAL})
    if not people:
        raise MienError(f"nobody of the split '{split}' in {folder} has a neutral picture to start from")
    people = people[:most] if most else people
    first = {(crop.person, crop.expression): crop for crop in reversed(within)}
    cases = [
        Case(EXPRESS, first[person, NEUTRAL], target, 1.0, first.get((person, target)))
        for person in people for target in asked if target != NEUTRAL
    ]  # fmt: skip
    cases += [
        Case(NEUTRALISE, first[person, SMILE], NEUTRAL, 1.0, first[person, NEUTRAL])
        for person in people if (person, SMILE) in first
    ]  # fmt: skip
    others = sorted({float(strength) for strength in strengths} - {1.0})
    express = [case for case in cases if case.task == EXPRESS]
    curves = [Case(EXPRESS, case.source, case.target, at, None) for case in express for at in others]
    mine = [crop for key, crop in sorted(first.items()) if key[0] in people and key[1] in NAMES]
    everybody = {(crop.person, crop.expression): crop for crop in reversed(crops) if crop.person}
    real = _some(sorted(everybody.items()), MOST_REAL)
    return Protocol(
        folder, told["database"], split, size, asked, tuple(people), tuple(cases),
        tuple(curves), tuple(real), tuple(mine), _sha256(folder),
    )  # fmt: skip


def names(targets: Sequence[str]) -> tuple[str, ...]:
    """Targets as the vocabulary spells them."""
    found = []
    if not targets:
        raise MienError("--targets names no expression: give some, such as happy,sad")
    for text in targets:
        terms = parse(text).terms
        if len(terms) != 1 or terms[0][0] not in ALL_NAMES or terms[0][1] != 1:
            raise MienError(f"a target is the name of an expression, such as happy, not '{text}'")
        found.append(terms[0][0])
    return tuple(dict.fromkeys(found))


def digest(image: np.ndarray) -> str:
    """SHA-256 of a picture's shape and pixels."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _crops(folder: Path, table: Any, size: int) -> list[Crop]:
    """The rows as crops, frontal poses first, then by name."""
    rows = sorted(table.itertuples(index=False), key=lambda row: (row.pose not in ("", "frontal"), row.crop))
    crops = []
    for row in rows:
        try:
            points = np.array(row.landmarks.split(), np.float64).reshape(68, 2)
            told = apply(np.array(row.transform.split(), np.float64).reshape(2, 3), points)
            if not (np.abs(told) < FAR).all() or not np.isfinite(crop_transform(told)).all():
                raise ValueError
        except ValueError:
            raise MienError(
                f"{folder}: the row of {row.crop} has no landmarks or transform: prepare it again"
            ) from None
        crops.append(Crop(folder / row.crop, stem(row.crop), row.identity, row.expression, row.split, told, size))
    twice = [name for name, count in Counter(crop.stem for crop in crops).items() if count > 1]
    if twice:
        raise MienError(f"{folder}: two crops would both be called {twice[0]}: rename a person's folder")
    return crops


def stem(crop: str) -> str:
    """A crop's name as one part: crops/012/neutral.png is 012-neutral."""
    return crop.removeprefix(f"{CROPS}/").rpartition(".")[0].replace("/", "-")


def _some(items: list[tuple[tuple[str, str], Crop]], most: int) -> list[Crop]:
    """All, or the crops of so many people that `most` is not passed, drawn with a fixed seed."""
    if len(items) <= most:
        return [crop for _, crop in items]
    people = sorted({person for (person, _), _ in items})
    order = np.random.default_rng(0).permutation(len(people))
    kept: list[Crop] = []
    for place in order:
        mine = [crop for (person, _), crop in items if person == people[place]]
        if len(kept) + len(mine) > most:
            break
        kept += mine
    return kept


def _sha256(folder: Path) -> str:
    from mien.data.manifest import MANIFEST

    with (folder / MANIFEST).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
