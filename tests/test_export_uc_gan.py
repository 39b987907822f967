"""The paper's network from a run to a file: recognised, half the size, the same faces, used as any other weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from PIL import Image
from safetensors.torch import load_file, save_file

from mien import MienError, export_uc_gan
from mien.cli import main
from mien.editor import Portrait
from mien.export import export, load_run
from mien.export_uc_gan import TOLERANCE, known, parity, to_onnx
from mien.models.unet import UNet
from mien.picture import as_picture
from mien.synthesis.painter import Painter
from mien.synthesis.synthesiser import synthesiser
from mien.training.paper.config import PairOptions, PaperConfig, TripletOptions
from mien.training.paper.learner import Learner, load_generator
from support import photo, placed
from training.paper.tiny import TINY

CONFIG = replace(TINY, triplet=TripletOptions(embedder="/home/somebody/embedder.safetensors"))


def lively(unet: UNet, seed: int = 0) -> UNet:
    """Weights and statistics such as training leaves: no norm at its start, faces that answer to the category."""
    random = torch.Generator().manual_seed(seed)
    for name, value in unet.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.3, 2, generator=random)
        elif value.is_floating_point():
            value.add_(torch.randn(value.shape, generator=random) * (0.05 if value.ndim > 1 else 0.1))
    return unet.eval()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of the paper's system that has learnt nothing."""
    folder = tmp_path_factory.mktemp("paper")
    learner = Learner(CONFIG, torch.device("cpu"))
    lively(learner.average)
    learner.save(folder, 7)
    return folder


@pytest.fixture(scope="module")
def shipped(run, tmp_path_factory):
    """(path, manifest) of its weights."""
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    return path, export(run, path, {"l1": 0.5})


def test_the_manifest_tells_all(shipped, run):
    path, manifest = shipped
    assert {p.name for p in path.parent.iterdir()} == {"tiny.onnx", "tiny.json"}
    assert json.loads(path.with_suffix(".json").read_text()) == manifest
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["bytes"] == path.stat().st_size and manifest["step"] == 7 and manifest["figures"] == {"l1": 0.5}
    assert manifest["parameters"] == sum(p.numel() for p in load_generator(run).parameters())
    assert manifest["categories"] == ["neutral", "happy", "sad"] and manifest["known"] == ["happy", "sad"]
    assert manifest["size"] == 64 and manifest["config"]["pairs"]["sources"] == ["neutral"]
    assert manifest["licence"] == "CC BY 4.0" and "5047666" in manifest["attribution"]
    assert "4220517" not in manifest["attribution"]  # the Canadian set is not in it
    assert manifest["parity"]["made"] <= TOLERANCE["made"]
    assert "somebody" not in path.with_suffix(".json").read_text()


def test_tables_are_stored_in_half_and_computed_with_in_single(shipped):
    model = onnx.load(shipped[0])
    tables = [t for t in model.graph.initializer if t.data_type != TensorProto.INT64]
    assert all((t.data_type == TensorProto.FLOAT16) == (len(t.dims) > 1) for t in tables)
    halves = {t.name for t in tables if t.data_type == TensorProto.FLOAT16}
    readers = [node for node in model.graph.node if halves & set(node.input)]
    assert len(readers) == len(halves) and {node.op_type for node in readers} == {"Cast"}
    sides = [*model.graph.input, *model.graph.output]
    assert {v.type.tensor_type.elem_type for v in sides} == {TensorProto.FLOAT}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("norm", "group"),
        ("norm", "instance"),
        ("norm", "none"),
        ("condition", "every"),
        ("skips", False),
        ("size", 128),
    ],
)
def test_every_kind_of_network_gives_torch_s_faces(option, value):
    config = replace(CONFIG, width=8, **{option: value})
    unet = lively(UNet(config.generator_net()))
    model = to_onnx(unet, config)
    assert parity(unet, model, seed=3)["made"] <= TOLERANCE["made"]
    with torch.no_grad():
        unet.up[-1][1].bias += 0.1
    assert parity(unet, model)["made"] > TOLERANCE["made"]


