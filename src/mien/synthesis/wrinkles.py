"""Creases where the skin folds: the generator's shading is too soft for lines, so they are drawn as the rig draws them.

Which creases an expression calls is known from its shapes, where they run from the landmarks. Those that the photo's
own expression shows already are told by the flow: where nothing moves, nothing folds anew.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from mien.synthesis.creases import activations, crease_fields, crease_names
from mien.synthesis.maps import Maps

FULL = 4.0
"""Motion, in crop px of 256, from which on a crease is drawn in full."""

SHARE = 0.8
"""How much of a crease is drawn: the generator's shading holds a part of it."""

TOLERANCE = 14.0
"""Distance in CIE Lab's a* and b* (8 bits) and half of L* from the cheeks' colour at which a pixel is hardly skin."""

# landmarks whose motion tells that a crease folds; {s} is the side, L or R
_MOVED = {
    "forehead_L": (23, 24, 25), "forehead_R": (18, 19, 20), "glabella": (21, 22), "bridge": (31, 33, 35),
    "nasolabial_L": (35, 53, 54), "nasolabial_R": (31, 48, 49), "crow_L": (45, 46, 54), "crow_R": (36, 41, 48),
    "lower_lid_L": (46, 47), "lower_lid_R": (40, 41), "corner_L": (54,), "corner_R": (48,), "chin": (57, 8),
}  # fmt: skip


def prepare(crop: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(K, S, S) float32 log-shading of every crease on a crop (S, S, 3) uint8 RGB, only where there is skin.

    landmarks (68, 2) in px of the crop.
    """
    fields = crease_fields(landmarks, len(crop), np.random.default_rng(0), dtype=np.float32)
    lab = cv2.cvtColor(cv2.GaussianBlur(crop, (0, 0), 1.5 * len(crop) / 256), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] *= 0.5
    cheeks = np.round(0.5 * landmarks[[2, 14]] + 0.5 * landmarks[[31, 35]]).astype(int).clip(0, len(crop) - 1)
    near = np.full(lab.shape[:2], np.inf, np.float32)
    for x, y in cheeks:
        away = cv2.subtract(lab, (*lab[y, x].tolist(), 0))
        near = np.minimum(near, np.einsum("yxc,yxc->yx", away, away))
    near = np.sqrt(near)
    skin = np.clip(2 - near / TOLERANCE, 0, 1)
    return fields * cv2.GaussianBlur(skin, (0, 0), 2.0 * len(crop) / 256)


def wrinkle(maps: Maps, fields: np.ndarray, weights: np.ndarray, amount: float, landmarks: np.ndarray) -> Maps:
    """Maps whose shading has the creases that (57,) target weights call, as far as their skin moves.

    fields: what `prepare` gives for the same crop and landmarks. amount in [0, 1.3]: share of the way to the target.
    """
    size = len(maps.shading)
    calls = activations(weights) * np.float32(min(amount, 1.0) * SHARE)
    length = np.linalg.norm(maps.flow, axis=2) * (256 / size)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    at = np.round(landmarks).astype(int).clip(0, size - 1)
    drawing = np.zeros((size, size), np.float32)
    for name, call, field in zip(crease_names(), calls, fields, strict=True):
        moved = float(np.mean([length[at[k, 1], at[k, 0]] for k in _MOVED[name]]))
        strength = call * min(moved / FULL, 1.0)
        if strength > 0.01:
            drawing += strength * field
    if not drawing.any():
        return maps
    there = cv2.remap(drawing, x + maps.flow[..., 0], y + maps.flow[..., 1], cv2.INTER_LINEAR)
    return replace(maps, shading=(maps.shading + there * (1 - maps.alpha)).astype(np.float32))
