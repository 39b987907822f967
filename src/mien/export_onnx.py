"""What the exports of all networks share: torch -> ONNX, and whose photographs are to be named."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

LONDON = "the Face Research Lab London Set (DeBruine & Jones 2017, doi:10.6084/m9.figshare.5047666)"
CANADA = "Young Adult White Faces (DeBruine & Jones 2016, doi:10.6084/m9.figshare.4220517)"


@dataclass(frozen=True)
class Exported:
    """A network on its way to a file. told: what its manifest says of it; parity: the largest differences between torch
    and ONNX Runtime by output, which `tolerance` limits."""

    model: bytes
    told: dict[str, Any]
    parity: dict[str, float]
    tolerance: dict[str, float]


def attribution(*photographs: str) -> str:
    """What a manifest says of those whose photographs and face model went in."""
    return (
        f"Trained on photographs of {' and '.join(photographs)}, CC BY 4.0, rendered with ICT-FaceKit (USC Institute "
        "for Creative Technologies, MIT). Changes: faces aligned, fitted, rendered in other expressions."
    )


def trace(
    module: nn.Module, example: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str]
) -> onnx.ModelProto:
    """A network as an ONNX model with a free batch size; `example` are inputs for two."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the sizes are meant to be constants; the older exporter is meant
        torch.onnx.export(
            module.eval(),
            example,
            buffer,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (*inputs, *outputs)},
            opset_version=17,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def differences(
    module: nn.Module, model: bytes, feed: Mapping[str, np.ndarray], outputs: Sequence[str]
) -> dict[str, float]:
    """The largest absolute difference of each output between torch and ONNX Runtime; `feed` in torch's order."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    answers = session.run(list(outputs), dict(feed))
    with torch.no_grad():
        truth = module(*(torch.from_numpy(value) for value in feed.values()))
    truth = (truth,) if isinstance(truth, Tensor) else truth
    return {
        name: float(np.abs(answer - wanted.numpy()).max())
        for name, answer, wanted in zip(outputs, answers, truth, strict=True)
    }
