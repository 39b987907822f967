"""A face edited by the default generator: its maps, then what the landmarks know of lids, lips and creases."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mien.expression import Expression
from mien.face import Face, align
from mien.synthesis.composite import composite
from mien.synthesis.confine import confine
from mien.synthesis.lids import Eyes, complete, widen
from mien.synthesis.maps import Maps
from mien.synthesis.opening import part
from mien.synthesis.wrinkles import prepare, wrinkle

if TYPE_CHECKING:
    from mien.synthesis.synthesiser import Sitting


class Says(Protocol):
    """The network: see `Generator.maps`."""

    def maps(self, crop: np.ndarray, weights: np.ndarray, amount: float = 1.0) -> Maps: ...


TALK = 0.1
"""A jawOpen from which on a talking mouth tells nothing of the brows; smooth below."""

UPPER = (108.0, 138.0)
"""Rows of the aligned 256 px crop, from below the eyes to the nose's base, over which the upper face ends."""

MOUTH, ASIDE = (142.0, 156.0), (62.0, 78.0)
"""Rows over which the mouth sets in, and columns to both sides of the middle over which it ends."""


class Moved:
    """One face of a photo (H, W, 3) uint8; what is found out of it is kept for the next edit."""

    def __init__(self, network: Says, rgb: np.ndarray, face: Face) -> None:
        self._network, self._rgb, self._face = network, rgb, face
        self._mouth: np.ndarray | None = None  # a crop in which it rests
        self._talks = 0.0

    def talks(self, still: Sitting, jaw: float) -> None:
        """Say that this face talks, `jaw` being its jawOpen beyond its rest; still: a frame in which its mouth rests.

        The network takes an open mouth for surprise, and pulls down brows that nobody raised. So what it says of the
        upper face is said of the still mouth; and lips that it brings closer together are not meant to meet.
        """
        assert isinstance(still, Moved)
        t = min(jaw / TALK, 1.0)
        self._talks = t * t * (3 - 2 * t)
        # of the other frame nothing else is held
        self._mouth = still._crop if still is not self else None

    def edit(self, pixels: np.ndarray, expression: Expression, amount: float) -> tuple[np.ndarray, Maps]:
        """`pixels` (H, W, 3) uint8 or uint16 with this face changed, as a new array, and the maps that did it."""
        one = self._face
        said = self._network.maps(self._crop, expression.weights, amount)
        if self._talks and self._mouth is not None:
            calm = self._network.maps(_with_mouth(self._crop, self._mouth), expression.weights, amount)
            said = _mixed(said, calm, self._talks * _upper()[:, None])
        said = part(said)
        said = wrinkle(said, self._creases, expression.weights, amount, self._landmarks)
        said = widen(said, self._eyes, self._landmarks)
        maps = confine(said, one.box, one.transform)
        return composite(pixels, maps, one.transform, one.landmarks[60:68], 1 - self._talks), maps

    @property
    def irises(self) -> float:
        """How much darker the irises are than what lies around them, in [0, 1]: little behind closed lids."""
        return self._eyes.contrast

    @cached_property
    def _crop(self) -> np.ndarray:
        return align.crop(self._rgb, self._face.transform)

    @cached_property
    def _landmarks(self) -> np.ndarray:
        return align.apply(self._face.transform, self._face.landmarks)  # (68, 2) crop px

    @cached_property
    def _eyes(self) -> Eyes:
        return complete(self._crop, self._landmarks)  # the eyes behind their lids

    @cached_property
    def _creases(self) -> np.ndarray:
        return prepare(self._crop, self._landmarks)  # where creases would run


def _upper() -> np.ndarray:
    """(256,) 1 in rows of the upper face, 0 in those of the lower."""
    return 1 - _step(np.arange(align.SIZE, dtype=np.float32), *UPPER)


def _with_mouth(crop: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A crop (256, 256, 3) uint8 with another's mouth."""
    at = np.arange(align.SIZE, dtype=np.float32)
    share = _step(at, *MOUTH)[:, None] * (1 - _step(np.abs(at - (align.SIZE - 1) / 2), *ASIDE))
    return np.rint(crop + (other.astype(np.float32) - crop) * share[..., None]).astype(np.uint8)


def _mixed(a: Maps, b: Maps, share: np.ndarray) -> Maps:
    """Maps a, and b where `share` (256, 1) is 1; the teeth are a's."""
    flow, shading, paint, alpha = (
        one + (two - one) * (share[..., None] if one.ndim == 3 else share)
        for one, two in ((a.flow, b.flow), (a.shading, b.shading), (a.paint, b.paint), (a.alpha, b.alpha))
    )
    return replace(a, flow=flow, shading=shading, paint=paint, alpha=alpha)


def _step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smoothstep between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
