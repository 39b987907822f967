"""Lips that close: where the flow squeezes an open mouth to almost nothing, the mouth's inside is left out.

Between two closed lips the true flow breaks: above the line it comes from the upper lip, below it from the lower one. A
network's flow is continuous, so a strip of squeezed teeth would be left. Here the rows that show the squeezed opening
are cut out, and the rims of both lips are stretched to the line where they meet.
"""

from __future__ import annotations

import numpy as np

TOP, BOTTOM, SIDE = 0.52, 0.92, 0.27
"""Where lips can be in an aligned crop, in shares of its size: rows TOP to BOTTOM, columns SIDE about the middle."""

MARGIN, WIDE = 1.5, 6.0
"""Crop px of 256 by which the landmarks of the inner lips may be wrong; the second where the flow itself squeezes."""

STEEP = 0.5
"""Flow that gains more than this a pixel squeezes."""

SQUEEZE = (0.62, 0.78)
"""An opening that keeps less than the first share of its height closes; above the second it stays as it is."""

LIP, CORNER = 6.0, 5.0
"""Crop px: how much of a lip is stretched to the line; how far from the corners the cut is whole."""

LINE, WIDTH = 0.45, 0.7
"""The line where lips meet: its darkening (log) and its standard deviation in crop px."""


def close(
    flow: np.ndarray, shading: np.ndarray, alpha: np.ndarray, lips: np.ndarray, meant: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """(flow, shading) with the squeezed opening between closing lips cut out; new arrays where anything changes.

    flow (H, H, 2), (dx, dy) in crop px of 256; shading, alpha (H, H), at any resolution of the aligned crop.
    lips (8, 2): landmarks 60 to 67 of the photo, in crop px of 256. meant: how much of it is to be, in [0, 1].
    """
    size = len(flow)
    scale = size / 256
    top, bottom = round(TOP * size), round(BOTTOM * size)
    left, right = round((0.5 - SIDE) * size), round((0.5 + SIDE) * size)
    part, painted = flow[top:bottom, left:right], alpha[top:bottom, left:right]
    rows, columns = np.arange(len(part))[:, None], np.arange(part.shape[1])
    x = (left + columns + 0.5) / scale - 0.5 + part[..., 0]  # where each pixel comes from
    y = (top + rows + 0.5) / scale - 0.5 + part[..., 1]
    ceiling, floor = (np.interp(x, lips[k, 0], lips[k, 1]) for k in ([0, 1, 2, 3, 4], [0, 7, 6, 5, 4]))
    across = np.minimum(x - lips[0, 0], lips[4, 0] - x)
    squeezed = np.gradient(part[..., 1], axis=0) * scale > STEEP
    margin = np.where(squeezed, WIDE, MARGIN)
    inside = (y > ceiling - margin) & (y < floor + margin) & (across > 0)
    if not inside.any() or (lips[[5, 6, 7], 1] - lips[[3, 2, 1], 1]).max() < MARGIN:
        return flow, shading
    first = inside.argmax(axis=0)
    last = len(part) - 1 - inside[::-1].argmax(axis=0)
    ends = part[first, columns], part[last, columns]  # each (columns, 2)
    height = (last - first + 1) / scale
    share = height / np.maximum(height + ends[1][:, 1] - ends[0][:, 1], 1e-3)  # of the opening's height that is kept
    weight = np.clip((SQUEEZE[1] - share) / (SQUEEZE[1] - SQUEEZE[0]), 0, 1) * inside.any(axis=0) * meant
    weight *= np.clip(np.where(inside, across, 0).max(axis=0) / CORNER, 0, 1)
    weight = _smooth(weight * (np.where(inside, painted, 0).max(axis=0) < 0.5), scale)
    if not (weight > 0.01).any():
        return flow, shading
    middle = _smooth((first + last) / 2 * weight, scale) / np.maximum(_smooth(weight, scale), 1e-6)
    middle = np.round(middle, 3)  # or rounding would choose the lip of a row right on the line
    # each lip's last rows are stretched to the line
    lip = round(LIP * scale)
    far = np.maximum(first - lip, 0), np.minimum(last + lip, len(part) - 1)
    within = (rows >= far[0]) & (rows <= far[1]) & inside.any(axis=0)
    sides = []
    for edge, beyond in zip((first, last), far, strict=True):
        t = np.clip((rows - beyond) / np.where(middle == beyond, 1, middle - beyond), 0, 1)
        source = beyond + t * (edge - beyond)  # the row of the old map whose source is shown
        low = np.clip(source.astype(int), 0, len(part) - 2)
        between = (source - low)[..., None]
        flow_there = part[low, columns] * (1 - between) + part[low + 1, columns] * between
        sides.append(flow_there + np.dstack([0 * source, (source - rows) / scale]))
    cut = np.where((rows < middle)[..., None], *sides)
    amount = (within * weight)[..., None]
    new_flow, new_shading = flow.copy(), shading.copy()
    new_flow[top:bottom, left:right] = part * (1 - amount) + cut * amount
    line = np.exp(-0.5 * ((rows - middle) / (WIDTH * scale)) ** 2) * weight
    new_shading[top:bottom, left:right] -= LINE * line
    return new_flow.astype(np.float32), new_shading.astype(np.float32)


def _smooth(values: np.ndarray, scale: float) -> np.ndarray:
    """(n,) values, averaged over a few crop px."""
    reach = max(1, round(1.5 * scale))
    kernel = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(values, kernel / kernel.sum(), mode="same")
