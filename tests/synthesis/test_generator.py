import json
import shutil

import numpy as np
import pytest

from mien.errors import MienError
from mien.expression import NAMES, parse
from mien.synthesis import generator
from mien.synthesis.dentition import REACH
from mien.synthesis.generator import Generator
from support import layers, needs_weights, photo


def test_maps_have_their_shapes(stand_in):
    made = Generator(stand_in)
    assert made.manifest["sha256"] == made.sha256
    maps = made.maps(photo(256, 256), parse("happy").weights, 0.5)
    assert maps.flow.shape == (256, 256, 2) and maps.shading.shape == maps.alpha.shape == (256, 256)
    assert maps.paint.shape == (256, 256, 3)
    assert maps.teeth.upper.shape == maps.teeth.lower.shape == (256, 256, 2)
    assert maps.teeth.enamel.shape == (256, 256, 3)
    assert all(layer.dtype == np.float32 for layer in layers(maps).values())
    np.testing.assert_array_equal(maps.teeth.upper[9, 200], (1.5, -2))  # the stand-in's own
    np.testing.assert_array_equal(maps.teeth.lower[9, 200], (-1.5, 2))
    np.testing.assert_allclose(maps.teeth.enamel[9, 200], (0.8, 0.75, 0.7), rtol=1e-6)
    twice = made.maps(photo(256, 256), parse("happy").weights, 1.0)
    assert np.allclose(twice.flow, 2 * maps.flow)
    nothing = made.maps(photo(256, 256), parse("happy").weights, 0.0)  # what changes fades, the teeth stay
    assert not (nothing.flow.any() or nothing.shading.any() or nothing.alpha.any()) and nothing.teeth.upper.any()


def test_wrong_calls(stand_in):
    made, crop, weights = Generator(stand_in), photo(256, 256), parse("happy").weights
    for call in (
        (crop[:255], weights, 1.0),
        (crop.astype(np.float32), weights, 1.0),
        (crop, weights[:56], 1.0),
        (crop, weights, 1.31),
        (crop, weights, float("nan")),
    ):
        with pytest.raises(ValueError):
            made.maps(*call)


def test_weights_must_be_those_of_their_manifest(stand_in, tmp_path):
    model = tmp_path / "a.onnx"
    shutil.copy(stand_in, model)
    assert Generator(model).manifest == {}  # other weights may come without a manifest
    model.with_suffix(".json").write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(MienError, match="SHA-256"):
        Generator(model)
    model.with_suffix(".json").write_text("{")
    with pytest.raises(MienError, match="manifest"):
        Generator(model)


def test_weights_that_come_with_mien_need_their_manifest(stand_in, tmp_path, monkeypatch):
    model = tmp_path / "generator.onnx"
    shutil.copy(stand_in, model)
    monkeypatch.setattr(generator, "WEIGHTS", model)
    with pytest.raises(MienError, match="cannot read"):
        Generator()


def test_what_is_no_model(tmp_path):
    model = tmp_path / "a.onnx"
    with pytest.raises(MienError, match="cannot read the weights"):
        Generator(model)
    model.write_bytes(b"not a model")
    with pytest.raises(MienError, match="not a model"):
        Generator(model)
    with pytest.raises(MienError, match="cannot read the weights"):
        Generator(tmp_path)


def test_a_model_of_something_else(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    other = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", [value], [other])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(MienError, match="not a generator"):
        Generator(tmp_path / "other.onnx")


def test_unknown_provider(stand_in):
    with pytest.raises(MienError, match="CPUExecutionProvider"):
        Generator(stand_in, ["NoSuchProvider"])


def test_small_amounts_fade_to_nothing(stand_in):
    made, weights = Generator(stand_in), parse("happy").weights
    crop = photo(256, 256)
    reach = [np.abs(made.maps(crop, weights, amount).flow).max() for amount in (0, 0.02, 0.04, 0.08, 0.16)]
    assert reach[0] == 0 and reach == sorted(reach)
    np.testing.assert_allclose(reach[1:4], [reach[3] / 16, reach[3] / 4, reach[3]], rtol=1e-4)  # amount times fading
    assert reach[4] == pytest.approx(2 * reach[3], rel=1e-4)


@needs_weights
def test_the_real_weights_keep_the_contract():
    made = Generator()
    assert generator.WEIGHTS.stat().st_size <= 16 * 2**20
    assert made.manifest["parameters"] <= 6_000_000
    assert made.manifest["licence"].replace("-", " ").startswith("CC BY 4.0")
    crop = photo(256, 256)
    for name in NAMES:
        maps = made.maps(crop, parse(name).weights)
        assert (maps.alpha >= 0).all() and (maps.alpha <= 1).all()
        assert (maps.paint >= 0).all() and (maps.paint <= 1).all()
        assert (maps.teeth.enamel >= 0).all() and (maps.teeth.enamel <= 1).all()
        assert max(np.abs(maps.teeth.upper).max(), np.abs(maps.teeth.lower).max()) <= REACH
        for layer in (maps.flow, maps.shading, maps.alpha):
            assert np.isfinite(layer).all()
            assert not layer[[0, -1]].any() and not layer[:, [0, -1]].any()
