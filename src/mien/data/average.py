"""The bundled sample: a face of nobody, the average of many people (Rowland & Perrett 1995).

Every photo is warped so that its 189 hand-placed points lie on the mean shape, then the colours are averaged.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from mien.data.people import read_people
from mien.data.rigs import read_photo
from mien.data.templates import landmarks68, read_template
from mien.face.align import apply, crop_transform, warp
from mien.rig.stage import compose

SIZE = 1000
FACE = 3.2  # pixels of the picture per pixel of the 256 crop


def average_face(shared: Path | str, people: int = 64, seed: int = 5) -> np.ndarray:
    """(1000, 1000, 3) uint8 RGB: the mean of `people` training people (at least 20)."""
    if people < 20:
        raise ValueError("a face of nobody needs at least 20 people")
    chosen = [p for p in read_people(shared) if p.split == "train" and p.smile is not None]
    order = np.random.default_rng(seed).permutation(len(chosen))[:people]
    middle = (SIZE - 1) / 2
    frame = np.array([[FACE, 0, middle - FACE * 127.5], [0, FACE, middle - FACE * 122.0]])
    shapes, pictures = [], []
    for person in (chosen[i] for i in order):
        points = read_template(person.template)
        place = compose(frame, crop_transform(landmarks68(points)))
        shapes.append(apply(place, points))
        pictures.append(warp(read_photo(person.neutral), place, (SIZE, SIZE)))
    mean = np.mean(shapes, axis=0)
    total = np.zeros((SIZE, SIZE, 3), np.float64)
    for shape, picture in zip(shapes, pictures, strict=True):
        total += _onto(picture, shape, mean)
    blend = (total / len(shapes)).astype(np.float32)
    # averaging is a blur: put back about as much sharpness as one photo of this size has
    blend += 0.8 * (blend - cv2.GaussianBlur(blend, (0, 0), 2.0))
    return np.clip(np.round(blend), 0, 255).astype(np.uint8)


def _onto(picture: np.ndarray, points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Piecewise affine warp of `picture` that brings `points` (189, 2) to `mean`; the frame's border stays."""
    edge = np.linspace(0, SIZE - 1, 6)
    border = np.array([(x, y) for x in edge for y in edge if x in (0, SIZE - 1) or y in (0, SIZE - 1)])
    step = 4  # the field is piecewise linear, so every fourth pixel is enough
    grid_y, grid_x = np.mgrid[0 : SIZE + step : step, 0 : SIZE + step : step]
    field = LinearNDInterpolator(np.vstack([mean, border]), np.vstack([points - mean, border * 0]), fill_value=0.0)
    offset = field(grid_x, grid_y).astype(np.float32)
    offset = cv2.GaussianBlur(offset, (0, 0), 1.5)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    full = cv2.remap(offset, x / step, y / step, cv2.INTER_LINEAR)
    return cv2.remap(picture, x + full[..., 0], y + full[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", required=True, help="the folder that holds data/london")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--people", type=int, default=64)
    arguments = parser.parse_args()
    picture = average_face(arguments.shared, arguments.people)
    if not cv2.imwrite(str(arguments.out), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93]):
        raise SystemExit(f"cannot write {arguments.out}")


if __name__ == "__main__":
    main()
