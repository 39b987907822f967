"""The default generator as ONNX: a run's averaged weights, traced and compared with torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from mien.errors import MienError
from mien.export_onnx import CANADA, LONDON, Exported, attribution, differences, trace
from mien.models.warp_unet import WarpUNet, WarpUNetConfig
from mien.synthesis.generator import INPUTS, OUTPUTS, SIZE
from mien.training.checkpoint import load_into

TOLERANCE = {"flow": 2e-2, "shading": 2e-3, "paint": 2e-3, "alpha": 2e-3, "upper": 2e-2, "lower": 2e-2, "enamel": 2e-3}
"""The largest difference between torch and ONNX Runtime that an export may show (flows in crop pixels)."""


def network(tensors: dict[str, Tensor], state: dict[str, Any]) -> Exported:
    """The averaged generator of a checkpoint as ONNX."""
    generator = load(tensors, state)
    model = to_onnx(generator)
    told = {
        "name": "mien generator",
        "parameters": sum(p.numel() for p in generator.parameters()),
        "config": state["config"],
        "data": "68 people neutral and smiling, 40 people neutral (photographs); all other expressions from the rig",
        "attribution": attribution(LONDON, CANADA),
    }
    return Exported(model, told, parity(generator, model), TOLERANCE)


def load(tensors: dict[str, Tensor], state: dict[str, Any]) -> WarpUNet:
    """The averaged generator of a checkpoint."""
    try:
        run = state["config"]
        config = WarpUNetConfig(widths=tuple(run["widths"]), head=run["head"], inner=run["size"])
        generator = WarpUNet(config)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise MienError(f"the checkpoint does not say which network it is of: {error!r}") from None
    load_into(generator, "average", tensors)
    return generator.eval()


def to_onnx(generator: WarpUNet) -> bytes:
    """The generator as an ONNX model with a free batch size."""
    example = (torch.rand(2, 3, SIZE, SIZE), torch.rand(2, generator.config.shapes), torch.ones(2, 1))
    model = trace(generator, example, INPUTS, OUTPUTS)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def parity(generator: WarpUNet, model: bytes, seed: int = 0) -> dict[str, float]:
    """The largest absolute difference of each output between torch and ONNX Runtime on random input."""
    rng = np.random.default_rng(seed)
    feed = {
        "photo": rng.random((3, 3, SIZE, SIZE), dtype=np.float32),
        "expression": rng.uniform(0, 1, (3, generator.config.shapes)).astype(np.float32),
        "amount": rng.uniform(0, 1.3, (3, 1)).astype(np.float32),
    }
    return differences(generator, model, feed, OUTPUTS)
