"""Networks, their cards and manifests, checkpoints."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from targets.base import Run, Target


@cache
def _judge() -> tuple[bytes, dict]:
    import tempfile

    from evaluation.small import expression_judge

    with tempfile.TemporaryDirectory() as folder:
        path = expression_judge(Path(folder) / "judge.onnx")
        return path.read_bytes(), json.loads(path.with_suffix(".json").read_text())


def _card(folder: Path) -> Run:
    import numpy as np

    from mien import MienError
    from mien.evaluation.card import check_people
    from mien.evaluation.classifier import Classifier
    from mien.evaluation.judges import Onnx

    folder.mkdir(parents=True)
    network, _ = _judge()
    path = folder / "judge.onnx"
    path.write_bytes(network)

    def run(data: bytes) -> None:
        path.with_suffix(".json").write_bytes(data)
        with suppress(MienError):
            Classifier(path).called(np.zeros((2, 40, 40, 3), np.uint8))
        judge = Onnx(path)
        check_people(judge.card, "open", "val", ["a", "b"])
        shutil.rmtree(folder / "store", ignore_errors=True)
        judge.judge([np.zeros((40, 40, 3), np.uint8)], folder / "store")

    return run


@cache
def _stand_in() -> tuple[bytes, bytes]:
    import tempfile

    from support import write_stand_in

    with tempfile.TemporaryDirectory() as folder:
        path = write_stand_in(Path(folder) / "x.onnx")
        return path.read_bytes(), path.with_suffix(".json").read_bytes()


def _onnx(folder: Path) -> Run:
    """A network as weights and as a judge whose card is right; nothing is computed if it cannot be opened."""
    import numpy as np

    from mien import MienError
    from mien.evaluation.network import Network
    from mien.synthesis.synthesiser import synthesiser

    folder.mkdir(parents=True)
    _, card = _judge()
    path, weights = folder / "judge.onnx", folder / "weights.onnx"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        told = card | {"sha256": hashlib.sha256(data).hexdigest()}
        path.with_suffix(".json").write_text(json.dumps(told))
        weights.write_bytes(data)
        with suppress(MienError):
            made = synthesiser(weights)
            made.maps(np.zeros((256, 256, 3), np.uint8), np.zeros(57, np.float32), 1.0)
        Network(path).ask([np.zeros((32, 32, 3), np.uint8)])

    return run


def _manifest(folder: Path) -> Run:
    from mien.editor import Editor
    from mien.provenance import step

    folder.mkdir(parents=True)
    path = folder / "x.onnx"
    path.write_bytes(_stand_in()[0])

    def run(data: bytes) -> None:
        path.with_suffix(".json").write_bytes(data)
        editor = Editor(path)
        json.dumps(step(editor.generator, {}, [], True))

    return run


def _checkpoint_seeds() -> list[bytes]:
    import torch
    from safetensors.torch import save

    state = {"step": 3, "config": {"size": 32}, "losses": [0.5], "random": {"a": [1, 2]}}
    return [save({"a.b": torch.zeros(2, 3), "c": torch.ones(1)}, metadata={"state": json.dumps(state)})]


def _checkpoint(folder: Path) -> Run:
    from mien.training.checkpoint import load_checkpoint

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        (folder / "checkpoint.safetensors").write_bytes(data)
        load_checkpoint(folder)

    return run


TARGETS = {
    "card": Target("json", lambda: [json.dumps(_judge()[1]).encode()], _card),
    "onnx": Target("picture", lambda: [_judge()[0]], _onnx),
    "manifest": Target("json", lambda: [_stand_in()[1]], _manifest),
    "checkpoint": Target("safetensors", _checkpoint_seeds, _checkpoint),
}
