"""What is measured on a stimulus, whatever was asked for: how far its landmarks moved, and who it looks like."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np

from mien.errors import MienError
from mien.face.landmarks import COARSE, predictor

LEAST = 1.5
"""Mean motion of the landmarks, in % of the eyes' distance, below which a strength would be a share of noise."""


def motion(points: np.ndarray, start: np.ndarray, distance: float) -> float:
    """How far the landmarks (68, 2) px moved from `start`, on the mean: in % of the eyes' distance (px)."""
    return float(100 * np.linalg.norm(points - start, axis=1).mean() / distance)


def measured_strength(points: np.ndarray, start: np.ndarray, full: np.ndarray, distance: float) -> float | None:
    """How far the landmarks went along the way from the photo's (`start`) to those at full strength (`full`).

    The displacement projected on the full one: 0 at the photo, 1 at full strength. All (68, 2) px of one frame. None
    where full strength moves the landmarks by less than `LEAST`: there is nothing to measure by.
    """
    if motion(full, start, distance) < LEAST:
        return None
    way = (full - start).ravel()
    return float((points - start).ravel() @ way / (way @ way))


class Describer:
    """dlib's face recognition network (King 2017), 128 numbers a face; two pictures of one person are nearer than 0.6.

    `path`: dlib_face_recognition_resnet_model_v1.dat, which does not come with mien.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MienError(f"there is no face embedder {path}: give dlib_face_recognition_resnet_model_v1.dat")
        try:
            self._network = dlib.face_recognition_model_v1(str(path))
        except Exception as error:  # dlib has a class of its own
            raise MienError(f"{path} is not dlib's face recognition network: {error}") from None

    def describe(self, pixels: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
        """(128,) float64 of the face in a detector's box (x0, y0, x1, y1) px of a picture (H, W, 3) uint8."""
        points = predictor(COARSE)(pixels, dlib.rectangle(*(round(v) for v in box)))
        return np.array(self._network.compute_face_descriptor(pixels, points))
