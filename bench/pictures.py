"""Make the README's pictures again from the shipped weights -> docs/pictures.

    python bench/pictures.py --shared ../shared

Only generated pictures are written, never a photograph: 'neutral' is made from each person's smiling photo.
"""

from __future__ import annotations

import argparse
import importlib.resources
from pathlib import Path

import cv2
import numpy as np

from mien import Editor
from mien.editor import Edit
from mien.expression import NAMES
from mien.face import align
from mien.formats import write
from mien.picture import as_picture
from mien.sheet import sheet
from mien.synthesis.dentition import with_teeth

PEOPLE = ("012", "103", "130", "062")
SAMPLE = Path(str(importlib.resources.files("mien"))) / "samples" / "nobody.jpg"


def save(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, as_picture(rgb))
    print(path)


def people(editor: Editor, london: Path, tile: int = 230) -> np.ndarray:
    """A row a person: the seven names, neutral from the smiling photo, the rest from the neutral one."""
    rows = []
    for person in PEOPLE:
        tiles = []
        for name in NAMES:
            edited = editor.edit(london / ("smiling" if name == "neutral" else "neutral") / f"{person}.jpg", name)
            tiles.append(align.crop(edited.image, edited.faces[0].transform, 512)[20:, 60:452])
        size = (tile, round(tile * 492 / 392))
        rows.append(np.hstack([cv2.resize(t, size, interpolation=cv2.INTER_AREA) for t in tiles]))
    return np.vstack(rows)


def drawn(edited: Edit) -> list[np.ndarray]:
    """Crop, flow, shading, paint under alpha, and the edited crop of an edit of the sample."""
    maps, transform = edited.maps[0], edited.faces[0].transform
    before = align.crop(as_picture(SAMPLE).pixels, transform)
    angle = (np.degrees(np.arctan2(maps.flow[..., 1], maps.flow[..., 0])) % 360 / 2).astype(np.uint8)
    length = np.clip(np.linalg.norm(maps.flow, axis=2) * 16, 0, 255).astype(np.uint8)
    flow = cv2.cvtColor(np.dstack([angle, length, np.full_like(angle, 245)]), cv2.COLOR_HSV2RGB)
    shading = np.repeat(np.clip(128 + maps.shading * 400, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    alpha = maps.alpha[..., None]
    painted = maps.paint if maps.teeth is None else with_teeth(maps.paint, maps.teeth)
    paint = np.round(255 * (painted * alpha + 0.92 * (1 - alpha))).astype(np.uint8)
    after = align.crop(edited.image, transform)
    return [before, flow, shading, paint, after]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", required=True, type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "docs" / "pictures")
    arguments = parser.parse_args()
    editor = Editor()
    save(arguments.out / "nobody.jpg", sheet(editor.open(SAMPLE), tile=300).pixels)
    save(arguments.out / "how.png", np.hstack(drawn(editor.edit(SAMPLE, "surprise"))))
    save(arguments.out / "val.jpg", people(editor, arguments.shared / "data" / "london"))


if __name__ == "__main__":
    main()
