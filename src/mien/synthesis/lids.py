"""Lids that open: lashes keep their length, the eyeball keeps its shape, and what is bared is the photo's own eye.

Between a lid and the eye behind it the true flow breaks; a network's flow stretches iris and lashes instead. How far
the lid rises is what alpha says; here the lid's margin is moved by it as one piece, the skin above it takes up the
stretch, the eyeball stays, and between the two lies the eye as completed behind the lid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from mien.synthesis.eyeball import CLEAR, completed_eyes, skin_colour
from mien.synthesis.maps import Maps

EYES = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))

STATIONS = ((37, (18, 19), 0.6), (38, (20, 21), 0.85), (43, (22, 23), 0.85), (44, (24, 25), 0.6))
"""Landmarks of a lid and of the brow above it, from left to right in the image, and how far that brow rises at most, in
distances between the two: skin that is stretched further smears. Inner brows may rise more, or nobody looks sad."""

FEW = 8
"""An eye of fewer columns is none to work on."""

LASHES, SKIN = 4.0, 8.0
"""Crop px of 256 above a lid's margin that move as one piece, and those above them over which the flow catches up."""

RISE = (0.5, 1.6)
"""A lid that rises by less than the first (crop px of 256) is left as it is; from the second on it is moved."""

MOST = 8.0
"""The furthest that a lid rises, crop px of 256."""

MARGIN = 0.7
"""Crop px by which the margin lies below the landmarks: the roots of the lashes belong to the lid."""

CORNER, SIDE = 6.0, 14.0
"""Crop px from a corner of the eye over which the rise sets in, and beyond it over which the lid's change fades."""


@dataclass(frozen=True)
class Eyes:
    """plate (S, S, 3) float32 RGB in [0, 1]: a crop with both eyes completed behind their lids. contrast: how much
    darker the irises are than what lies around them; little if the eyes are closed, or squint."""

    plate: np.ndarray
    contrast: float

    @property
    def trust(self) -> float:
        """Share in [0, 1] of the plate that may show."""
        t = min(max((self.contrast - CLEAR[0]) / (CLEAR[1] - CLEAR[0]), 0.0), 1.0)
        return t * t * (3 - 2 * t)


def complete(crop: np.ndarray, landmarks: np.ndarray) -> Eyes:
    """The eyes of a crop (S, S, 3) uint8; landmarks (68, 2) in its px."""
    photo = crop.astype(np.float32) / 255
    visible = np.zeros(photo.shape[:2], np.uint8)
    for eye in EYES:
        x, upper, lower = _lids(landmarks[list(eye)], len(photo) / 256)
        if len(x) < FEW or (lower - upper).max() < len(photo) / 256:
            continue  # closed, or not in sight
        outline = np.r_[np.column_stack([x, upper]), np.column_stack([x, lower])[::-1]]
        cv2.fillPoly(visible, [np.round(outline * 16).astype(np.int32)], (1,), cv2.LINE_8, 4)
    return Eyes(*completed_eyes(photo, landmarks, visible > 0, skin_colour(photo, landmarks)))


def widen(maps: Maps, eyes: Eyes | None, landmarks: np.ndarray) -> Maps:
    """Maps of a crop, S px wide, with the lids moved as one piece wherever alpha bares an eye.

    eyes: what `complete` gives; where they are guesses, or None, only brows are tempered. landmarks (68, 2) in px of
    the crop.
    """
    tempered = _tempered(maps.flow, landmarks)
    if eyes is None or not eyes.trust:
        return maps if tempered is maps.flow else replace(maps, flow=tempered)
    flow, alpha, paint = tempered.copy(), maps.alpha.copy(), maps.paint.copy()
    for eye in EYES:
        _widen(flow, alpha, paint, eyes, landmarks[list(eye)])
    return replace(maps, flow=flow, alpha=alpha, paint=paint)


