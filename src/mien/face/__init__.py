"""Faces in a photo: where they are, their landmarks, and the similarity that brings each into the canonical crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.face.align import apply, crop, crop_transform, invert
from mien.face.choose import Choice, choose
from mien.face.detect import detect as _detect
from mien.face.landmarks import landmarks as _landmarks

__all__ = ["Choice", "Face", "choose", "crop", "crop_transform", "find_faces", "invert"]


@dataclass(frozen=True)
class Face:
    """One face of a photo.

    box: (x0, y0, x1, y1) float, photo px: the whole face from the hairline to the chin; may reach beyond the photo.
    landmarks: (68, 2) float64, Multi-PIE order, photo px.
    transform: (2, 3) float64, photo px -> px of the 256x256 crop.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    transform: np.ndarray

    def scaled(self, factor: float) -> Face:
        """The same face in the same photo at `factor` times its size."""
        shift = (factor - 1) / 2  # pixel centres are at integers
        x0, y0, x1, y1 = (v * factor + shift for v in self.box)
        turn = self.transform[:, :2] / factor
        transform = np.column_stack([turn, self.transform[:, 2] - turn.sum(axis=1) * shift])
        return Face((x0, y0, x1, y1), self.landmarks * factor + shift, transform)


def find_faces(rgb: np.ndarray) -> list[Face]:
    """The faces in a photo (H, W, 3) uint8 RGB, the largest first; empty where there is none."""
    faces = []
    for box in _detect(rgb):
        points = _landmarks(rgb, box)
        transform = crop_transform(points)
        faces.append(Face(face_box(points, transform), points, transform))
    return faces


def face_box(landmarks: np.ndarray, transform: np.ndarray) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1), photo px, of a face with (68, 2) landmarks: jaw to jaw, hairline to chin.

    The hairline lies about a third of the height from brows to chin above the brows; detectors' own boxes often end
    below it and above the chin. Upright in the crop, then the box of its corners in the photo.
    """
    upright = apply(transform, landmarks)
    (left, _), (right, chin) = upright.min(axis=0) - 6, upright.max(axis=0) + 6  # crop px of margin
    brows = upright[17:27, 1].min()
    top = brows - 0.36 * (chin - brows)
    corners = apply(invert(transform), np.array([(left, top), (right, top), (left, chin), (right, chin)]))
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
