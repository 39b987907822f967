"""From a photo and its landmarks to a `Rig`: the canvas, a generous aligned square around the face."""

from __future__ import annotations

import numpy as np

from mien.face.align import crop_transform, warp
from mien.rig.facekit import FaceKit
from mien.rig.fit import fit
from mien.rig.render import Rig

CANVAS = 640  # pixels; the 256 px crop lies in its middle, twice as large
ZOOM = 2.0


def crop_to_canvas(canvas: int = CANVAS, zoom: float = ZOOM) -> np.ndarray:
    """(2, 3): where a 256 px crop lies on the canvas."""
    margin = (canvas - 1) / 2 - zoom * 127.5
    return np.array([[zoom, 0, margin], [0, zoom, margin]])


def canvas_to_crop(size: int = 256, canvas: int = CANVAS, zoom: float = ZOOM) -> np.ndarray:
    """(2, 3): the canvas in the frame of a size x size crop; pixel centres at integers, outer edges coincide."""
    k = size / 256
    middle = np.array([[1 / zoom, 0, 127.5 - (canvas - 1) / 2 / zoom], [0, 1 / zoom, 127.5 - (canvas - 1) / 2 / zoom]])
    return np.column_stack([middle[:, :2] * k, middle[:, 2] * k + (k - 1) / 2])


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(2, 3) affine: first `inner`, then `outer`."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def stage(
    kit: FaceKit,
    photo: np.ndarray,
    landmarks: np.ndarray,
    *,
    seed: int = 0,
    age: float = 1.0,
    identity: np.ndarray | None = None,
    estimate_expression: bool = False,
    expression_ridge: float = 2e-3,
    canvas: int = CANVAS,
    zoom: float = ZOOM,
) -> tuple[Rig, np.ndarray]:
    """Lay a photo (H, W, 3) uint8 RGB with (68, 2) landmarks on the model.

    Returns the rig and the (2, 3) transform of the photo to the rig's canvas. See `fit` for the options.
    """
    to_canvas = compose(crop_to_canvas(canvas, zoom), crop_transform(landmarks))
    picture = warp(photo, to_canvas, (canvas, canvas))
    laid = fit(
        kit,
        landmarks,
        identity=identity,
        estimate_expression=estimate_expression,
        expression_ridge=expression_ridge,
    ).moved(to_canvas)
    return Rig(kit, picture, laid, seed=seed, age=age), to_canvas
