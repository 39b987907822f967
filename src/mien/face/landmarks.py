"""68 landmarks (Multi-PIE order) of a detected face, by two shape predictors that come with the package.

A coarse predictor (dlib's five points, trained on thousands of faces in the wild) turns the face upright into the crop
frame; a fine one (ours, 68 points, trained on few people but measured by hand) reads several slightly different views
of it there, and the mean of its answers is taken. The views cost a millisecond each and remove most of the noise.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.resources import as_file, files

import cv2
import dlib
import numpy as np

from mien.errors import MienError
from mien.face.align import SIZE, apply, crop_transform, invert, umeyama, warp

COARSE = "landmarks5.dat"
FINE = "landmarks68.dat"

VIEW = 320
"""Side in px of the grey view of the crop frame that the fine predictor reads."""
TO_VIEW = np.array([(VIEW / SIZE, 0, (VIEW / SIZE - 1) / 2), (0, VIEW / SIZE, (VIEW / SIZE - 1) / 2)])
ROOM = TO_VIEW + np.array([(0, 0, VIEW / 2), (0, 0, VIEW / 2)])
FACE_BOX = (62, 62, 257, 257)
"""Where the face lies in a view, (left, top, right, bottom) px: the frame in which the fine predictor was trained."""

COARSE_CANONICAL = np.array([(169.6, 94.5), (145.3, 95.4), (86.2, 94.5), (110.5, 95.4), (127.9, 138.0)])
"""(5, 2) where the coarse predictor sees the five points of the training people, in crop px, in its own order; where
its habits differ from the templates (inner eye corners further apart), this removes the bias."""

VIEWS = (
    (0.0, 1.0, 0.0, 0.0),
    (4.0, 1.03, 2.0, 1.0),
    (-4.0, 1.03, -2.0, 1.0),
    (2.0, 0.97, -2.0, -2.0),
    (-2.0, 0.97, 2.0, -2.0),
)
"""The views read: degrees of turn, scale, and shift (x, y) in crop px, around the middle of the crop."""


@lru_cache(maxsize=4)
def predictor(name: str) -> dlib.shape_predictor:
    """A shape predictor of the package, loaded and checked against its SHA-256 once."""
    folder = files("mien") / "weights"
    try:
        expected = json.loads((folder / "landmarks.json").read_text())[name]["sha256"]
        with as_file(folder / name) as path:
            if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
                raise MienError(f"{name} is damaged: its SHA-256 is not the one in landmarks.json; reinstall mien")
            return dlib.shape_predictor(str(path))
    except (OSError, KeyError, ValueError) as error:
        raise MienError(f"cannot load {name}: {error}; reinstall mien") from error


def landmarks(rgb: np.ndarray, box: tuple[float, float, float, float] | np.ndarray) -> np.ndarray:
    """The 68 landmarks (68, 2) float64, photo px, of the face in `box` (x0, y0, x1, y1) of a photo (H, W, 3) uint8."""
    rough = coarse(rgb, box)
    return fuse(refine(rgb, rough), rough)


def fuse(points: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """The fine landmarks (68, 2) shifted, turned and scaled so that their crop lies midway to the coarse one's.

    The two predictors err apart from each other, so the mean of what they say of the pose is better than either.
    """
    pose = crop_transform(points)
    return apply(invert((pose + rough) / 2), apply(pose, points))


def coarse(rgb: np.ndarray, box: tuple[float, float, float, float] | np.ndarray) -> np.ndarray:
    """A first crop transform (2, 3), photo px -> crop px, by five points within a detector's box."""
    x0, y0, x1, y1 = (float(v) for v in box)
    if not (np.isfinite([x0, y0, x1, y1]).all() and x1 > x0 and y1 > y0):
        raise ValueError(f"not a box: {box}")
    zoom = 240 / max(x1 - x0, y1 - y0)
    to_patch = np.array([(zoom, 0, 120 - zoom * x0), (0, zoom, 120 - zoom * y0)])
    patch = warp(rgb, to_patch, (480, 480))
    corners = apply(to_patch, np.array([(x0, y0), (x1, y1)])).round().astype(int).ravel()
    points = read(predictor(COARSE), patch, (corners[0], corners[1], corners[2], corners[3]))
    return umeyama(apply(invert(to_patch), points), COARSE_CANONICAL)


def refine(rgb: np.ndarray, transform: np.ndarray, fine: dlib.shape_predictor | None = None) -> np.ndarray:
    """The 68 landmarks (68, 2), photo px, of a face that `transform` (2, 3) brings roughly into the crop frame."""
    fine = predictor(FINE) if fine is None else fine
    # one grey copy with some room around, at the views' resolution, from which the views are cheap
    to_room = ROOM @ np.vstack([transform, (0, 0, 1)])
    room = warp(rgb, to_room, (2 * VIEW, 2 * VIEW))
    room = room if room.ndim == 2 else cv2.cvtColor(room, cv2.COLOR_RGB2GRAY)
    answers = []
    for degrees, zoom, dx, dy in VIEWS:
        matrix = view(transform, degrees, zoom, dx, dy)
        step = (np.vstack([matrix, (0, 0, 1)]) @ np.linalg.inv(np.vstack([to_room, (0, 0, 1)])))[:2]
        grey = cv2.warpAffine(room, step, (VIEW, VIEW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        answers.append(apply(invert(matrix), read(fine, grey, FACE_BOX)))
    return np.mean(answers, axis=0)


def view(transform: np.ndarray, degrees: float, zoom: float, dx: float, dy: float) -> np.ndarray:
    """`transform` (2, 3), photo px -> crop px, followed by a small motion and the step to a view's px."""
    middle = (SIZE - 1) / 2
    motion = cv2.getRotationMatrix2D((middle, middle), degrees, zoom)
    motion[:, 2] += dx, dy
    whole = np.vstack([transform, (0, 0, 1)])
    return TO_VIEW @ np.vstack([motion, (0, 0, 1)]) @ whole


def read(model: dlib.shape_predictor, image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """What a predictor says: (n, 2) float64 px of `image` (H, W[, 3]) uint8; `box` is inclusive, as dlib's are."""
    shape = model(np.ascontiguousarray(image), dlib.rectangle(*(int(v) for v in box)))
    return np.array([(p.x, p.y) for p in shape.parts()], np.float64)
