"""The edges between teeth, drawn where the generator paints them.

The generator knows where teeth show and how bright they are, but blurs them into one band. Their widths hardly differ
between adults, and the row is centred on the face's midline, so the dark edges between them can be drawn. A sharper
generator would make this file superfluous.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.synthesis.maps import Maps

MILLIMETRE = 60 / 63
"""Crop px (of 256) per mm: the pupils lie 60 px and about 63 mm apart."""

UPPER = np.cumsum([0, 8.5, 6.6, 6.3, 4.6, 3.6, 2.8]) * MILLIMETRE
LOWER = np.cumsum([0, 5.3, 5.6, 5.8, 4.6, 3.8, 3.0]) * MILLIMETRE
"""Distance of the edges from the midline, crop px: mean widths (Ash & Nelson), foreshortened along the arch."""

DEPTH, WIDTH = 0.30, 0.55
"""Darkening of an edge, and its standard deviation in crop px."""


def separate(maps: Maps, landmarks: np.ndarray) -> Maps:
    """Maps of a 256 px crop with tooth edges in the mouth's paint; landmarks (68, 2) in px of the crop."""
    size = maps.alpha.shape[0]
    top = int(np.clip(landmarks[33, 1], 0, size - 1))  # below the nose is mouth
    alpha, paint = maps.alpha[top:], maps.paint[top:]
    shown = alpha > 0.5
    if shown.sum() < 30:
        return maps
    bright = paint @ np.array([0.299, 0.587, 0.114], np.float32)
    level = np.percentile(bright[shown], 90)
    middle = 0.5 * landmarks[33, 0] + 0.25 * (landmarks[48, 0] + landmarks[54, 0])
    across = np.abs(np.arange(size) - middle)
    edges = [np.exp(-0.5 * ((across[:, None] - row) / WIDTH) ** 2).sum(1) for row in (UPPER, LOWER)]
    lower = _below_gap(bright, shown, level)
    pattern = np.where(lower, edges[1], edges[0])
    t = np.clip((bright / level - 0.55) / 0.25, 0, 1)
    tooth = t * t * (3 - 2 * t) * alpha
    drawn = maps.paint.copy()
    drawn[top:] = paint * (1 - DEPTH * np.minimum(pattern, 1) * tooth)[..., None]
    return replace(maps, paint=drawn.astype(np.float32))


def _below_gap(bright: np.ndarray, shown: np.ndarray, level: float) -> np.ndarray:
    """(H, W) bool: pixels below the dark gap of their column, if it has one: lower teeth."""
    inside = np.where(shown, bright, np.inf)
    gap = inside.argmin(axis=0)
    rows = np.arange(bright.shape[0])[:, None]
    above = np.where(shown & (rows < gap), bright, 0).max(axis=0)
    dark = np.isfinite(inside.min(axis=0)) & (inside.min(axis=0) < 0.6 * level) & (above > 0)
    return (rows > gap) & dark
