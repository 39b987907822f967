"""What generator and rig both say about a crop: how to turn it into another expression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.synthesis.dentition import Teeth


@dataclass(frozen=True)
class Maps:
    """How a square crop changes, S px wide (256 from the generator); all but paint are zero near its edge.

    The edited crop is photo(p + flow) * exp(shading) * (1 - alpha) + paint * alpha; `teeth`, if there are any, are laid
    before the paint (`dentition.lay`).
    """

    flow: np.ndarray  # (S, S, 2) float32, (dx, dy) in crop px: where a pixel is taken from
    shading: np.ndarray  # (S, S) float32, log ratio
    paint: np.ndarray  # (S, S, 3) float32, RGB in [0, 1]
    alpha: np.ndarray  # (S, S) float32 in [0, 1]
    teeth: Teeth | None = None
