"""Make the documentation's pictures of the bundled sample again from the shipped weights -> docs/pictures/site.

    python bench/site_pictures.py                      # all but the rig's
    python bench/site_pictures.py --assets DIR/assets  # the rig's too: it needs the face model and the extra `rig`

The sample is the average of 64 people: nobody's photograph is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from pictures import SAMPLE, drawn, save

from mien import Editor, parse
from mien.editor import Edit, Portrait
from mien.face import align
from mien.sheet import grid, region

SIDE = 300  # px a picture
Cell = tuple[str, np.ndarray]


class Studio:
    """The sample, and its edits as labelled pictures of the face's surroundings."""

    def __init__(self, editor: Editor) -> None:
        self.portrait: Portrait = editor.open(SAMPLE)
        self.photo = self.portrait.picture.rgb
        self._box = region(self.portrait.faces[0], self.photo.shape[:2])

    def cell(self, label: str, pixels: np.ndarray) -> Cell:
        """(label, picture of `SIDE` px) of a picture as large as the photo."""
        x0, y0, x1, y1 = self._box
        return label, cv2.resize(pixels[y0:y1, x0:x1], (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    def edited(self, expression: str, strength: float = 1.0, label: str = "") -> Cell:
        """The sample with an expression."""
        return self.cell(label or expression, self.portrait.edit(expression, strength).image)


def tutorial(studio: Studio, out: Path) -> None:
    """What the commands of docs/tutorial.md make."""
    photo = studio.cell("photo", studio.photo)
    save(out / "happy.jpg", grid([[photo, studio.edited("happy")]], SIDE))
    steps = (0, 0.25, 0.5, 0.75, 1, 1.3)
    row = [studio.edited("happy", s, f"happy, strength {s:g}") for s in steps]
    save(out / "strengths.jpg", grid([row[:3], row[3:]], SIDE))
    mixture = "happy:0.5,surprise:0.5,jawOpen=0.2"
    save(out / "mixture.jpg", grid([[studio.edited("happy"), studio.edited("surprise"), studio.edited(mixture)]], SIDE))
    single = ("browInnerUp=0.8", "browDown=1", "noseSneer=0.8", "AU12=0.6,AU6=0.5", "mouthSmile_L=0.8", "jawOpen=0.4")
    row = [studio.edited(text) for text in single]
    save(out / "muscles.jpg", grid([row[:3], row[3:]], SIDE))


def found(studio: Studio) -> np.ndarray:
    """The photo with its box, landmarks and the frame of the crop; and the crop."""
    face = studio.portrait.faces[0]
    canvas = studio.photo.copy()
    frame = align.apply(align.invert(face.transform), np.array([(0, 0), (255, 0), (255, 255), (0, 255)], float))
    cv2.polylines(canvas, [np.round(frame).astype(np.int32)], True, (0, 150, 136), 5, cv2.LINE_AA)
    for x, y in face.landmarks:
        cv2.circle(canvas, (round(x), round(y)), 6, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(canvas, (round(x), round(y)), 4, (0, 150, 136), -1, cv2.LINE_AA)
    photo = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    crop = cv2.resize(align.crop(studio.photo, face.transform), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return grid([[("photo, landmarks, crop's frame", photo), ("crop, 256 px", crop)]], SIDE)


def maps(studio: Studio, names: tuple[str, ...] = ("happy", "anger", "surprise")) -> np.ndarray:
    """A row an expression: flow, shading, paint under alpha, result."""
    rows = []
    for name in names:
        _, *pictures = (cv2.resize(p, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for p in drawn(edit(studio, name)))
        labels = (f"{name}: flow", "shading", "paint and teeth", "result")
        rows.append(list(zip(labels, pictures, strict=True)))
    return grid(rows, SIDE)


def edit(studio: Studio, name: str) -> Edit:
    return studio.portrait.edit(name)


def changed(studio: Studio, name: str = "surprise") -> np.ndarray:
    """The edit, and in colour the pixels that it wrote."""
    image = studio.portrait.edit(name).image
    written = np.any(image != studio.photo, axis=2)
    grey = np.repeat(cv2.cvtColor(studio.photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    marked = np.where(written[..., None], (0.45 * grey + 0.55 * np.array((0, 150, 136))).astype(np.uint8), grey)
    cells = [("photo", studio.photo), (name, image), (f"pixels written: {written.mean():.0%}", marked)]
    return grid([[(t, cv2.resize(p, (SIDE, SIDE), interpolation=cv2.INTER_AREA)) for t, p in cells]], SIDE)


def rig(studio: Studio, assets: Path, names: tuple[str, ...] = ("happy", "fear")) -> np.ndarray:
    """The face model on the sample, then an expression by the rig and by the network."""
    from mien.rig.facekit import FaceKit
    from mien.rig.photo import PhotoRig
    from mien.rig.stage import canvas_to_crop

    laid = PhotoRig(FaceKit.load(assets), studio.photo, studio.portrait.faces[0])
    frame = canvas_to_crop(512, laid.rig.size, laid.rig.size / 307)  # as much as `region` shows
    first = mesh(studio, laid, laid.rig.fit.weights, frame)
    rows = []
    for name in names:
        weights = parse(name).weights
        rows.append(
            [
                (f"model: {name}", mesh(studio, laid, weights, frame)),
                studio.cell("rig, the teacher", laid.edit(studio.photo, weights)),
                studio.edited(name, label="network"),
            ]
        )
    photo = studio.cell("photo", studio.photo)
    return grid([[photo, ("model, laid over the photo", first)], *rows], SIDE)


def mesh(studio: Studio, laid, weights: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The model's surface in the crop's frame, lit from the front, (SIDE, SIDE, 3)."""
    view = laid.rig.view(weights, frame, 512, draw=False)
    dz = np.dstack(
        np.gradient(cv2.GaussianBlur(np.where(view.index >= 0, view.depth, 0).astype(np.float32), (0, 0), 1))
    )
    facing = 1 / np.sqrt(1 + (dz**2).sum(axis=2))
    picture = np.where(view.index >= 0, np.clip(60 + 180 * facing, 0, 255), 255).astype(np.uint8)
    return cv2.resize(np.repeat(picture[..., None], 3, axis=2), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path)
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=Path, default=here / "docs" / "pictures" / "site")
    arguments = parser.parse_args()
    studio = Studio(Editor())
    tutorial(studio, arguments.out)
    save(arguments.out / "found.jpg", found(studio))
    save(arguments.out / "maps.jpg", maps(studio))
    save(arguments.out / "changed.png", changed(studio))
    if arguments.assets:
        save(arguments.out / "rig.jpg", rig(studio, arguments.assets))


if __name__ == "__main__":
    main()
