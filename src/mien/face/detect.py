"""Find frontal faces with dlib's HOG detector (inside dlib, no file)."""

from __future__ import annotations

import threading

import cv2
import dlib
import numpy as np

SIDES: tuple[int, ...] = (640, 1280, 2560)
"""Longest side of the copies that are searched, in turn. The detector sees faces from 80 px of a copy upward."""

PORTRAIT = 0.2
"""A face this wide, as a part of the longest side, makes the photo a portrait: no finer copy is searched for more."""


SURE, DOUBTFUL, FAINT = 1.0, 0.3, 0.1
"""Scores: beside a sure face, doubtful ones are left out, as most of them are patterns on clothes or walls; what only
local contrast brings out must be more than faint, or its box may lie beside the face."""


_mine = threading.local()


def _detector() -> dlib.fhog_object_detector:
    """This thread's: a detector holds what it last looked at, and dlib lets other threads run meanwhile."""
    if not hasattr(_mine, "detector"):
        _mine.detector = dlib.get_frontal_face_detector()
    found: dlib.fhog_object_detector = _mine.detector
    return found


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))


def detect(rgb: np.ndarray) -> list[tuple[float, float, float, float]]:
    """Boxes (x0, y0, x1, y1) of the faces in a photo (H, W, 3) uint8, in photo px, the largest first.

    A downscaled copy is searched first; finer ones only when it held no face, or only small ones (a group), so a
    portrait takes tens of milliseconds. Boxes may reach beyond the photo.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"expected an (H, W, 3) uint8 photo, not {rgb.shape} {rgb.dtype}")
    found = _pyramid(rgb, SIDES)
    if not found:  # very dark, faded or flat photos: once more with local contrast
        found = [item for item in _pyramid(rgb, SIDES[:2], contrast=True) if item[0] >= FAINT]
    if any(score >= SURE for score, _ in found):
        found = [item for item in found if item[0] >= DOUBTFUL]
    found.sort(key=lambda item: -float((item[1][2] - item[1][0]) * (item[1][3] - item[1][1])))
    return [(float(b[0]), float(b[1]), float(b[2]), float(b[3])) for _, b in found]


def _pyramid(rgb: np.ndarray, sides: tuple[int, ...], contrast: bool = False) -> list[tuple[float, np.ndarray]]:
    """(score, box) of the faces in copies of a photo of ever finer resolution, until one shows a portrait."""
    longest = max(rgb.shape[:2])
    found: list[tuple[float, np.ndarray]] = []
    last = 0.0
    for side in sides:
        factor = min(side / longest, 2.0 if last else 1.0)  # small photos are enlarged at most twice
        if factor <= last * 1.1:
            break
        last = factor
        _merge(found, _search(rgb, factor, contrast))
        if found and max(box[2] - box[0] for _, box in found) >= PORTRAIT * longest:
            break
    return found


def _search(rgb: np.ndarray, factor: float, contrast: bool = False) -> list[tuple[float, np.ndarray]]:
    """(score, box in photo px) of the faces in a copy scaled by `factor`, if wanted with local contrast."""
    height, width = rgb.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    mode = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    copy = rgb if size == (width, height) else cv2.resize(rgb, size, interpolation=mode)
    if contrast:
        copy = cv2.createCLAHE(4.0, (8, 8)).apply(cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY))
    boxes, scores, _ = _detector().run(np.ascontiguousarray(copy), 0, 0.0)
    to_photo = np.array([width / size[0], height / size[1]] * 2)
    # dlib's rectangles include their last pixel, and pixel centres are integers in both frames
    return [
        (float(s), np.array([b.left(), b.top(), b.right() + 1, b.bottom() + 1], np.float64) * to_photo - 0.5)
        for b, s in zip(boxes, scores, strict=True)
    ]


def _merge(found: list[tuple[float, np.ndarray]], new: list[tuple[float, np.ndarray]]) -> None:
    """Add `new` to `found`; of two that overlap by a third, the surer stays."""
    for score, box in new:
        rivals = [i for i, (_, other) in enumerate(found) if overlap(box, other) > 1 / 3]
        if any(found[i][0] >= score for i in rivals):
            continue
        for i in reversed(rivals):
            del found[i]
        found.append((score, box))
