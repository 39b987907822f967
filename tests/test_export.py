"""From a run to weights: numbers that agree, a manifest that tells all, nothing half-written."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mien import MienError, __version__, export_default
from mien import export as module
from mien.export import export, load_run
from mien.export_default import TOLERANCE, load, parity, to_onnx
from mien.expression import SHAPES, parse
from mien.synthesis.generator import Generator
from support import layers, photo


@pytest.fixture(scope="module")
def shipped(trained, tmp_path_factory):
    """(path, manifest) of the tiny run's weights."""
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    return path, export(trained, path, {"happy": 0.95})


def test_the_manifest_tells_all(shipped, trained):
    path, manifest = shipped
    assert {p.name for p in path.parent.iterdir()} == {"tiny.onnx", "tiny.json"}
    assert json.loads(path.with_suffix(".json").read_text()) == manifest
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["bytes"] == path.stat().st_size and manifest["version"] == __version__
    tensors, state = load_run(trained)
    generator = load(tensors, state)
    assert manifest["parameters"] == sum(p.numel() for p in generator.parameters())
    assert manifest["step"] == state["step"] == 6 and manifest["config"] == state["config"]
    assert manifest["licence"] == "CC BY 4.0" and "DeBruine" in manifest["attribution"]
    assert manifest["figures"] == {"happy": 0.95}
    assert all(manifest["parity"][name] <= limit for name, limit in TOLERANCE.items())


def test_torch_and_onnx_agree(shipped, trained):
    generator = load(*load_run(trained))
    differences = parity(generator, shipped[0].read_bytes(), seed=5)
    assert set(differences) == set(TOLERANCE) and all(differences[name] <= TOLERANCE[name] for name in differences)
    with torch.no_grad():
        generator.last.bias += 0.5
        generator.rows.bias += 0.5
    worse = parity(generator, shipped[0].read_bytes())
    assert all(worse[name] > TOLERANCE[name] for name in worse)


def test_what_is_exported_is_the_average(trained):
    generator = load(*load_run(trained))
    wanted = load_file(trained / "checkpoint.safetensors")
    for name, value in generator.state_dict().items():
        assert torch.equal(value, wanted[f"average.{name}"])


def test_the_weights_work_in_the_editor_s_generator(shipped, trained):
    made = Generator(shipped[0])
    crop, weights = photo(256, 256), parse("happy").weights
    maps = made.maps(crop, weights, 0.7)
    generator = load(*load_run(trained))
    with torch.no_grad():
        said = generator(
            torch.from_numpy(crop).permute(2, 0, 1)[None] / 255,
            torch.from_numpy(weights.copy())[None],
            torch.full((1, 1), 0.7),
        )
    assert maps.flow.shape == (256, 256, 2) and len(SHAPES) == 57
    assert set(layers(maps)) == set(TOLERANCE) == set(said._fields)
    for name, layer in layers(maps).items():
        wanted = getattr(said, name)[0].permute(1, 2, 0).numpy().reshape(layer.shape)
        np.testing.assert_allclose(layer, wanted, atol=TOLERANCE[name], err_msg=name)
    for layer in (maps.flow, maps.shading, maps.alpha):
        assert not layer[[0, -1]].any() and not layer[:, [0, -1]].any()


def test_the_same_run_gives_the_same_bytes(shipped, trained):
    assert to_onnx(load(*load_run(trained))) == shipped[0].read_bytes()


def test_disagreement_writes_nothing(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(export_default.TOLERANCE, "alpha", -1.0)
    with pytest.raises(MienError, match=r"differs from torch: alpha .* nothing was written"):
        export(trained, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_outputs_that_cannot_be(trained, tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "b.json").mkdir()
    for name, says in (
        ("a.bin", r"must end in \.onnx"),
        ("missing/a.onnx", "no folder"),
        ("folder.onnx", "is a folder"),
        ("b.onnx", "is a folder"),
    ):
        with pytest.raises(MienError, match=says):
            export(trained, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"folder.onnx", "b.json"}


def test_an_unwritable_place_leaves_nothing(trained, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "replace", refuse)
    with pytest.raises(MienError, match=r"cannot write .*Permission denied"):
        export(trained, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_runs_that_are_none(trained, tmp_path):
    with pytest.raises(MienError, match="no checkpoint"):
        load_run(tmp_path)
    copy = shutil.copytree(trained, tmp_path / "copy") / "checkpoint.safetensors"
    tensors = load_file(copy)
    for state, says in (
        ({"step": 1, "config": {}}, "which network"),
        ({"step": 1, "config": {"widths": ["a"], "head": 4, "size": 64}}, "which network"),
        ({"step": 1, "config": {"widths": [8, 8, 16, 16, 32], "head": 4, "size": 64}}, "of another network"),
    ):
        save_file(tensors, copy, metadata={"state": json.dumps(state)})
        with pytest.raises(MienError, match=says):
            load(*load_run(copy.parent))
    copy.write_bytes(b"nothing")
    with pytest.raises(MienError, match="not a checkpoint"):
        load_run(copy.parent)
