"""The network: a 256x256 crop and a target expression give flow, shading, paint, alpha and where the teeth lie.

ONNX Runtime, no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from mien.errors import MienError
from mien.expression import MAX_AMOUNT, SHAPES
from mien.synthesis.dentition import Teeth
from mien.synthesis.maps import Maps

WEIGHTS = Path(__file__).parent.parent / "weights" / "generator.onnx"
"""The weights that come with the package."""

SIZE = 256
NEAR_NOTHING = 0.08
"""Below this amount the maps fade to nothing, whatever the network says: strength 0 is reached without a jump."""

INPUTS = ("photo", "expression", "amount")
OUTPUTS = ("flow", "shading", "paint", "alpha", "upper", "lower", "enamel")


class Generator:
    """Weights in one ONNX Runtime session. `model` is an .onnx file, with its manifest (.json) beside it."""

    def __init__(self, model: str | Path | None = None, providers: Sequence[str] | None = None) -> None:
        self.path = Path(model) if model is not None else WEIGHTS
        data = _read(self.path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.manifest = _manifest(self.path, self.sha256)
        self.session = _session(data, self.path, providers)

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


def threads() -> int:
    """Threads for a session: the cores this process may use, at most 4."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(4, available or 1))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MienError(f"cannot read the weights {path}: {error.strerror or error}") from None


def _manifest(path: Path, sha256: str) -> dict[str, Any]:
    """The manifest beside the weights, checked against them. Only weights given by `--model` may come without."""
    beside = path.with_suffix(".json")
    if not beside.exists() and path != WEIGHTS:
        return {}
    try:
        manifest = json.loads(_read(beside))
        expected = str(manifest["sha256"])
    except (ValueError, KeyError, TypeError):
        raise MienError(f"the manifest {beside} is damaged") from None
    if expected != sha256:
        raise MienError(f"the weights {path} are not those of their manifest (SHA-256 differs): damaged or exchanged")
    return manifest


def _session(data: bytes, path: Path, providers: Sequence[str] | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads()
    options.log_severity_level = 4  # what goes wrong comes as an exception
    wanted = list(providers or ["CPUExecutionProvider"])
    for provider in wanted:
        if provider not in ort.get_available_providers():
            raise MienError(f"no provider {provider} here; there are: {', '.join(ort.get_available_providers())}")
    try:
        session = ort.InferenceSession(data, options, providers=wanted)
    except Exception as error:  # ONNX Runtime has no common class for its exceptions
        raise MienError(f"the weights {path} are not a model that ONNX Runtime reads: {error}") from None
    names = tuple(i.name for i in session.get_inputs()), tuple(o.name for o in session.get_outputs())
    if set(names[0]) != set(INPUTS) or not set(OUTPUTS) <= set(names[1]):
        raise MienError(f"the weights {path} are not a generator of mien: {names[0]} -> {names[1]}")
    return session
