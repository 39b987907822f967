"""Similarity alignment of a face to the canonical 256x256 crop, its exact inverse, and the crop itself.

Frames: photo pixels and crop pixels, both (x, y) with pixel centres at integers.
"""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 256
CORNERS = (36, 39, 42, 45, 33)
"""Of the 68 landmarks, those that align: the four eye corners from left to right in the image, and the nose base."""

CANONICAL = np.array([(86.1, 93.7), (112.0, 95.7), (144.0, 95.7), (169.9, 93.9), (128.2, 137.7)])
"""(5, 2) where the `CORNERS` of a mean face lie in the crop, in pixels of a 256x256 crop."""


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity (2, 3) that maps `source` (n, 2) onto `target` (n, 2) with least squares, never a reflection.

    Umeyama (1991). In two dimensions a rotation times a scale is one complex number, so the solution is closed.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 2:
        raise ValueError(f"expected two equal sets of 2D points, not {source.shape} and {target.shape}")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("points must be finite")
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - aim
    spread = float((a**2).sum())
    if spread <= 1e-12 * max(1.0, float((middle**2).sum())):
        raise ValueError("all points fall together: no similarity is defined")
    c = float((a * b).sum()) / spread
    s = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([(c, -s), (s, c)])
    return np.column_stack([turn, aim - turn @ middle])


def crop_transform(points: np.ndarray) -> np.ndarray:
    """The similarity photo px -> crop px (2, 3) float64 of a face.

    `points` are its 68 landmarks (68, 2), or just (5, 2) in the order of `CORNERS`.
    """
    points = np.asarray(points, np.float64)
    if points.shape == (68, 2):
        points = points[list(CORNERS)]
    elif points.shape != (5, 2):
        raise ValueError(f"expected (68, 2) or (5, 2) landmarks, not {points.shape}")
    return umeyama(points, CANONICAL)


def invert(transform: np.ndarray) -> np.ndarray:
    """The inverse (2, 3) float64 of an affine transform (2, 3)."""
    transform = np.asarray(transform, np.float64)
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 2) moved by an affine transform (2, 3)."""
    return np.asarray(points, np.float64) @ transform[:, :2].T + transform[:, 2]


def scale(transform: np.ndarray) -> float:
    """How many target pixels one source pixel becomes (1 = same size)."""
    return float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))


def crop(pixels: np.ndarray, transform: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Resample `pixels` (H, W) or (H, W, C), uint8, uint16 or float32, to a (size, size[, C]) crop of the same type.

    `transform` (2, 3) takes photo px to px of the 256x256 crop; another `size` scales that frame. Where the photo
    shrinks, its pixels are averaged over the area of a crop pixel first, so nothing aliases; beyond the border it is
    mirrored.
    """
    matrix = np.asarray(transform, np.float64)
    if size != SIZE:  # the outer edges of the two pixel grids coincide, so centres shift by half a pixel
        zoom = size / SIZE
        matrix = np.column_stack([matrix[:, :2] * zoom, matrix[:, 2] * zoom + (zoom - 1) / 2])
    return warp(pixels, matrix, (size, size))


def warp(pixels: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample `pixels` through `transform` (2, 3), photo px -> output px, to `size` (width, height); see `crop`."""
    matrix = np.asarray(transform, np.float64)
    pixels, offset = _part(pixels, matrix, size)
    matrix = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ offset])
    shrink = scale(matrix)
    if shrink < 0.75:
        # first to about twice the crop's resolution by exact areas, which costs the least and aliases nothing,
        # then a blur that averages what is left over about one crop pixel
        height, width = pixels.shape[:2]
        half = min(1.0, 2 * shrink)
        new = (max(1, round(width * half)), max(1, round(height * half)))
        if new != (width, height):
            fx, fy = new[0] / width, new[1] / height
            pixels = cv2.resize(pixels, new, interpolation=cv2.INTER_AREA)
            back = np.array([(1 / fx, 0, 0.5 / fx - 0.5), (0, 1 / fy, 0.5 / fy - 0.5), (0, 0, 1)])
            matrix = np.vstack([matrix, (0, 0, 1)])[:2] @ back
        rest = 1 / scale(matrix)
        if rest > 1:
            sigma = 0.45 * float(np.sqrt(rest**2 - 1))
            pixels = cv2.GaussianBlur(pixels, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    mode = cv2.INTER_LINEAR if shrink < 1.5 else cv2.INTER_CUBIC
    return cv2.warpAffine(pixels, matrix, size, flags=mode, borderMode=cv2.BORDER_REFLECT_101)


def _part(pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The part of the photo that an output of `size` needs (large photos cost no more than small), and its (x, y)."""
    height, width = pixels.shape[:2]
    corners = np.array([(-1, -1), (size[0], -1), (-1, size[1]), (size[0], size[1])], np.float64)
    seen = apply(invert(matrix), corners)
    margin = 4 / max(scale(matrix), 1e-6) + 4
    low, high = seen.min(axis=0) - margin, seen.max(axis=0) + margin
    if (low < 0).any() or (high > (width - 1, height - 1)).any():
        return pixels, np.zeros(2)  # mirroring at the border needs the true border
    x0, y0 = np.floor(low).astype(int)
    x1, y1 = np.ceil(high).astype(int) + 1
    return pixels[y0:y1, x0:x1], np.array([x0, y0], np.float64)
