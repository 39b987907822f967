"""The eyes behind their lids: what is seen when an eye opens wider than in the photo."""

from __future__ import annotations

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])
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
    plate = photo.copy()
    size = photo.shape[0]
    span = float(np.linalg.norm(landmarks[36] - landmarks[45]))
    rim = max(1, round(0.012 * span))
    known_all = cv2.erode(visible.astype(np.uint8), np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)) > 0
    lashes = max(1, round(0.026 * span))  # the upper lashes hang over the eyeball
    known_all[lashes:] &= visible[:-lashes]
    centres = [landmarks[36:42].mean(0), landmarks[42:48].mean(0)]
    iris = _irises(photo, known_all if known_all.sum() > 40 else visible, centres, IRIS_RADIUS * span)
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
    return plate.astype(np.float32)


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
) -> list[tuple[np.floating, np.floating, np.floating]]:
    """(x, y, radius) of each eye's iris: the darkest discs of about the expected size, at one height, of one size."""
    size = photo.shape[0]
    found = []
    for centre in centres:
        x0, y0 = np.maximum((centre - 3.5 * expected).astype(int), 0)
        x1, y1 = np.minimum((centre + 3.5 * expected).astype(int) + 1, size)
        if x1 - x0 < 3 or y1 - y0 < 3:  # beyond the picture
            found.append((0.0, 0.0, 1.0))
            continue
        grey, inside = photo[y0:y1, x0:x1] @ LUMA, known[y0:y1, x0:x1]
        yy, xx = np.mgrid[y0:y1, x0:x1]
        best, best_at = -np.inf, (0.0, 0.0, 1.0)
        for dx in np.linspace(-0.8, 0.8, 13):
            for dy in np.linspace(-0.45, 0.3, 6):
                distance = np.hypot(xx - centre[0] - dx * expected, yy - centre[1] - dy * expected) / expected
                for r in (0.92, 1.0, 1.08):
                    inner, outer = inside & (distance < r), inside & (distance >= r) & (distance < 1.6 * r)
                    if inner.sum() < 8 or outer.sum() < 8:
                        continue
                    score = grey[outer].mean() - grey[inner].mean() - 0.03 * abs(dx) - 0.04 * abs(dy)
                    if score > best:
                        best, best_at = score, (float(dx), float(dy), r)
        found.append(best_at)
    drop, zoom = np.mean([f[1] for f in found]), np.mean([f[2] for f in found])
    eyes = zip(centres, found, strict=True)
    return [(c[0] + f[0] * expected, c[1] + drop * expected, zoom * expected) for c, f in eyes]