def test_half_the_papers_width_fits_in_24_mb():
    config = PaperConfig(width=32, condition="every", condition_width=32)
    assert len(to_onnx(UNet(config.generator_net()), config)) <= 24e6


def test_the_same_run_gives_the_same_bytes(shipped, run):
    assert to_onnx(load_generator(run), CONFIG) == shipped[0].read_bytes()


def test_it_is_used_as_any_other_weights(shipped, run):
    made = synthesiser(shipped[0])
    assert isinstance(made, Painter) and made.names == ("happy", "sad") and made.size == 64
    assert made.manifest == shipped[1] and made.sha256 == shipped[1]["sha256"]
    crop = photo(64, 64)
    with torch.no_grad():
        wanted = load_generator(run)(torch.from_numpy(crop).permute(2, 0, 1)[None] / 255, torch.eye(3)[2:])
    np.testing.assert_allclose(made.paint(crop, np.eye(3)[2]), wanted[0].permute(1, 2, 0).numpy(), atol=1 / 255)
    portrait = Portrait(as_picture(photo()), made)
    portrait.__dict__["faces"] = [placed(250, 200, 1.0)]
    edit = portrait.edit("sad", 0.8)
    changed = (edit.image != photo()).any(axis=2)
    assert changed[180:220, 230:270].mean() > 0.5 and not changed[:, :150].any() and len(edit.maps) == 1


def test_from_a_run_to_a_photo_by_commands(run, tmp_path, two_faces, capsys):
    Image.fromarray(photo()).save(tmp_path / "in.png")
    for arguments in (
        ["export", run, "-o", tmp_path / "w.onnx"],
        ["edit", tmp_path / "in.png", "-e", "happy", "-o", tmp_path / "out.png", "--model", tmp_path / "w.onnx"],
    ):
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        assert not leaving.value.code, capsys.readouterr().err
    assert "step 7; largest difference: made" in capsys.readouterr().out
    with Image.open(tmp_path / "out.png") as image:
        assert (np.asarray(image) != photo()).any()


@pytest.mark.parametrize(
    ("pairs", "neutral"),
    [
        (PairOptions(), False),
        (PairOptions(same_category=True), True),
        (PairOptions(sources=("neutral", "happy")), True),
        (PairOptions(sources=()), True),
        (PairOptions(sources=("happy",)), True),
    ],
)
def test_what_training_asked_for(pairs, neutral):
    assert ("neutral" in known(replace(CONFIG, pairs=pairs))) == neutral
    assert ("happy" in known(replace(CONFIG, pairs=pairs))) == (pairs.sources != ("happy",))


def test_disagreement_writes_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setitem(export_uc_gan.TOLERANCE, "made", -1.0)
    with pytest.raises(MienError, match=r"differs from torch: made .* nothing was written"):
        export(run, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_weights_beyond_half_precision_are_not_shipped(run, tmp_path):
    tensors, state = load_run(run)
    tensors["average.enter.weight"][0, 0, 0, 0] = 1e6
    save_file(tensors, tmp_path / "checkpoint.safetensors", metadata={"state": json.dumps(state)})
    with pytest.raises(MienError, match="differs from torch"):
        export(tmp_path, tmp_path / "a.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.safetensors"}


def test_runs_that_are_damaged(run, tmp_path):
    tensors = load_file(run / "checkpoint.safetensors")
    state = load_run(run)[1]
    for config, says in (
        (state["config"] | {"widht": 3}, "unknown key 'widht'"),
        (state["config"] | {"width": 5}, "of another network"),
        (state["config"] | {"size": 100}, "size is one of"),
    ):
        metadata = {"state": json.dumps(state | {"config": config})}
        save_file(tensors, tmp_path / "checkpoint.safetensors", metadata=metadata)
        with pytest.raises(MienError, match=says):
            export(tmp_path, tmp_path / "a.onnx")
