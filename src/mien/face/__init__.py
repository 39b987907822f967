"""Faces in a photo: where they are, their landmarks, and the similarity that brings each into the canonical crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.face.align import crop, crop_transform, invert
from mien.face.choose import Choice, choose
from mien.face.detect import detect as _detect
from mien.face.landmarks import landmarks as _landmarks

__all__ = ["Choice", "Face", "choose", "crop", "crop_transform", "find_faces", "invert"]


@dataclass(frozen=True)
class Face:
    """One face of a photo.

    box: (x0, y0, x1, y1) float, photo px; may reach beyond the photo.
    landmarks: (68, 2) float64, Multi-PIE order, photo px.
    transform: (2, 3) float64, photo px -> px of the 256x256 crop.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    transform: np.ndarray


def find_faces(rgb: np.ndarray) -> list[Face]:
    """The faces in a photo (H, W, 3) uint8 RGB, the largest first; empty where there is none."""
    faces = []
    for box in _detect(rgb):
        points = _landmarks(rgb, box)
        faces.append(Face(box, points, crop_transform(points)))
    return faces
