"""An opened mouth has an edge: either a lip is seen at a place or what lies behind it, never half of both.

A network that is not sure where lips part gives an alpha between, broad and low, and teeth shine through the lips. Here
that alpha is made as steep as an edge seen at the resolution of the crop, and whole inside.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from mien.synthesis.maps import Maps

BELOW = 118 / 256
"""Share of the aligned crop's rows above which no mouth lies."""

SEEN = (0.08, 0.28)
"""Where the highest alpha of a column is below the first, lips do not part; from the second on they do."""

HALF, SHARE = 0.45, 0.7
"""Alpha from which the inside is seen: the first, or the second share of the column's highest if that is less. Where
lips hardly part the network is unsure of their place, not of their parting. Chosen by the rig's alpha on the
val people, and near the best on training people too (bench/opening.py)."""

STEEP = 0.5
"""Alpha over which the edge rises from 0 to 1."""


def part(maps: Maps) -> Maps:
    """Maps of an aligned crop, S px wide, with the alpha of an opened mouth made an edge."""
    top = round(BELOW * len(maps.alpha))
    inside = maps.alpha[top:]
    highest = _along(inside.max(axis=0), len(maps.alpha) / 256)
    half = np.minimum(HALF, SHARE * highest)
    steep = np.minimum(STEEP, 1.6 * half + 1e-3)  # it begins above nothing
    seen = _rise((highest - SEEN[0]) / (SEEN[1] - SEEN[0]))
    alpha = maps.alpha.copy()
    alpha[top:] = seen * _rise((inside - half) / steep + 0.5)
    return replace(maps, alpha=alpha)


def _along(values: np.ndarray, scale: float) -> np.ndarray:
    """(n,) values, each the highest of its neighbours, then blurred over a few crop px of 256."""
    reach = 2 * max(1, round(2 * scale)) + 1
    row = cv2.dilate(values[None].astype(np.float32), np.ones((1, reach), np.uint8))
    return cv2.GaussianBlur(row, (0, 0), 3.0 * scale, borderType=cv2.BORDER_REPLICATE)[0]


def _rise(t: np.ndarray) -> np.ndarray:
    """A smoothstep from 0 at 0 to 1 at 1."""
    t = np.clip(t, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
