"""Where the two rows of teeth lie in a view: the truth that the generator's `Teeth` are trained on."""

from __future__ import annotations

import numpy as np

from mien.rig.facekit import LOWER_TEETH, UPPER_TEETH, FaceKit
from mien.rig.flowfield import grid
from mien.rig.teeth_atlas import canonical
from mien.synthesis.dentition import REACH

FRONT = 14.0  # crop px behind the front teeth over which a vertex counts for less and less


class Dentures:
    """The model's teeth and their places in the drawing; rigid with skull and jaw, so a smooth field tells it all."""

    def __init__(self, kit: FaceKit) -> None:
        places = canonical(kit)
        self._rows = []
        for label in (UPPER_TEETH, LOWER_TEETH):
            chosen = np.flatnonzero(kit.part == label)
            behind = places[chosen, 2].max() - places[chosen, 2]
            near = behind < 3 * FRONT
            weight = np.exp(-behind[near] / FRONT)
            self._rows.append((chosen[near], places[chosen[near], :2].astype(np.float64), weight))

    def flows(self, points: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """(upper, lower), each (size, size, 2) float32 in px of the crop, as in `Teeth`; points (N, 3) placed in it."""
        k = size / 256
        here = grid(size)
        flows = []
        for chosen, places, weight in self._rows:
            seen = (points[chosen, :2].astype(np.float64) + 0.5) / k - 0.5
            answer, *_ = np.linalg.lstsq(_terms(seen) * weight[:, None], places * weight[:, None], rcond=None)
            at = (here + 0.5) / k - 0.5
            field = (_terms(at.reshape(-1, 2)) @ answer).reshape(size, size, 2) - at
            flows.append((np.clip(field, -REACH, REACH) * k).astype(np.float32))
        return flows[0], flows[1]


def _terms(at: np.ndarray) -> np.ndarray:
    """A smooth map's terms at (n, 2) crop px: a row's arch, seen from a side, bends along x."""
    x, y = (at[:, 0] - 127.5) / 32, (at[:, 1] - 170) / 32
    return np.stack([np.ones_like(x), x, y, x * x, x * y, x**3], axis=1)
