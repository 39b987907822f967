"""Everybody on the rig: staged once, kept as small arrays, shared by the worker processes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mien.data.lips import refine_lips
from mien.data.people import read_people
from mien.data.templates import landmarks68, read_template
from mien.errors import MienError
from mien.rig.facekit import FaceKit
from mien.rig.render import Rig
from mien.rig.stage import stage

Finder = Callable[[np.ndarray], np.ndarray]


def read_photo(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB; for the training photographs, which carry neither rotation nor profiles."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise MienError(f"cannot read the photo {path}")
    return np.ascontiguousarray(image[..., ::-1])


def neutral_rigs(kit: FaceKit, shared: Path | str, split: str = "train", limit: int | None = None) -> dict[str, Rig]:
    """Key -> rig of each person's neutral photo with its human-placed landmarks."""
    cv2.setNumThreads(1)  # its thread pool does not survive the fork of the workers that will share these rigs
    ages = _ages(shared)
    out = {}
    for number, person in enumerate([p for p in read_people(shared) if p.split == split][:limit]):
        landmarks = landmarks68(read_template(person.template))
        rig, _ = stage(kit, read_photo(person.neutral), landmarks, seed=number, age=ages.get(person.key, 1.0))
        out[person.key] = rig
    return out


def smile_rigs(kit: FaceKit, shared: Path | str, neutral: dict[str, Rig], find: Finder) -> dict[str, Rig]:
    """Key -> rig of each person's smiling photo: known identity, estimated expression, landmarks from `find`."""
    out = {}
    for number, person in enumerate(read_people(shared)):
        if person.key not in neutral or person.smile is None:
            continue
        photo = read_photo(person.smile)
        try:
            landmarks = refine_lips(photo, find(photo))
        except MienError as error:
            raise MienError(f"{person.smile}: {error}") from None
        rig, _ = stage(
            kit,
            photo,
            landmarks,
            seed=number,
            identity=neutral[person.key].fit.identity,
            estimate_expression=True,
        )
        out[person.key] = rig
    return out


def _ages(shared: Path | str) -> dict[str, float]:
    """How deep creases are drawn: a little more with age, where the age is known."""
    out = {}
    with (Path(shared) / "data" / "london" / "people.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                out[f"london-{row['id']}"] = float(np.clip(0.75 + (float(row["age"]) - 18) / 50, 0.7, 1.4))
            except (KeyError, TypeError, ValueError):
                continue
    return out
