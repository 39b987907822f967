"""From a training run to shipped weights: ONNX with a parity check, and the manifest beside it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from mien import __version__
from mien.errors import MienError
from mien.models.warp_unet import WarpUNet, WarpUNetConfig
from mien.synthesis.generator import INPUTS, OUTPUTS, SIZE
from mien.training.checkpoint import load_checkpoint, load_into

TOLERANCE = {"flow": 2e-2, "shading": 2e-3, "paint": 2e-3, "alpha": 2e-3, "upper": 2e-2, "lower": 2e-2, "enamel": 2e-3}
"""The largest difference between torch and ONNX Runtime that an export may show (flows in crop pixels)."""

ATTRIBUTION = (
    "Trained on photographs of the Face Research Lab London Set (DeBruine & Jones 2017, "
    "doi:10.6084/m9.figshare.5047666) and Young Adult White Faces (DeBruine & Jones 2016, "
    "doi:10.6084/m9.figshare.4220517), CC BY 4.0, rendered with ICT-FaceKit (USC Institute for Creative "
    "Technologies, MIT). Changes: faces aligned, fitted, rendered in other expressions."
)


def load_run(run: Path) -> tuple[WarpUNet, dict[str, Any]]:
    """The averaged generator of a training run's checkpoint, and the checkpoint's state (step, config)."""
    loaded = load_checkpoint(run)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {run}")
    tensors, state = loaded
    try:
        run_config = state["config"]
        config = WarpUNetConfig(widths=tuple(run_config["widths"]), head=run_config["head"], inner=run_config["size"])
        generator = WarpUNet(config)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise MienError(f"the checkpoint in {run} does not say which network it is of: {error!r}") from None
    load_into(generator, "average", tensors)
    return generator.eval(), state


def to_onnx(generator: WarpUNet) -> bytes:
    """The generator as an ONNX model with a free batch size."""
    example = (torch.rand(2, 3, SIZE, SIZE), torch.rand(2, generator.config.shapes), torch.ones(2, 1))
    buffer = io.BytesIO()
    names = [*INPUTS, *OUTPUTS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the sizes are meant to be constants; the older exporter is meant
        torch.onnx.export(
            generator.eval(),
            example,
            buffer,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model)
    return buffer.getvalue()


def parity(generator: WarpUNet, model: bytes, seed: int = 0) -> dict[str, float]:
    """The largest absolute difference of each output between torch and ONNX Runtime on random input."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(seed)
    feed = {
        "photo": rng.random((3, 3, SIZE, SIZE), dtype=np.float32),
        "expression": rng.uniform(0, 1, (3, generator.config.shapes)).astype(np.float32),
        "amount": rng.uniform(0, 1.3, (3, 1)).astype(np.float32),
    }
    with torch.no_grad():
        truth = generator(*(torch.from_numpy(feed[name]) for name in INPUTS))
    answers = session.run(list(OUTPUTS), feed)
    return {
        name: float(np.abs(answer - wanted.numpy()).max())
        for name, answer, wanted in zip(OUTPUTS, answers, truth, strict=True)
    }


def export(run: Path, output: Path, figures: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write `output` (.onnx) and its manifest (.json) from a run's folder; MienError if torch and ONNX disagree.

    figures: measured values to keep in the manifest, each with the command that gave it.
    """
    if output.suffix != ".onnx":
        raise MienError(f"{output}: the weights' file must end in .onnx")
    if not output.parent.is_dir():
        raise MienError(f"there is no folder {output.parent}")
    manifest_path = output.with_suffix(".json")
    for path in (output, manifest_path):
        if path.is_dir():
            raise MienError(f"cannot write {path}: it is a folder")
    generator, state = load_run(run)
    model = to_onnx(generator)
    differences = parity(generator, model)
    for name, difference in differences.items():
        if not difference <= TOLERANCE[name]:
            raise MienError(f"the exported model differs from torch: {name} by {difference:.2g}, nothing was written")
    manifest = {
        "name": "mien generator",
        "version": __version__,
        "sha256": hashlib.sha256(model).hexdigest(),
        "bytes": len(model),
        "parameters": sum(p.numel() for p in generator.parameters()),
        "step": state["step"],
        "config": state["config"],
        "parity": {name: float(f"{value:.2g}") for name, value in differences.items()},
        "data": "68 people neutral and smiling, 40 people neutral (photographs); all other expressions from the rig",
        "licence": "CC BY 4.0",
        "attribution": ATTRIBUTION,
        "figures": figures or {},
    }
    _write({output: model, manifest_path: json.dumps(manifest, indent=1).encode() + b"\n"})
    return manifest


def _write(contents: dict[Path, bytes]) -> None:
    """Write all files, or none of them."""
    temporaries = {path: path.with_name(path.name + ".part") for path in contents}
    try:
        for path, data in contents.items():
            temporaries[path].write_bytes(data)
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
    except OSError as error:
        raise MienError(f"cannot write {next(iter(contents))}: {error.strerror or error}") from None
    finally:
        for temporary in temporaries.values():
            if temporary.exists():
                temporary.unlink()
