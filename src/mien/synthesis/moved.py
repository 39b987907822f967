"""A face edited by the default generator: its maps, then what the landmarks know of lids, lips and creases."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np

from mien.expression import Expression
from mien.face import Face, align
from mien.synthesis.composite import composite
from mien.synthesis.confine import confine
from mien.synthesis.lids import complete, widen
from mien.synthesis.maps import Maps
from mien.synthesis.opening import part
from mien.synthesis.wrinkles import prepare, wrinkle

SHIFT = 1.5
"""Crop px by which a landmark may move from frame to frame before creases are laid anew."""


class Says(Protocol):
    """The network: see `Generator.maps`."""

    def maps(self, crop: np.ndarray, weights: np.ndarray, amount: float = 1.0) -> Maps: ...


class Moved:
    """One face of a photo (H, W, 3) uint8; what is found out of it is kept for the next edit.

    before: the same face in the frame before, of a clip. Where creases would run is taken from there while the face's
    parts lie in the crop as they did: quicker, and steadier.
    """

    def __init__(self, network: Says, rgb: np.ndarray, face: Face, before: Moved | None = None) -> None:
        self._network, self._rgb, self._face = network, rgb, face
        self._first: Moved = self if before is None else before._first  # whose creases are taken
        if self._first is not self and np.abs(self._landmarks - self._first._landmarks).max() > SHIFT:
            self._first = self

    def edit(self, pixels: np.ndarray, expression: Expression, amount: float) -> tuple[np.ndarray, Maps]:
        """`pixels` (H, W, 3) uint8 or uint16 with this face changed, as a new array, and the maps that did it."""
        one = self._face
        said = part(self._network.maps(self._crop, expression.weights, amount))
        said = wrinkle(said, self._creases, expression.weights, amount, self._landmarks)
        said = widen(said, self._plate, self._landmarks)
        maps = confine(said, one.box, one.transform)
        return composite(pixels, maps, one.transform, one.landmarks[60:68]), maps

    @cached_property
    def _crop(self) -> np.ndarray:
        return align.crop(self._rgb, self._face.transform)

    @cached_property
    def _landmarks(self) -> np.ndarray:
        return align.apply(self._face.transform, self._face.landmarks)  # (68, 2) crop px

    @cached_property
    def _plate(self) -> np.ndarray | None:
        return complete(self._crop, self._landmarks)  # the eyes behind their lids

    @cached_property
    def _creases(self) -> np.ndarray:
        if self._first is not self:
            return self._first._creases
        return prepare(self._crop, self._landmarks)  # where creases would run
