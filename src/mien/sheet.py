"""Contact sheets: one photo, several expressions, labelled."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.editor import Choice, Portrait
from mien.errors import MienError
from mien.expression import NAMES
from mien.face import Face, align
from mien.picture import Picture
from mien.provenance import stamped

_WHITE, _INK = (255, 255, 255), (40, 40, 40)
_GAP = 8  # px


def sheet(
    portrait: Portrait,
    names: Sequence[str] = NAMES,
    strengths: Sequence[float] = (1.0,),
    face: Choice = "largest",
    tile: int = 320,
    provenance: bool = True,
) -> Picture:
    """The photo's face and its edits, `tile` px a picture at most: 8 bits, in the photo's own colour space.

    `names` are expressions as `parse` reads them. One strength gives the photo and the names in rows of about equal
    length; several give a grid, one row a strength. `provenance`: whether a file of it says that it was made, and how.
    """
    if face == "all":
        raise MienError("a sheet shows one face: 'largest' or a number from 1 on")
    chosen = portrait.choose(face)[0]
    box = region(portrait.faces[chosen], portrait.picture.rgb.shape[:2])
    side = min(tile, box[2] - box[0])

    def picture(pixels: np.ndarray) -> np.ndarray:
        if pixels.dtype == np.uint16:
            pixels = (pixels >> 8).astype(np.uint8)
        return cv2.resize(pixels[box[1] : box[3], box[0] : box[2]], (side, side), interpolation=cv2.INTER_AREA)

    photo = ("photo", picture(portrait.picture.rgb))
    cells: list[list[tuple[str, np.ndarray] | None]] = []
    for strength in strengths:
        suffix = "" if len(strengths) == 1 else f" {strength:g}"
        edits = [(f"{name}{suffix}", portrait.edit(name, strength, chosen + 1).image) for name in names]
        cells.append([photo if not cells else None, *((label, picture(image)) for label, image in edits)])
    if len(cells) == 1 and len(cells[0]) > 5:
        row = cells[0]
        columns = next((n for n in (4, 3, 5) if len(row) % n == 0), 4)
        cells = [row[i : i + columns] for i in range(0, len(row), columns)]
    old = portrait.picture
    made = Picture(grid(cells, side), grey=old.grey, icc=old.icc)
    if not provenance:
        return made
    what = {"made": "sheet", "expressions": list(names), "strengths": list(strengths)}
    return stamped(made, portrait.step([portrait.faces[chosen]], any(strengths), **what))


def region(face: Face, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square (x0, y0, x1, y1) around a face, inside a photo of (height, width): a little more than its crop."""
    zoom = 1 / align.scale(face.transform)
    centre = align.apply(align.invert(face.transform), np.array([align.SIZE / 2, align.SIZE / 2]))
    side = min(round(1.2 * align.SIZE * zoom), *shape)
    x0 = int(np.clip(round(centre[0] - side / 2), 0, shape[1] - side))
    y0 = int(np.clip(round(centre[1] - side / 2), 0, shape[0] - side))
    return x0, y0, x0 + side, y0 + side


def grid(cells: list[list[tuple[str, np.ndarray] | None]], side: int) -> np.ndarray:
    """Rows of labelled pictures (side, side, 3) uint8 RGB on one sheet (H, W, 3)."""
    size = max(11, side // 16)
    font = ImageFont.load_default(size)
    band = round(1.7 * size)
    width = _GAP + max(len(row) for row in cells) * (side + _GAP)
    paper = Image.new("RGB", (width, _GAP + len(cells) * (side + band)), _WHITE)
    pen = ImageDraw.Draw(paper)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            if cell is None:
                continue
            label, pixels = cell
            x, y = _GAP + j * (side + _GAP), _GAP + i * (side + band)
            paper.paste(Image.fromarray(pixels), (x, y))
            pen.text((x + side / 2, y + side + band / 2 - 1), label, _INK, font, anchor="mm")
    return np.asarray(paper)
