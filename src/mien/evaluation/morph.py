"""The landmark morph, the oldest way to give a face an expression: lines between landmarks move, pixels follow.

Beier & Neely 1992, 'Feature-based image metamorphosis': each line of the target pulls the pixels around it to where the
line lies in the source (their section 3). Where the lines go is the mean displacement of each expression on the face
model, in `morph.json`; made by `python -m mien.evaluation.morph --assets DIR`. Nothing is painted: no teeth, no crease.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from mien.expression import ALL_NAMES
from mien.face import Face
from mien.face.align import CANONICAL, CORNERS, SIZE, apply, invert

TABLE = Path(__file__).parent / "morph.json"

A, B, P = 0.5, 2.0, 0.0
"""Their constants, in px of a 256 px crop: a line's strength at no distance, how it falls with distance, and how much
more longer lines count."""

CHAINS = (
    (range(17), False), (range(17, 22), False), (range(22, 27), False), (range(27, 31), False),
    (range(31, 36), False), (range(36, 42), True), (range(42, 48), True), (range(48, 60), True), (range(60, 68), True),
)  # fmt: skip
"""Landmarks that lines join, and whether they close."""

LINES = np.array([
    pair for chain, closed in CHAINS
    for pair in zip(list(chain), (list(chain) + list(chain)[:1])[1:] if closed else list(chain)[1:], strict=False)
])  # fmt: skip
"""(n, 2) landmarks at the ends of each line."""


@cache
def displacements() -> dict[str, np.ndarray]:
    """Expression -> (68, 2) how its landmarks move from neutral, px of the 256 px crop."""
    told = json.loads(TABLE.read_text())["displacements"]
    return {name: np.array(points, np.float64) for name, points in told.items()}


def morph(image: np.ndarray, face: Face, shown: str, target: str, strength: float = 1.0) -> np.ndarray:
    """A picture (H, W, 3) uint8 whose face shows `shown`, with the landmarks of `target`, or a share of the way.

    As an operator of the nineties would, it is told what the photo shows.
    """
    table = displacements()
    zero = np.zeros((68, 2))
    there = strength * (table.get(target, zero) - table.get(shown, zero))
    points = apply(face.transform, face.landmarks)  # px of the 256 px crop
    moved = apply(invert(face.transform), points + there)
    return warp(image, face.landmarks, moved, 1 / np.sqrt(abs(np.linalg.det(face.transform[:, :2]))))


def warp(image: np.ndarray, source: np.ndarray, target: np.ndarray, zoom: float = 1.0) -> np.ndarray:
    """Move landmarks (68, 2) px from `source` to `target`, and the picture with them; its border stays where it is.

    zoom: px of the picture a px of a 256 px crop.
    """
    height, width = image.shape[:2]
    frame = _border(width, height)
    before = np.concatenate([source[LINES], frame])  # (n, 2, 2): ends of each line
    after = np.concatenate([target[LINES], frame])
    at = field(before, after, width, height, A * zoom)
    return cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def field(before: np.ndarray, after: np.ndarray, width: int, height: int, a: float) -> np.ndarray:
    """(height, width, 2) float32: where each pixel of the target comes from; lines (n, 2, 2). Their eqs. 1 to 3."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    moved, total = np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.float32)
    for (p0, q0), (p1, q1) in zip(before.astype(np.float32), after.astype(np.float32), strict=True):
        along, length = q1 - p1, float(np.linalg.norm(q1 - p1))
        if length < 1e-3:
            continue
        dx, dy = x - p1[0], y - p1[1]
        u = (dx * along[0] + dy * along[1]) / length**2  # eq. 1
        v = (dy * along[0] - dx * along[1]) / length  # eq. 2
        back = q0 - p0
        unit = back / max(float(np.linalg.norm(back)), 1e-3)
        sx = p0[0] + u * back[0] - v * unit[1] - x  # eq. 3, as a displacement
        sy = p0[1] + u * back[1] + v * unit[0] - y
        beyond = np.where(u < 0, np.hypot(dx, dy), np.hypot(x - q1[0], y - q1[1]))
        distance = np.where((u >= 0) & (u <= 1), np.abs(v), beyond)
        weight = (length**P / (a + distance)) ** B
        moved += np.stack([sx * weight, sy * weight], axis=-1)
        total += weight
    return np.stack([x, y], axis=-1) + moved / total[..., None]


def _border(width: int, height: int) -> np.ndarray:
    """(n, 2, 2): lines round the picture, four a side."""
    across, down = np.linspace(0, width - 1, 5), np.linspace(0, height - 1, 5)
    corners = [(x, 0.0) for x in across] + [(width - 1.0, y) for y in down[1:]]
    corners += [(x, height - 1.0) for x in across[::-1][1:]] + [(0.0, y) for y in down[::-1][1:]]
    ring = np.array(corners)
    return np.stack([ring[:-1], ring[1:]], axis=1)


def table(assets: Path) -> dict[str, list[list[float]]]:
    """Expression -> displacements of the face model's own mean face, seen from the front, in the 256 px crop."""
    from mien.face.align import umeyama
    from mien.rig.emotions import prototype
    from mien.rig.facekit import LANDMARK_VERTICES, FaceKit

    kit = FaceKit.load(assets)
    flip = np.array([1.0, -1.0])  # the model's y is up, the picture's down
    points = kit.vertices[LANDMARK_VERTICES, :2] * flip
    linear = umeyama(points[list(CORNERS)], CANONICAL)[:, :2]
    shapes = kit.expressions[:, LANDMARK_VERTICES, :2] * flip
    return {
        name: np.round(np.tensordot(prototype(name), shapes, 1) @ linear.T, 2).tolist()
        for name in ALL_NAMES if name != "neutral"
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="write morph.json from the face model")
    parser.add_argument("--assets", type=Path, required=True)
    told = {
        "about": f"mean displacement of 68 landmarks from neutral, px of the {SIZE} px crop",
        "source": "ICT-FaceKit (USC Institute for Creative Technologies, MIT) with mien's prototypes",
        "command": "python -m mien.evaluation.morph --assets DIR",
        "displacements": table(parser.parse_args().assets),
    }
    TABLE.write_text(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
