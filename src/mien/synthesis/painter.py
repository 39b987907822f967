"""The paper's network in use: a crop and a category give the face painted anew (Wang et al. 2019). No torch.

The file says of itself which names it knows (`KNOWN`) and in which order its categories are (`CATEGORIES`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.errors import MienError
from mien.expression import ALL_NAMES, MAX_AMOUNT, Expression
from mien.face import Face, align
from mien.synthesis.composite import composite
from mien.synthesis.confine import confine
from mien.synthesis.maps import Maps
from mien.synthesis.overlay import overlay
from mien.synthesis.region import region
from mien.synthesis.session import Weights, open_weights

if TYPE_CHECKING:
    from mien.synthesis.synthesiser import Sitting

INPUTS = ("photo", "category")
OUTPUT = "made"
CATEGORIES, KNOWN = "mien.categories", "mien.known"
"""Keys of the ONNX file's metadata, names with commas between: all categories, and those that training asked for."""

NEUTRAL = ALL_NAMES[0]
NEAR_NOTHING = 0.25
"""Below this amount a mixed category fades to nothing: strength 0 is the photo, reached without a jump."""


def fits(weights: Weights) -> bool:
    """Whether these weights are of this network."""
    return set(weights.inputs) == set(INPUTS) and OUTPUT in weights.outputs


class Painter:
    """A `Synthesiser` that paints faces anew, in the few pixels of a crop. `model` is an .onnx file, or one opened
    already."""

    def __init__(self, model: str | Path | Weights, providers: Sequence[str] | None = None) -> None:
        weights = model if isinstance(model, Weights) else open_weights(Path(model), providers)
        self.path, self.sha256, self.manifest, self.session = (
            weights.path, weights.sha256, weights.manifest, weights.session,
        )  # fmt: skip
        self.categories = tuple(weights.told.get(CATEGORIES, "").split(","))
        self.names = tuple(weights.told.get(KNOWN, "").split(","))
        size = weights.inputs["photo"][-1] if fits(weights) else None
        if not (
            isinstance(size, int)
            and weights.inputs["photo"][1:] == weights.outputs[OUTPUT][1:] == [3, size, size]
            and weights.inputs["category"][1:] == [len(self.categories)]
            and set(self.names) <= set(self.categories) <= set(ALL_NAMES)
        ):
            raise MienError(f"the weights {self.path} are not a network of the paper's system, exported by mien")
        self.size = size

    @property
    def mixes(self) -> bool:
        """Whether training asked for the neutral face too: only then the category's vector may lie between."""
        return NEUTRAL in self.names

    def check(self, expression: Expression) -> None:
        """Raise a `MienError` unless the expression is one of the names that these weights know."""
        if len(expression.terms) != 1 or expression.terms[0][0] not in self.names:
            known = ", ".join(self.names)
            raise MienError(f"these weights cannot make '{expression}': they know {known}, and one of them at a time")

    def paint(self, crop: np.ndarray, category: np.ndarray) -> np.ndarray:
        """The face anew, (S, S, 3) float32 in [0, 1], from a crop (S, S, 3) uint8 and a category's vector (K,)."""
        photo = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        (made,) = self.session.run([OUTPUT], {"photo": photo, "category": category[None].astype(np.float32)})
        if not np.isfinite(made).all():
            raise MienError(f"the weights {self.path} give numbers that are not finite")
        return np.ascontiguousarray(made[0].transpose(1, 2, 0))

    def towards(self, crop: np.ndarray, name: str, amount: float) -> tuple[np.ndarray, float]:
        """The face `amount` of the way to a name: painted (S, S, 3) in [0, 1], and how much of the painting shows.

        Weights that reach neutral are told a mixture of neutral and the name, beyond 1 a category more than whole; for
        others, and for neutral itself, painting and photo are mixed by pixels.
        """
        category = np.zeros(len(self.categories))
        if self.mixes and name != NEUTRAL:
            category[self.categories.index(NEUTRAL)] = 1 - amount
            category[self.categories.index(name)] = amount
            return self.paint(crop, category), min(1.0, amount / NEAR_NOTHING)
        category[self.categories.index(name)] = 1
        made = self.paint(crop, category)
        if amount > 1:
            photo = crop.astype(np.float32) / 255
            made = np.clip(photo + (made - photo) * np.float32(amount), 0, 1)
        return made, min(1.0, amount)

    def sit(self, rgb: np.ndarray, face: Face) -> Painted:
        """A face (of a photo (H, W, 3) uint8) to edit any number of times."""
        return Painted(self, rgb, face)


class Painted:
    """One face of a photo; its crop is kept for the next edit."""

    irises = None

    def talks(self, still: Sitting, jaw: float) -> None:
        """Of no use here."""

    def __init__(self, network: Painter, rgb: np.ndarray, face: Face) -> None:
        self._network, self._face = network, face
        crop = align.crop(rgb, face.transform)
        self._region = region(align.apply(face.transform, face.landmarks))
        # training's faces are drawn at 256 px and reduced by area
        self._crop = cv2.resize(crop, (network.size, network.size), interpolation=cv2.INTER_AREA)

    def edit(self, pixels: np.ndarray, expression: Expression, amount: float) -> tuple[np.ndarray, Maps]:
        """`pixels` (H, W, 3) uint8 or uint16 with this face changed, as a new array, and the maps that did it.

        A name's own strength and `amount` are one thing here: the share of the way to the name.
        """
        name, value = expression.terms[0]
        share = amount if name == NEUTRAL else min(amount * value, MAX_AMOUNT)
        made, shows = self._network.towards(self._crop, name, share)
        maps = overlay(self._crop.astype(np.float32) / 255, made, shows * self._region)
        maps = confine(maps, self._face.box, self._face.transform)
        return composite(pixels, maps, self._face.transform), maps
