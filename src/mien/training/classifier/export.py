"""A trained classifier as ONNX with its card, checked against torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from mien import __version__
from mien.data.labelled import licence_of
from mien.data.names import safe
from mien.errors import MienError
from mien.evaluation import card as cards
from mien.evaluation.classifier import KIND, MEAN, STD
from mien.evaluation.network import fed
from mien.export_onnx import differences, trace
from mien.formats import write_bytes
from mien.models.resnet import ResNet
from mien.training.classifier.config import ClassifierConfig
from mien.training.classifier.pictures import Lesson

INPUT, OUTPUT = "photo", "logits"
TOLERANCE = 1e-3
"""Of a logit: the largest difference between torch and ONNX Runtime."""


def export(network: ResNet, config: ClassifierConfig, lesson: Lesson, crops: np.ndarray, path: Path) -> float:
    """Write `path` (.onnx) and its card (.json); the largest difference to torch, on `crops` (n, S, S, 3) uint8 of real
    faces and on noise. A `MienError`, and nothing written, if it is above `TOLERANCE`."""
    card = card_of(config, lesson, path.stem)
    network = network.cpu().eval()
    traced = trace(network, (torch.zeros(2, 3, config.size, config.size),), [INPUT], [OUTPUT])
    onnx.helper.set_model_props(traced, {"mien": __version__, "config": json.dumps(config.as_dict())})
    onnx.checker.check_model(traced)
    model: bytes = traced.SerializeToString()
    noise = np.random.default_rng(0).integers(0, 256, (4, config.size, config.size, 3), np.uint8)
    card["sha256"] = hashlib.sha256(model).hexdigest()
    read = cards.card_of(card, path.with_suffix(".json"))
    feed = fed([*crops, *noise], read)
    worst = differences(network, model, {INPUT: feed}, [OUTPUT])[OUTPUT]
    if not worst <= TOLERANCE:
        raise MienError(f"the exported classifier differs from torch by {worst:.2g}: nothing was written")
    write_bytes(path, model)
    write_bytes(path.with_suffix(".json"), json.dumps(card, indent=1, ensure_ascii=False).encode() + b"\n")
    return worst


def card_of(config: ClassifierConfig, lesson: Lesson, name: str) -> dict[str, Any]:
    """What `mien evaluate --judge onnx:FILE` reads of it, but for the hash."""
    architecture = f"a ResNet with {'-'.join(map(str, config.blocks))} blocks of {'-'.join(map(str, config.widths))}"
    renders = sum(row.rendered for row in lesson.rows)
    learnt = f"{len(lesson.rows) - renders} photographs" + (f" and {renders} renders of the rig" if renders else "")
    return {
        "name": safe(name)[:60],
        "kind": KIND,
        "size": config.size,
        "channels": "RGB",
        "normalise": {"mean": list(MEAN), "std": list(STD)},
        "labels": list(lesson.labels),
        "output": OUTPUT,
        "trained_on": lesson.trained_on,
        "losses_of": [],
        "sha256": "",
        "licence": licence_of(lesson.told, "trained on"),
        "about": f"{architecture}, trained by 'mien classifier train' on {learnt}",
    }
