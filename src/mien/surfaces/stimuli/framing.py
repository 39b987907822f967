"""Equal framing: the eyes of every photo come to the same two points of a picture of one size; an oval around the face.

Frames: photo px and stimulus px, both (x, y) with pixel centres at integers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from mien.errors import MienError
from mien.face import align

LEFT, RIGHT = (36, 39), (42, 45)
"""Of the 68 landmarks: the corners of the eye on the left of the image, and of that on the right."""

APART, ACROSS, DOWN = 0.22, 0.26, 0.43
"""Distance of the eyes as a share of the height, and at most of the width; how far down they lie. So a face from crown
to chin, and a jaw that drops, are within a square."""

MIDDLE, HALF, TAPER = 0.47, (1.15, 1.74), 0.2
"""The oval, in distances of the eyes: its middle lies so far below them; its half axes (x, y). From the hairline to a
dropped chin, cheek to cheek, with little hair; towards its lower end it is narrower by this share."""

FEATHER = 0.05
"""Sigma of the oval's soft edge, in distances of the eyes."""

SMALLEST, LARGEST = 64, 4096


def eye_centres(landmarks: np.ndarray) -> np.ndarray:
    """(2, 2): the middle between the corners of the eye on the left of the image, and of the other; lids play no part.

    `landmarks` (68, 2), px.
    """
    points = np.asarray(landmarks, np.float64)
    return np.array([points[list(LEFT)].mean(axis=0), points[list(RIGHT)].mean(axis=0)])


@dataclass(frozen=True)
class Framing:
    """Pictures of `width` x `height` px."""

    width: int
    height: int

    @cached_property
    def distance(self) -> float:
        """Of the eyes, px: even, so that both lie alike between pixels."""
        return 2.0 * round(min(APART * self.height, ACROSS * self.width) / 2)

    @cached_property
    def eyes(self) -> np.ndarray:
        """(2, 2) where the two eyes lie, px."""
        x, y = (self.width - 1) / 2, float(round(DOWN * self.height))
        return np.array([(x - self.distance / 2, y), (x + self.distance / 2, y)])

    def transform(self, landmarks: np.ndarray) -> np.ndarray:
        """The similarity (2, 3), photo px -> stimulus px, of a face with (68, 2) landmarks: shift, turn and zoom."""
        return align.umeyama(eye_centres(landmarks), self.eyes)

    def cut(self, pixels: np.ndarray, transform: np.ndarray) -> np.ndarray:
        """(height, width, 3) of a photo's pixels; what lies beyond the photo is mirrored."""
        return align.warp(pixels, transform, (self.width, self.height))

    def beyond(self, shape: tuple[int, ...], transform: np.ndarray) -> float:
        """The share of the oval that lies beyond a photo of `shape` (height, width), and was made up by mirroring."""
        y, x = np.mgrid[: self.height, : self.width]
        at = align.apply(align.invert(transform), np.stack([x, y], axis=-1))
        inside = (at >= 0).all(axis=-1) & (at[..., 0] <= shape[1] - 1) & (at[..., 1] <= shape[0] - 1)
        return float(1 - inside[self.region].mean())

    @cached_property
    def oval(self) -> np.ndarray:
        """(height, width) float32 in [0, 1]: 1 within the oval, 0 outside, with a soft edge; for every picture."""
        x, y = self.eyes.mean(axis=0) + (0, MIDDLE * self.distance)
        rows, columns = np.mgrid[: self.height, : self.width].astype(np.float32)
        a, b = HALF[0] * self.distance, HALF[1] * self.distance
        down = (rows - y) / b
        far = np.hypot((columns - x) / (a * (1 - TAPER * np.clip(down, 0, 1))), down)
        edge = np.clip((1 - far) * min(a, b) + 0.5, 0, 1).astype(np.float32)  # about a pixel wide
        return np.asarray(cv2.GaussianBlur(edge, (0, 0), max(0.5, FEATHER * self.distance)))

    @cached_property
    def region(self) -> np.ndarray:
        """(height, width) bool: the oval within its soft edge, over which luminance is taken."""
        return self.oval > 0.99


def framing_of(text: str) -> Framing:
    """Read a size such as 512x512."""
    parts = text.lower().replace("\u00d7", "x").split("x")
    if len(parts) != 2 or not all(re.fullmatch(r"\s*[0-9]{1,6}\s*", part) for part in parts):
        raise MienError(f"cannot read the size '{text}': write WIDTHxHEIGHT, such as 512x512")
    width, height = (int(part) for part in parts)
    if not all(SMALLEST <= side <= LARGEST for side in (width, height)):
        raise MienError(f"a side of the crop is {SMALLEST} to {LARGEST} px, not {text}")
    return Framing(width, height)
