"""The default network: a 256x256 crop and a target expression give flow, shading, paint, alpha and where the teeth lie.

ONNX Runtime, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.expression import ALL_NAMES, MAX_AMOUNT, SHAPES, Expression
from mien.face import Face
from mien.synthesis.dentition import Teeth
from mien.synthesis.maps import Maps
from mien.synthesis.moved import Moved
from mien.synthesis.session import Weights, open_weights

WEIGHTS = Path(__file__).parent.parent / "weights" / "generator.onnx"
"""The weights that come with the package."""

SIZE = 256
NEAR_NOTHING = 0.08
"""Below this amount the maps fade to nothing, whatever the network says: strength 0 is reached without a jump."""

INPUTS = ("photo", "expression", "amount")
OUTPUTS = ("flow", "shading", "paint", "alpha", "upper", "lower", "enamel")


def fits(weights: Weights) -> bool:
    """Whether these weights are of this network."""
    return set(weights.inputs) == set(INPUTS) and set(OUTPUTS) <= set(weights.outputs)


class Generator:
    """A `Synthesiser` that moves the photo's own pixels. `model` is an .onnx file, or one opened already; only the
    package's own must have its manifest."""

    names = ALL_NAMES

    def __init__(self, model: str | Path | Weights | None = None, providers: Sequence[str] | None = None) -> None:
        if not isinstance(model, Weights):
            path = Path(model) if model is not None else WEIGHTS
            model = open_weights(path, providers, manifest=path == WEIGHTS)
        if not fits(model):
            raise MienError(
                f"the weights {model.path} are not a generator of mien: {list(model.inputs)} -> {list(model.outputs)}"
            )
        self.path, self.sha256, self.manifest, self.session = model.path, model.sha256, model.manifest, model.session

    def check(self, expression: Expression) -> None:
        """Any expression can be asked for."""

    def sit(self, rgb: np.ndarray, face: Face) -> Moved:
        """A face (of a photo (H, W, 3) uint8) to edit any number of times."""
        return Moved(self, rgb, face)

    def maps(self, crop: np.ndarray, weights: np.ndarray, amount: float = 1.0) -> Maps:
        """Maps that take a crop to an expression.

        crop: (256, 256, 3) uint8 RGB, aligned as in `face.align`. weights: (57,) in the order of `expression.SHAPES`.
        amount: in [0, 1.3], how far to go from the photo's own expression (0) to the target (1).
        """
        if crop.shape != (SIZE, SIZE, 3) or crop.dtype != np.uint8:
            raise ValueError(f"expected a ({SIZE}, {SIZE}, 3) uint8 crop, not {crop.shape} {crop.dtype}")
        if weights.shape != (len(SHAPES),):
            raise ValueError(f"expected ({len(SHAPES)},) weights, not {weights.shape}")
        if not 0 <= amount <= MAX_AMOUNT:
            raise ValueError(f"the amount must be within 0 to {MAX_AMOUNT}, not {amount}")
        photo = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        feed = {
            "photo": photo,
            "expression": np.asarray(weights, np.float32)[None],
            "amount": np.array([[amount]], np.float32),
        }
        answer = self.session.run(list(OUTPUTS), feed)
        if not all(np.isfinite(layer).all() for layer in answer):
            raise MienError(f"the weights {self.path} give numbers that are not finite")
        near = np.float32(min(1.0, amount / NEAR_NOTHING))
        flow, shading, paint, alpha, upper, lower, enamel = (layer[0].transpose(1, 2, 0) for layer in answer)
        return Maps(flow * near, shading[..., 0] * near, paint, alpha[..., 0] * near, Teeth(upper, lower, enamel))
