"""A face painted anew in few pixels -> maps for the photo: paint where the face was changed, the photo elsewhere.

A painted crop differs from the photo's a little everywhere: it is softer, and its colours drift. What is meant is what
differs *coarsely* once the drift is taken away. There the painting covers the photo, enlarged, no sharper than it is;
where it only relights, the photo's own pixels are relit (the ratio image of Liu et al. 2001) and keep their detail.
"""

from __future__ import annotations

import cv2
import numpy as np

from mien.synthesis.maps import Maps

SIZE = 256
"""Side of the maps, px: the frame of the crop."""

COARSE = 1.2
"""Sigma, in px of 128, of the blur through which painting and photo are compared: finer differences are softness."""

DRIFT, HALF = 14.0, 0.04
"""Sigma, in px of 128, over which colours drift; and the difference, of [0, 1], that counts half for the drift: what is
much larger is an expression."""

COVERED = (0.03, 0.08)
"""Coarse difference, of [0, 1] and of the worst of RGB, up to which the photo stays, and from which paint covers it."""

RELIT, MOST = (0.012, 0.04), 0.4
"""The same for relighting, in log ratio; and how far relighting goes: what is darker than that is paint."""

GROW, CLOSE, SOFT = 1.5, 4.0, 1.5
"""In px of 128: by how much what is covered grows, the gaps in it that are closed, and sigma of its edge."""

BORDER = 0.1
"""Share of the crop's side over which all fades to nothing at its border."""


def overlay(crop: np.ndarray, made: np.ndarray, shows: np.ndarray | float = 1.0) -> Maps:
    """Maps (256 px) that lay `made` over a photo whose crop is `crop`, both (S, S, 3) float32 in [0, 1].

    shows: share in [0, 1] of the change that is to be seen, everywhere or (256, 256).
    """
    k = len(crop) / 128
    made = made + drift(crop, made)
    covered = _step(np.abs(_blurred(made - crop, COARSE * k)).max(axis=2), *COVERED)
    covered = cv2.morphologyEx(cv2.dilate(covered, _disc(GROW * k)), cv2.MORPH_CLOSE, _disc(CLOSE * k))
    light, own = (_blurred(x.mean(axis=2), COARSE * k) for x in (made, crop))
    ratio = np.log((np.maximum(light, 0) + 0.03) / (own + 0.03))  # black has no ratio
    layers = made, np.clip(ratio * _step(np.abs(ratio), *RELIT), -MOST, MOST), _blurred(covered, SOFT * k)
    paint, shading, alpha = (cv2.resize(layer, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for layer in layers)
    fade = np.asarray(shows, np.float32) * _window(SIZE)
    flow = np.zeros((SIZE, SIZE, 2), np.float32)
    return Maps(flow, shading * fade, np.clip(paint, 0, 1), np.clip(alpha, 0, 1) * fade)


def drift(crop: np.ndarray, made: np.ndarray) -> np.ndarray:
    """(S, S, 3) what to add to a painting so that, far and wide, its colours are the photo's."""
    sigma = DRIFT * len(crop) / 128
    difference = _blurred(crop - made, COARSE * len(crop) / 128)
    found = np.zeros_like(difference)
    for _ in range(4):  # the mean of its surroundings, in which an expression hardly counts
        odd = np.abs(difference - found).max(axis=2)
        weight = 1 / (1 + (odd / HALF) ** 2)
        found = _blurred(difference * weight[..., None], sigma) / _blurred(weight, sigma)[..., None]
    return found


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def _step(size: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((size - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _window(size: int) -> np.ndarray:
    """(size, size) 1, and 0 towards the border."""
    inside = np.minimum(np.arange(size), np.arange(size)[::-1]) - 1
    edge = _step(inside / (BORDER * size), 0, 1)
    return edge[:, None] * edge


def _disc(radius: float) -> np.ndarray:
    side = 2 * round(radius) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
