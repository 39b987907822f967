"""Edits end where the face ends: nothing beyond the face's box, grown by a fifth, can ever change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.synthesis.maps import Maps

GROWTH = 0.2
"""On every side, as a share of the box's shorter side: within a fifth however that is meant."""

RAMP = 0.12
"""Over this share of the shorter side the edit fades out, inside the grown box."""


def confine(maps: Maps, box: tuple[float, float, float, float], transform: np.ndarray) -> Maps:
    """Fade flow, shading and alpha to exactly zero at the edge of the face's box, grown by a fifth.

    box: (x0, y0, x1, y1) photo px. transform: (2, 3), photo px -> px of the maps' crop.
    """
    size = maps.alpha.shape[0]
    inverse = np.linalg.inv(transform[:, :2])
    y, x = np.mgrid[0:size, 0:size]
    there = (np.stack([x, y], axis=-1) - transform[:, 2]) @ inverse.T  # (S, S, 2) photo px
    corner, far = np.array(box[:2]), np.array(box[2:])
    side = (far - corner).min()
    # distance to the nearer edge of the box, less a margin for what `composite` does to the maps: a crop px where it
    # enlarges them, 2.5 photo px where it blurs them (four sigma of half a pixel, and the sampling)
    zoom = 1.0 / float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    margin = 2.5 if zoom < 0.8 else max(1.5, zoom)
    inside = np.minimum(there - corner, far - there) - margin
    t = np.clip((inside / side + GROWTH) / RAMP, 0, 1)
    fade = (t * t * (3 - 2 * t)).prod(axis=-1).astype(np.float32)
    return replace(maps, flow=maps.flow * fade[..., None], shading=maps.shading * fade, alpha=maps.alpha * fade)
