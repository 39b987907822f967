"""Draw the teeth of the face model from the front -> weights/teeth.png: a picture, not the mesh.

    python -m mien.rig.teeth_atlas --assets ../shared/assets

Both rows stand where they lie in an aligned crop of the model's neutral face, their middle on the crop's middle.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from mien.expression import SHAPES
from mien.face.align import crop_transform
from mien.rig.facekit import GUM, LANDMARK_VERTICES, LOWER_TEETH, UPPER_TEETH, FaceKit
from mien.rig.raster import interpolate, rasterise, vertex_normals
from mien.synthesis.dentition import ATLAS, DENSITY, ENAMEL, LEFT, LOWER, UPPER, WIDTH

OVERSAMPLE = 2
LIGHT = np.array([0.0, -0.24, 0.97], np.float32)
GUM_COLOUR = np.array([0.66, 0.36, 0.345], np.float32)
TONGUE_COLOUR = np.array([0.60, 0.30, 0.29], np.float32)
FADE = 34.0  # crop px behind the front teeth at which light has fallen to a third


def canonical(kit: FaceKit) -> np.ndarray:
    """(N, 3) float32: the model's neutral face in the frame of its aligned 256 px crop, z to the camera."""
    points = kit.vertices * np.array([1, -1, 1], np.float32) * 20
    to_crop = crop_transform(points[LANDMARK_VERTICES, :2].astype(np.float64))
    scale = np.sqrt(abs(np.linalg.det(to_crop[:, :2])))
    flat = points[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    flat[:, 0] += 127.5 - flat[kit.part == UPPER_TEETH, 0].mean()
    return np.column_stack([flat, points[:, 2] * scale]).astype(np.float32)


def lower_gum(kit: FaceKit) -> np.ndarray:
    """(N,) bool: the gum that moves with the jaw."""
    drop = -kit.expressions[SHAPES.index("jawOpen"), :, 1]
    return (kit.part == GUM) & (drop > 0.5 * drop[kit.part == LOWER_TEETH].mean())


def draw_row(kit: FaceKit, chosen: np.ndarray, top: int, rows: int) -> np.ndarray:
    """(rows * DENSITY, WIDTH * DENSITY, 4) float32 RGBA in [0, 1], colour not premultiplied."""
    points = canonical(kit)
    triangles = np.ascontiguousarray(kit.triangles[chosen[kit.triangles].all(axis=1)])
    scale = DENSITY * OVERSAMPLE
    placed = points * np.float32(scale)
    placed[:, 0] -= (LEFT - 0.5) * scale + 0.5
    placed[:, 1] -= (top - 0.5) * scale + 0.5
    index, depth = rasterise(placed, triangles, WIDTH * scale)
    normals = vertex_normals(points, triangles)
    values = np.column_stack([normals, kit.part == GUM]).astype(np.float32)
    drawn = interpolate(index, placed, triangles, values)
    covered = index >= 0
    front = points[chosen & (kit.part != GUM), 2].max()
    behind = np.where(covered, front - depth / scale, 0)  # crop px
    facing = np.clip(drawn[..., :3] @ LIGHT, 0, 1)
    # what lies deeper than its surroundings gets less light: the clefts between teeth
    mask = covered.astype(np.float32)
    around = cv2.GaussianBlur(behind.astype(np.float32) * mask, (0, 0), 0.8 * scale)
    around = around / np.maximum(cv2.GaussianBlur(mask, (0, 0), 0.8 * scale), 1e-3)
    cleft = np.clip((behind - around) * 0.55, 0, 0.5)
    light = (0.5 + 0.5 * facing**0.8) * np.exp(-np.clip(behind, 0, None) / FADE) * (1 - cleft)
    gloss = np.clip(facing - 0.955, 0, 1) / 0.045 * 0.07
    gum = cv2.GaussianBlur(drawn[..., 3], (0, 0), 0.18 * scale)[..., None]
    colour = ENAMEL / 0.93 * (1 - gum) + GUM_COLOUR * gum
    rgb = np.clip(colour * light[..., None] + gloss[..., None] * (1 - 0.6 * gum), 0, 1)
    image = np.dstack([rgb * mask[..., None], mask])[: rows * scale]
    return _reduced(image, rows)


def _reduced(image: np.ndarray, rows: int) -> np.ndarray:
    """A premultiplied row made symmetric and small, colour not premultiplied."""
    image = 0.5 * (image + image[:, ::-1])  # left and right alike: training mirrors faces
    small = cv2.resize(image, (WIDTH * DENSITY, rows * DENSITY), interpolation=cv2.INTER_AREA)
    return np.dstack([small[..., :3] / np.maximum(small[..., 3:], 1e-3), small[..., 3]])


def with_tongue(row: np.ndarray, top: int) -> np.ndarray:
    """The lower row with a tongue's back behind the teeth: a soft mound that fades into the dark."""
    height, width = row.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / DENSITY
    x, y = (x - (width - 1) / 2 / DENSITY) / 17.0, (y + top - 161.0) / 13.0
    radius = np.hypot(x, y)
    alpha = np.clip((1.0 - radius) / 0.35, 0, 1) ** 1.2 * 0.9
    furrow = 1 - 0.18 * np.exp(-((x / 0.10) ** 2))
    light = np.clip(0.42 + 0.45 * (1 - radius), 0, 1) * furrow
    below = np.clip((TONGUE_COLOUR * light[..., None]), 0, 1)
    over = row[..., 3:]
    total = over + (1 - over) * alpha[..., None]
    rgb = (row[..., :3] * over + below * ((1 - over) * alpha[..., None])) / np.maximum(total, 1e-3)
    return np.dstack([rgb, total])


def draw(kit: FaceKit) -> np.ndarray:
    """The whole drawing, upper row above lower, uint8 RGBA."""
    low = lower_gum(kit)
    upper = draw_row(kit, (kit.part == UPPER_TEETH) | ((kit.part == GUM) & ~low), *UPPER)
    lower = draw_row(kit, (kit.part == LOWER_TEETH) | low, *LOWER)
    edge = DENSITY // 2
    ramp = np.linspace(0, 1, edge)
    # the roots beyond the gum's edge, and the palate below the upper teeth, are nothing that a mouth shows
    top, bottom = round(11.5 * DENSITY), round(39.5 * DENSITY)
    upper[:top, :, 3] = 0
    upper[top : top + edge, :, 3] *= ramp[:, None]
    lower[bottom:, :, 3] = 0
    lower[bottom - edge : bottom, :, 3] *= ramp[::-1, None]
    tooth = (upper[..., 3] > 0.5) & (upper[..., 2] > 0.55 * upper[..., 0]) & (upper[..., 0] > 0.12)
    last = len(tooth) - 1 - tooth[::-1].argmax(axis=0)
    upper[np.arange(len(tooth))[:, None] > last + 1, 3] = 0
    whole = cv2.morphologyEx(upper[..., 3], cv2.MORPH_OPEN, np.ones((1, 5)))  # no slivers beside the last teeth
    upper[..., 3] = whole
    both = np.vstack([upper, with_tongue(lower, LOWER[0])])
    return np.round(np.clip(both, 0, 1) * 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", required=True, type=Path)
    parser.add_argument("-o", "--output", type=Path, default=ATLAS)
    arguments = parser.parse_args()
    image = draw(FaceKit.load(arguments.assets))
    cv2.imwrite(str(arguments.output), image[..., [2, 1, 0, 3]])
    print(f"{arguments.output}: {image.shape[1]}x{image.shape[0]}")


if __name__ == "__main__":
    main()
