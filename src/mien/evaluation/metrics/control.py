"""Does a method do what it is told, and nothing else: strength, locality, exactness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MARGIN = 0.2
"""Of the face's box on every side: what an edit of the face may touch."""


def ranks(values: Sequence[float]) -> np.ndarray:
    """(n,) ranks from 1 on; equal values share the mean of theirs."""
    given = np.asarray(values, np.float64)
    below = (given[None] < given[:, None]).sum(axis=1)
    same = (given[None] == given[:, None]).sum(axis=1)
    return below + (same + 1) / 2


def monotonicity(requested: Sequence[float], measured: Sequence[float]) -> float:
    """Spearman's rank correlation (-1 to 1) of requested and measured strength; 0 where the measured never changes."""
    a, b = ranks(requested), ranks(measured)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm else 0.0


def outside_identical(before: np.ndarray, after: np.ndarray, box: tuple[float, ...]) -> float | None:
    """Share of the pixels outside the face's box (x0, y0, x1, y1), grown by `MARGIN`, that are bit-identical in two
    pictures (H, W, 3) of one size; None where nothing lies outside."""
    x0, y0, x1, y1 = box
    wide, high = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    outside = np.ones(before.shape[:2], bool)
    left, top = max(0, int(x0 - wide)), max(0, int(y0 - high))
    outside[top : max(0, int(np.ceil(y1 + high))), left : max(0, int(np.ceil(x1 + wide)))] = False
    return float((before == after).all(axis=2)[outside].mean()) if outside.any() else None


def exact(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two pictures are the same to the bit: what strength 0 must give."""
    return before.shape == after.shape and before.dtype == after.dtype and bool((before == after).all())
