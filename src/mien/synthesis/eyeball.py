"""The eyes behind their lids: what is seen when an eye opens wider than in the photo."""

from __future__ import annotations

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])
CLEAR = (0.08, 0.12)
"""Contrast, in [0, 1], of irises up to which they are guesses, and from which on they are trusted: 0.12 to 0.37 on the
val people, below zero where lids are mistaken. Smooth between, or a blink would leap."""

IRIS_RADIUS = 0.066  # of the distance between the outer eye corners: 5.9 mm of 90 mm


def skin_colour(photo: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(3,) mean colour of the cheeks; photo (S, S, 3) float32 RGB, landmarks (68, 2) in its frame."""
    cheeks = (landmarks[[1, 4, 12, 15, 30]] * 0.5 + landmarks[30] * 0.5).astype(np.float32)
    soft = cv2.GaussianBlur(photo, (0, 0), 5 * len(photo) / 640)
    return cv2.remap(soft, cheeks[None, :, 0], cheeks[None, :, 1], cv2.INTER_LINEAR)[0].mean(0)


def eye_plate(photo: np.ndarray, landmarks: np.ndarray, visible: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """The photo with both eyes completed behind their lids: what is seen when an eye opens wider.

    photo (S, S, 3) float32 RGB; landmarks (68, 2) in its frame; visible (S, S) bool: eyeball pixels of the photo.
    skin (3,) mean colour of the face. The iris is continued by its radial median, the sclera by its own colour.
    """
    return completed_eyes(photo, landmarks, visible, skin)[0]


def completed_eyes(
    photo: np.ndarray, landmarks: np.ndarray, visible: np.ndarray, skin: np.ndarray
) -> tuple[np.ndarray, float]:
    """(`eye_plate`, how much darker the irises are than what lies around them; see `CLEAR`)."""
    plate = photo.copy()
    size = photo.shape[0]
    span = float(np.linalg.norm(landmarks[36] - landmarks[45]))
    rim = max(1, round(0.012 * span))
    known_all = cv2.erode(visible.astype(np.uint8), np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)) > 0
    lashes = max(1, round(0.026 * span))  # the upper lashes hang over the eyeball
    known_all[lashes:] &= visible[:-lashes]
    centres = [landmarks[36:42].mean(0), landmarks[42:48].mean(0)]
    iris, contrast = _irises(photo, known_all if known_all.sum() > 40 else visible, centres, IRIS_RADIUS * span)
    for k, centre in enumerate(centres):
        x0, y0 = np.maximum((centre - 0.24 * span).astype(int), 0)
        x1, y1 = np.minimum((centre + 0.24 * span).astype(int) + 1, size)
        if x1 - x0 < 8 or y1 - y0 < 8:
            continue
        patch, known = photo[y0:y1, x0:x1], known_all[y0:y1, x0:x1]
        if known.sum() < 12:
            known = visible[y0:y1, x0:x1]
        if known.sum() < 12:
            continue
        yy, xx = np.mgrid[y0:y1, x0:x1]
        grey = patch @ LUMA
        cx, cy, radius = iris[k]
        distance = np.hypot(xx - cx, yy - cy) / radius
        # lashes and make-up among the white of the eye are not what lies behind the lid
        known = known & ~((distance > 1.12) & (grey < 0.62 * float(np.clip(skin @ LUMA * 1.05, 0.30, 0.78))))
        filled = np.broadcast_to(_sclera(patch, grey, known & (distance > 1.15), skin), patch.shape)
        lidded = np.clip(1 + 0.09 * (yy - cy) / radius, 0.78, 1.0)[..., None]  # the upper lid's shadow
        filled = filled * lidded
        # the iris: dark pupil, then the mean of what is seen of each ring
        rings = np.minimum((distance * 5).astype(int), 5)
        profile = np.full((6, 3), np.nan)
        for ring in range(6):
            chosen = known & (rings == ring)
            if chosen.sum() > 3:
                profile[ring] = np.median(patch[chosen], axis=0)
        seen = np.flatnonzero(np.isfinite(profile[:5, 0]))
        if len(seen):
            at = np.clip(distance * 5 - 0.5, 0, 4)
            radial = np.stack([np.interp(at, seen, profile[seen, k]) for k in range(3)], -1)
            edge = np.clip((1.06 - distance) / 0.14, 0, 1)[..., None]
            filled = radial * edge + filled * (1 - edge)
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), max(rim * 0.7, 0.6))
        weight = np.clip(weight * 2 - 1, 0, 1)[..., None]
        plate[y0:y1, x0:x1] = patch * weight + filled * (1 - weight)
    return plate.astype(np.float32), contrast


def _sclera(patch: np.ndarray, grey: np.ndarray, white: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Colour (3,) of the eye's white: the brighter half of what is seen of it, held to what suits the skin."""
    luminance = float(np.clip(skin @ LUMA * 1.05, 0.30, 0.78))
    guess = luminance * np.array([1.02, 1.0, 0.985])
    if white.sum() < 10:
        return guess
    seen = patch[white & (grey >= np.median(grey[white]))].mean(0)
    grey_seen = np.clip(seen @ LUMA, 0.55 * luminance, 1.25 * luminance)
    return 0.5 * seen / max(seen @ LUMA, 1e-3) * grey_seen + 0.5 * guess / (guess @ LUMA) * grey_seen


def _irises(
    photo: np.ndarray, known: np.ndarray, centres: list[np.ndarray], expected: float
) -> tuple[list[tuple[float, float, float]], float]:
    """((x, y, radius) of each eye's iris, their contrast): the darkest discs of about the expected size.

    Both eyes look the same way, so they are searched together: a squint shows too little of one.
    """
    across, down, zooms = np.linspace(-0.8, 0.8, 13), np.linspace(-0.45, 0.3, 6), (0.92, 1.0, 1.08)
    scores = np.stack([_disc_scores(photo, known, c, expected, across, down, zooms) for c in centres])
    if not np.isfinite(scores).any():
        return [(float(c[0]), float(c[1]), expected) for c in centres], -1.0
    # where one eye says nothing about a place, the other decides
    worst = np.where(np.isfinite(scores), scores, np.inf).min()
    filled = np.where(np.isfinite(scores), scores, worst)
    i, j, k = np.unravel_index(filled.sum(axis=0).argmax(), scores.shape[1:])
    out = []
    for centre, own in zip(centres, filled, strict=True):
        near = slice(max(i - 1, 0), i + 2)  # they may converge a little
        dx = across[near][own[near, j, k].argmax()]
        out.append(
            (
                float(centre[0] + dx * expected),
                float(centre[1] + down[j] * expected),
                float(zooms[k] * expected),
            )
        )
    return out, float(scores.max(axis=(1, 2, 3)).clip(-1, 1).mean())


def _disc_scores(
    photo: np.ndarray,
    known: np.ndarray,
    centre: np.ndarray,
    expected: float,
    across: np.ndarray,
    down: np.ndarray,
    zooms: tuple[float, ...],
) -> np.ndarray:
    """(across, down, zooms): how much darker a disc about `centre` is than the ring around it; -inf where unseen.

    The offsets and radii are shares of the expected radius.
    """
    out = np.full((len(across), len(down), len(zooms)), -np.inf)
    x0, y0 = np.maximum((centre - 3.5 * expected).astype(int), 0)
    x1, y1 = np.minimum((centre + 3.5 * expected).astype(int) + 1, photo.shape[0])
    if x1 - x0 < 3 or y1 - y0 < 3:  # beyond the picture
        return out
    grey, inside = photo[y0:y1, x0:x1] @ LUMA, known[y0:y1, x0:x1]
    yy, xx = np.mgrid[y0:y1, x0:x1]
    # of a squint hardly a disc is seen: then the eye is taken to look ahead
    height = inside.sum(axis=0).max() / (2 * expected)
    aside = 0.03 + 0.30 * float(np.clip((0.6 - height) / 0.3, 0, 1))
    x = xx - (centre[0] + across * expected)[:, None, None, None]
    y = yy - (centre[1] + down * expected)[:, None, None]
    distance = (np.hypot(x, y) / expected)[..., inside]  # (across, down, pixels)
    seen = grey[inside]
    for k, r in enumerate(zooms):
        inner, outer = distance < r, (distance >= r) & (distance < 1.6 * r)
        counts = inner.sum(axis=-1), outer.sum(axis=-1)
        of_inner, of_outer = (
            np.where(disc, seen, 0).sum(axis=-1) / np.maximum(count, 1)
            for disc, count in zip((inner, outer), counts, strict=True)
        )
        score = of_outer - of_inner - aside * np.abs(across)[:, None] - 0.04 * np.abs(down)
        out[..., k] = np.where(np.minimum(*counts) >= 8, score, -np.inf)
    return out
