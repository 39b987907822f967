"""Batches of aligned crops: the same edit without searching for faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import MienError
from mien.expression import MAX_AMOUNT, Expression, parse
from mien.face import Face, align, face_box
from mien.face.landmarks import refine
from mien.synthesis.synthesiser import Synthesiser

SMALLEST = 64
"""Side in px of the smallest crops: in smaller ones the landmarks mean little."""


def edit_crops(
    generator: Synthesiser,
    crops: np.ndarray,
    expression: str | Expression | Sequence[str | Expression],
    strength: float | Sequence[float] = 1.0,
    landmarks: np.ndarray | None = None,
) -> np.ndarray:
    """(n, S, S, 3) uint8, the crops with other expressions, one at a time; see `Editor.edit_crops`."""
    if crops.ndim != 4 or crops.shape[3] != 3 or crops.shape[1] != crops.shape[2] or crops.dtype != np.uint8:
        raise MienError(f"crops are (n, S, S, 3) of uint8, not {crops.shape} of {crops.dtype}")
    count, side = crops.shape[:2]
    if side < SMALLEST:
        raise MienError(f"crops have a side of {SMALLEST} px at least, not {side}")
    if landmarks is not None and (np.shape(landmarks) != (count, 68, 2) or not np.isfinite(landmarks).all()):
        raise MienError(f"the landmarks are ({count}, 68, 2), finite, not {np.shape(landmarks)}")
    targets = (
        [parse(expression)] * count if isinstance(expression, str | Expression) else [parse(e) for e in expression]
    )
    strengths = [float(strength)] * count if isinstance(strength, int | float) else [float(s) for s in strength]
    if len(targets) != count or len(strengths) != count:
        raise MienError(f"{count} crops need one expression and strength, or {count}")
    if not all(0 <= one <= MAX_AMOUNT for one in strengths):
        raise MienError(f"strengths must be within 0 to {MAX_AMOUNT}")
    for target in dict.fromkeys(targets):
        generator.check(target)
    zoom = align.SIZE / side
    transform = np.array([(zoom, 0, (zoom - 1) / 2), (0, zoom, (zoom - 1) / 2)])  # the grids' outer edges coincide
    made = crops.copy()
    for i, (target, share) in enumerate(zip(targets, strengths, strict=True)):
        amount = min(share * target.amount, MAX_AMOUNT)
        if amount > 0:
            points = refine(crops[i], transform) if landmarks is None else np.asarray(landmarks[i], np.float64)
            face = Face(face_box(points, transform), points, transform)
            made[i] = generator.sit(crops[i], face).edit(crops[i], target, amount)[0]
    return made