def _tempered(flow: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The flow (S, S, 2) with brows that rise no further than the skin between them and the lids can follow."""
    size = len(flow)
    lids, shares = [], []
    for lid, brows, most in STATIONS:
        brow = landmarks[list(brows)].mean(axis=0)
        gap = float(landmarks[lid, 1] - brow[1])
        column, row = np.round(brow - (0, gap / 2)).astype(int).clip(0, size - 1)  # about where a risen brow will be
        lids.append(landmarks[lid])
        sound = gap > 3 * size / 256  # or the landmarks are mistaken
        shares.append(min(1.0, most * gap / max(float(flow[row, column, 1]), 1e-3)) if sound else 1.0)
    if min(shares) == 1.0:
        return flow
    x, y, k = np.arange(size), np.arange(size)[:, None], size / 256
    share, line = (np.interp(x, [lid[0] for lid in lids], values) for values in (shares, [lid[1] for lid in lids]))
    t = np.clip((line + 6 * k - y) / (12 * k), 0, 1)  # all of it above the lids, nothing below the eyes
    out = flow.copy()
    out[..., 1] *= 1 - (1 - share) * (t * t * (3 - 2 * t))
    return out


def _widen(flow: np.ndarray, alpha: np.ndarray, paint: np.ndarray, eyes: Eyes, eye: np.ndarray) -> None:
    """One eye, in place; eye (6, 2)."""
    size = len(flow)
    k = size / 256
    x, upper, lower = _lids(eye, k)
    if len(x) < FEW:
        return
    side = round(SIDE * k)
    above, below = upper.min() - (MOST + LASHES + SKIN + 2) * k, lower.max() + 4 * k
    if x[0] < side or x[-1] > size - 1 - side or above < 0 or below > size - 1:
        return
    inner = slice(side, -side)  # the eye among the columns that are touched
    x = np.arange(x[0] - side, x[-1] + side + 1)
    upper, lower = (np.pad(row, side, mode="edge") for row in (upper, lower))
    columns = slice(int(x[0]), int(x[-1]) + 1)
    rows = slice(int(above), int(below) + 1)
    y = np.arange(rows.start, rows.stop)[:, None].astype(np.float32)
    moved, cover = flow[rows, columns], alpha[rows, columns]
    height = np.maximum(lower - upper, k)
    # the eyeball goes where the lower half of the eye goes
    still = (y > lower - 0.5 * height) & (y < lower)
    ball = np.where(still[..., None], moved, 0).sum(0) / np.maximum(still.sum(0), 1)[:, None]  # (columns, 2)
    ball = np.stack([_soft(ball[:, i], 2 * k) for i in (0, 1)], axis=1)
    margin = upper - ball[:, 1]  # where the lid's margin would be if it stayed on the eyeball
    bared = np.where((y > margin - 1.5 * MOST * k) & (y < margin + 0.6 * height), cover, 0).sum(0)
    inside = np.pad(np.ones(len(x) - 2 * side), side)
    corner = np.clip(np.minimum(x - x[side], x[-side - 1] - x) / (CORNER * k), 0, 1)
    rise = np.minimum(_soft(bared * inside, 2 * k), MOST * k) * np.sqrt(corner)
    t = np.clip((rise / k - RISE[0]) / (RISE[1] - RISE[0]), 0, 1)
    weight = (t * t * (3 - 2 * t) * eyes.trust).astype(np.float32)
    if not weight.any():
        return
    lid = margin - rise
    # above the lid: lashes as one piece, then the skin catches up with the flow; it fades to both sides
    catch = np.clip((lid - LASHES * k - y) / (SKIN * k), 0, 1)
    change = (upper - lid - moved[..., 1]) * (1 - catch * catch * (3 - 2 * catch)) * (y < lid)
    lifted = cv2.GaussianBlur(change.astype(np.float32), (0, 0), 2.0 * k) * (y < lid)
    change = np.where(lid - y < LASHES * k, change, lifted) * _soft(weight, SIDE * k / 3)
    # below it: the eyeball, which meets the flow again at the lower lid
    meet = np.clip((lower - ball[:, 1] - y) / (0.35 * height), 0, 1) * weight * (y >= lid)
    moved[..., 1] += change + (ball[:, 1] - moved[..., 1]) * meet
    moved[..., 0] += (ball[:, 0] - moved[..., 0]) * meet
    opening = np.clip((y - lid) / (1.5 * k) + 0.5, 0, 1) * np.clip((margin - y) / (1.5 * k) + 1.0, 0, 1)
    cover += (opening - cover) * weight * (y < lower - ball[:, 1])
    at_x, at_y = x + ball[:, 0] + 0 * y, y + ball[:, 1]
    behind = cv2.remap(eyes.plate, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR)
    here = paint[rows, columns][:, inner]
    here += (behind[:, inner] - here) * weight[inner, None]


def _lids(eye: np.ndarray, k: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, upper, lower): the columns of an eye (6, 2) and its lids' rows there; k px a crop px of 256."""
    left, right = sorted((eye[0], eye[3]), key=lambda corner: corner[0])
    x = np.arange(np.ceil(left[0]), np.floor(right[0]) + 1)
    curves = []
    for pair in (eye[1:3], eye[4:6]):
        through = np.array([left, *pair, right])
        through = through[np.argsort(through[:, 0])]
        if np.diff(through[:, 0]).min() < 0.5 * k:  # no curve runs through points above each other
            curves.append(np.interp(x, through[:, 0], through[:, 1]))
        else:
            curves.append(np.polyval(np.polyfit(through[:, 0] - left[0], through[:, 1], 3), x - left[0]))
    upper = np.minimum(curves[0] + MARGIN * k, curves[1])
    return x, upper, np.maximum(curves[1], upper)


def _soft(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values.astype(np.float32)[None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
