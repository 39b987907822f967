"""Display matrices: how a stored frame is turned and mirrored to stand upright, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Turn:
    """A quarter turn and mirrorings: first `swap` rows and columns, then mirror from side to side, then upside down."""

    swap: bool = False
    sideways: bool = False
    upside: bool = False

    def upright(self, frame: np.ndarray) -> np.ndarray:
        """A stored frame (H, W, C) as it is shown; a view of the same memory."""
        frame = np.swapaxes(frame, 0, 1) if self.swap else frame
        return frame[:: -1 if self.upside else 1, :: -1 if self.sideways else 1]

    def stored(self, frame: np.ndarray) -> np.ndarray:
        """The reverse."""
        frame = frame[:: -1 if self.upside else 1, :: -1 if self.sideways else 1]
        return np.swapaxes(frame, 0, 1) if self.swap else frame


def turn(matrix: Sequence[int] | None) -> Turn:
    """What the 9 numbers of a display matrix ask for (ISO 14496-12, 8.3.2: x' = a x + c y, y' = b x + d y).

    No matrix, and one that is none of the eight turns by right angles, asks for nothing.
    """
    if matrix is None or len(matrix) != 9:
        return Turn()
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if a and d and not b and not c:
        return Turn(False, a < 0, d < 0)
    if b and c and not a and not d:
        return Turn(True, c < 0, b < 0)
    return Turn()
