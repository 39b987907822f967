"""The paper's generator as ONNX: weights stored in half precision, computed with in single precision on any processor.

The file says of itself what using it needs: its categories, and which of them training asked for.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import PurePath
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from mien.export_onnx import CANADA, LONDON, Exported, attribution, differences, trace
from mien.models.unet import UNet
from mien.synthesis.painter import CATEGORIES, INPUTS, KNOWN, OUTPUT
from mien.training.checkpoint import load_into
from mien.training.paper.config import PaperConfig, from_dict
from mien.training.paper.learner import KIND

TOLERANCE = {OUTPUT: 1 / 255}
"""A grey level: the largest difference between torch in single precision and ONNX with weights in half."""


def made(state: dict[str, Any]) -> bool:
    """Whether a checkpoint with this state is of the paper's system."""
    return state.get("kind") == KIND


def network(tensors: dict[str, Tensor], state: dict[str, Any]) -> Exported:
    """The averaged generator of a checkpoint as ONNX."""
    config = from_dict(state["config"])
    unet = UNet(config.generator_net())
    load_into(unet, "average", tensors)
    model = to_onnx(unet, config)
    told = {
        "name": "mien uc-gan",
        "parameters": sum(p.numel() for p in unet.parameters()),
        "categories": list(config.categories),
        "known": known(config),
        "size": config.size,
        "precision": "weights float16, computed in float32",
        # for everybody's eyes: of the embedder's path only its name
        "config": state["config"]
        | {"triplet": asdict(config.triplet) | {"embedder": PurePath(config.triplet.embedder).name}},
        "data": "neutral and smiling photographs of the London set's train people"
        + (", neutral ones of the Canadian set" if config.data.canada else "")
        + "; all other expressions rendered from the neutral ones by the rig",
        "attribution": attribution(LONDON, *([CANADA] if config.data.canada else [])),
    }
    return Exported(model, told, parity(unet, model), TOLERANCE)


def known(config: PaperConfig) -> list[str]:
    """The categories that training asked for: neutral is none of them if it was always what the photo showed."""
    pairs = config.pairs
    return [name for name in config.categories if pairs.same_category or set(pairs.sources) != {name}]


def to_onnx(unet: UNet, config: PaperConfig) -> bytes:
    """The generator as an ONNX model with a free batch size."""
    size, categories = config.size, len(config.categories)
    traced = trace(unet, (torch.rand(2, 3, size, size), torch.eye(categories)[:2]), INPUTS, [OUTPUT])
    model = halved(traced)
    helper.set_model_props(model, {CATEGORIES: ",".join(config.categories), KNOWN: ",".join(known(config))})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its tables of weights in half precision, cast back at the start; biases and norms, small as
    they are, stay."""
    graph, casts = model.graph, []
    for number, tensor in enumerate(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name = tensor.name
        with np.errstate(over="ignore"):  # what half precision cannot hold, the comparison with torch finds
            half = numpy_helper.to_array(tensor).astype(np.float16)
        graph.initializer[number].CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def parity(unet: UNet, model: bytes, seed: int = 0) -> dict[str, float]:
    """The largest absolute difference between torch and ONNX Runtime, in [0, 1], on noise and on soft shapes."""
    config = unet.config
    random = torch.Generator().manual_seed(seed)
    noise, grain = (torch.rand(config.categories, 3, size, size, generator=random) for size in (config.size, 4))
    soft = torch.nn.functional.interpolate(grain, config.size, mode="bicubic").clamp(0, 1)
    photos = torch.cat([noise, soft])
    feed = {"photo": photos.numpy(), "category": torch.eye(config.categories).repeat(2, 1).numpy()}
    return differences(unet.eval(), model, feed, [OUTPUT])
