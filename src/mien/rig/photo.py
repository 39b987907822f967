"""The rig as an editor of any photo: the classical baseline, through the same composite as the generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.face import Face, align
from mien.rig.facekit import FaceKit
from mien.rig.stage import canvas_to_crop, compose, stage
from mien.synthesis.composite import composite
from mien.synthesis.confine import confine
from mien.synthesis.lids import complete, widen
from mien.synthesis.maps import Maps

SIZE = 512
CANVAS, ZOOM = 960, 3.0
CAUTION = 2e-2
"""Ridge of the estimated expression: with one photo, a face and its expression can hardly be told apart, so a weak
expression is read as the face's own form."""


class PhotoRig:
    """A face of a photo laid on the model. rgb (H, W, 3) uint8; `face` as `mien.face.find_faces` gives it; `assets` the
    folder of the face model, or the model, for many faces.

    The face's own expression is estimated from its landmarks, so a smiling photo can be edited too.
    """

    def __init__(self, assets: Path | str | FaceKit, rgb: np.ndarray, face: Face) -> None:
        self.rig, to_canvas = stage(
            assets if isinstance(assets, FaceKit) else FaceKit.load(assets),
            rgb,
            face.landmarks,
            estimate_expression=True,
            expression_ridge=CAUTION,
            canvas=CANVAS,
            zoom=ZOOM,
        )
        self._box = face.box
        self._to_crop = canvas_to_crop(SIZE, CANVAS, ZOOM)
        self.transform = compose(self._to_crop, to_canvas)  # photo px -> px of the 512 px crop
        self._landmarks = align.apply(self.transform, face.landmarks)
        self._eyes = complete(align.warp(rgb, self.transform, (SIZE, SIZE)), self._landmarks)

    def maps(self, weights: np.ndarray, amount: float = 1.0) -> Maps:
        """(512, 512) maps from the photo's expression to (57,) weights, or a share `amount` of the way."""
        own = self.rig.fit.weights
        source = self.rig.view(own, self._to_crop, SIZE, draw=False)
        target = self.rig.view(own + np.float32(amount) * (weights - own), self._to_crop, SIZE, draw=False)
        maps = widen(self.rig.maps(source, target), self._eyes, self._landmarks)
        return confine(maps, self._box, self.transform)

    def edit(self, pixels: np.ndarray, weights: np.ndarray, amount: float = 1.0) -> np.ndarray:
        """The photo (H, W, 3) uint8 or uint16 RGB with the expression."""
        return composite(pixels, self.maps(weights, amount), self.transform)
