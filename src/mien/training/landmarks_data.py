"""People with human-placed landmarks, for training and measuring landmark predictors.

Frames: photo px and crop px (see `face.align`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.data.people import read_people
from mien.data.rigs import read_photo
from mien.data.templates import landmarks68, read_template
from mien.face.align import apply, crop_transform, warp

MIRROR = np.concatenate(
    [
        np.arange(17)[::-1],
        np.arange(17, 27)[::-1],
        np.arange(27, 31),
        np.arange(31, 36)[::-1],
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
        [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65],
    ]
)
"""(68,) which landmark of a face each landmark of its mirror image was."""

ROOM = 512
"""Side of the square work photo, px: the crop frame and half as much again around it, at 4/3 of its resolution."""
TO_ROOM = np.array([(4 / 3, 0, 4 / 3 * 64), (0, 4 / 3, 4 / 3 * 64)])


@dataclass(frozen=True)
class Person:
    """A face: `name`, `image` (ROOM, ROOM, 3) uint8 RGB, `points` (68, 2) landmarks in px of that image."""

    name: str
    image: np.ndarray
    points: np.ndarray

    def mirrored(self) -> Person:
        """The same face in a mirror."""
        points = self.points[MIRROR]
        return Person(self.name + "m", self.image[:, ::-1], np.column_stack([ROOM - 1 - points[:, 0], points[:, 1]]))


def photos(shared: Path, split: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(key, photo (H, W, 3) uint8 RGB, human-placed landmarks (68, 2) in its px) of the people of a split."""
    for person in read_people(shared):
        if person.split == split:
            yield person.key, read_photo(person.neutral), landmarks68(read_template(person.template))


def place(name: str, rgb: np.ndarray, points: np.ndarray) -> Person:
    """The face with landmarks `points` (68, 2) in photo `rgb`, upright in the middle of a work photo."""
    move = crop_transform(points)
    matrix = TO_ROOM @ np.vstack([move, (0, 0, 1)])
    return Person(name, warp(rgb, matrix, (ROOM, ROOM)), apply(matrix, points))


def people(shared: Path, split: str) -> list[Person]:
    """All people of a split, in work photos."""
    return [place(*found) for found in photos(shared, split)]
