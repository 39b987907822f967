"""The teeth laid into an opened mouth: one picture of two rows, and the flows that say where each row lies.

A network that paints teeth blurs them, as their place is never quite sure. So it says instead where each row of a drawn
set lies, a smooth field like the flow, and the set is sampled at the photo's own resolution. The drawing is a frontal
view of ICT-FaceKit's teeth (MIT), made by `python -m mien.rig.teeth_atlas`, in the frame of an aligned 256 px crop.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.errors import MienError

ATLAS = Path(__file__).parent.parent / "weights" / "teeth.png"

DENSITY = 8  # atlas px a crop px
LEFT, WIDTH = 78, 100  # columns of the aligned 256 px crop that the atlas covers; 127.5 is its middle
UPPER = (126, 42)  # first row and number of rows, crop px
LOWER = (138, 56)
REACH = 48.0
"""The longest flow of a row, crop px of 256: no field can bring teeth to the eyes."""

ENAMEL = np.array([0.82, 0.79, 0.735], np.float32)
"""A tooth of the drawing where it is lit best, RGB in [0, 1]."""


@dataclass(frozen=True)
class Teeth:
    """Where the rows lie in a square crop, S px wide, and their light.

    upper, lower (S, S, 2) float32: (dx, dy) in crop px, from a pixel to its place in the drawing.
    enamel (S, S, 3) float32 RGB in [0, 1]: the colour that a tooth of `ENAMEL` has here.
    """

    upper: np.ndarray
    lower: np.ndarray
    enamel: np.ndarray


@functools.lru_cache(maxsize=8)
def atlas(density: float = DENSITY) -> tuple[np.ndarray, np.ndarray]:
    """(upper, lower): float32 RGBA rows with premultiplied colour in [0, 1], at `density` px a crop px (8 at most)."""
    stored = cv2.imread(str(ATLAS), cv2.IMREAD_UNCHANGED) if ATLAS.is_file() else None
    if stored is None or stored.shape != ((UPPER[1] + LOWER[1]) * DENSITY, WIDTH * DENSITY, 4):
        raise MienError(f"the drawing of the teeth, {ATLAS}, is missing or damaged: install mien again")
    whole = stored[..., [2, 1, 0, 3]].astype(np.float32) / 255
    whole[..., :3] *= whole[..., 3:]
    rows = []
    for row, height in ((whole[: UPPER[1] * DENSITY], UPPER[1]), (whole[UPPER[1] * DENSITY :], LOWER[1])):
        size = (round(WIDTH * density), round(height * density))
        small = row if density == DENSITY else cv2.resize(row, size, interpolation=cv2.INTER_AREA)
        small.setflags(write=False)
        rows.append(small)
    return rows[0], rows[1]


def lay(paint: np.ndarray, at: np.ndarray, teeth: Teeth, zoom: float = 1.0) -> np.ndarray:
    """Paint (h, w, 3) in [0, 1] with both rows before it; a new array.

    at (h, w, 2): the place of each pixel in the aligned 256 px crop; `teeth` sampled at the same pixels, its flows in
    px of that crop. zoom: pixels a crop px, which says how fine the drawing is needed.
    """
    density = next((d for d in (1, 2, 4) if d >= zoom), DENSITY)
    upper, lower = atlas(density)
    light = teeth.enamel / ENAMEL
    out = paint
    for row, (top, _), flow in ((lower, LOWER, teeth.lower), (upper, UPPER, teeth.upper)):
        x = (at[..., 0] + flow[..., 0] - (LEFT - 0.5)) * density - 0.5
        y = (at[..., 1] + flow[..., 1] - (top - 0.5)) * density - 0.5
        drawn = cv2.remap(
            row,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(0, 0, 0, 0),
        )
        out = out * (1 - drawn[..., 3:]) + drawn[..., :3] * light
    return np.clip(out, 0, 1).astype(np.float32, copy=False)


def with_teeth(paint: np.ndarray, teeth: Teeth) -> np.ndarray:
    """The paint (S, S, 3) of a crop with its teeth before it, at the crop's own resolution."""
    size = len(paint)
    k = 256 / size
    y, x = np.mgrid[0:size, 0:size]
    rows = Teeth(teeth.upper * np.float32(k), teeth.lower * np.float32(k), teeth.enamel)
    at = (np.stack([x, y], axis=-1) + 0.5) * k - 0.5
    return lay(paint, at, rows, max(size / 256, 2))  # at least as fine as the losses see it
