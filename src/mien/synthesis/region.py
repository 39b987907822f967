"""Where a painted face may show: from the forehead to a chin that drops, softly; not on neck, ears or behind them."""

from __future__ import annotations

import cv2
import numpy as np

FOREHEAD = 0.36
"""How far the face reaches above its brows, in heights from brows to chin: as `mien.face.face_box` has it."""

DROP = 0.15
"""How far a chin may drop below its place in the photo, in the same heights."""

MARGIN, SOFT = 1.0, 4.0
"""In crop px of 256: room around it, and sigma of its edge."""


def region(landmarks: np.ndarray, size: int = 256) -> np.ndarray:
    """(size, size) float32 in [0, 1], from landmarks (68, 2) in px of the aligned crop of that size."""
    points = np.asarray(landmarks, np.float64)
    jaw, brows = points[:17], points[17:27]
    height = float(np.ptp(points[:, 1]))
    up, down = np.array([0, -FOREHEAD * height]), np.array([0, DROP * height])
    hull = cv2.convexHull(np.concatenate([jaw, jaw[6:11] + down, brows, brows + up]).astype(np.float32))
    mask = np.zeros((size, size), np.float32)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1.0)
    radius = round(MARGIN * size / 256)
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
    return cv2.GaussianBlur(mask, (0, 0), SOFT * size / 256)
