"""What tests share: a stand-in generator that keeps the contract, photos of noise, faces placed in them."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.expression import NAMES
from mien.face import Face, align
from mien.synthesis import generator, painter
from mien.synthesis.maps import Maps

SAMPLE = Path(mien.__file__).parent / "samples" / "nobody.jpg"
SHARED = Path(os.environ.get("MIEN_SHARED") or Path(__file__).parents[2] / "shared")

needs_weights = pytest.mark.skipif(not generator.WEIGHTS.exists(), reason="no weights/generator.onnx yet")
needs_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="no samples/nobody.jpg yet")
needs_shared = pytest.mark.skipif(
    not ((SHARED / "data" / "london" / "people.csv").is_file() and (SHARED / "assets" / "ict-facekit").is_dir()),
    reason="the photographs and the face model are not here: set MIEN_SHARED to their folder",
)


def bump() -> np.ndarray:
    """(256, 256) float32: 1 in the lower middle of the crop, exactly 0 towards its edge."""
    y, x = np.mgrid[:256, :256].astype(np.float32)
    distance = np.hypot((x - 128) / 60, (y - 150) / 60)
    return np.clip(1 - distance, 0, 1) ** 2 * np.float32(1)


def layers(maps: Maps) -> dict[str, np.ndarray]:
    """All arrays of maps by name, those of their teeth included."""
    plain = {name: value for name, value in vars(maps).items() if name != "teeth"}
    return plain if maps.teeth is None else plain | vars(maps.teeth)


def write_stand_in(path: Path) -> Path:
    """A generator of a few nodes: changes are a bump times amount times the sum of the weights, teeth lie still."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, value: np.ndarray) -> onnx.TensorProto:
        return numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name)

    shape = bump()[None, None]
    constants = [
        constant("flow_map", np.concatenate([shape * 2, shape * -3], axis=1)),
        constant("shading_map", shape * -0.1),
        constant("alpha_map", np.clip(shape * 3 - 2, 0, 1) * 0.2),
        constant("zero", np.zeros(())),
        constant("one", np.ones(())),
        constant("grey", np.full((), 0.3)),
        constant("place", np.array([1.5, -2.0]).reshape(1, 2, 1, 1)),
        constant("white", np.array([0.8, 0.75, 0.7]).reshape(1, 3, 1, 1)),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
        numpy_helper.from_array(np.array([-1, 1, 1, 1], np.int64), "four"),
    ]
    nodes = [
        helper.make_node("ReduceSum", ["expression", "axis"], ["total"], keepdims=1),
        helper.make_node("Mul", ["total", "amount"], ["flat"]),
        helper.make_node("Reshape", ["flat", "four"], ["s"]),
        helper.make_node("Mul", ["flow_map", "s"], ["flow"]),
        helper.make_node("Mul", ["shading_map", "s"], ["shading"]),
        helper.make_node("Mul", ["alpha_map", "s"], ["raw_alpha"]),
        helper.make_node("Clip", ["raw_alpha", "zero", "one"], ["alpha"]),
        helper.make_node("Mul", ["photo", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "grey"], ["paint"]),
        helper.make_node("Mul", ["flow", "zero"], ["no_flow"]),
        helper.make_node("Add", ["no_flow", "place"], ["upper"]),
        helper.make_node("Sub", ["no_flow", "place"], ["lower"]),
        helper.make_node("Add", ["nothing", "white"], ["enamel"]),
    ]

    def value(name: str, *sizes: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])

    graph = helper.make_graph(
        nodes,
        "stand-in",
        [value("photo", 3, 256, 256), value("expression", 57), value("amount", 1)],
        [
            value("flow", 2, 256, 256),
            value("shading", 1, 256, 256),
            value("paint", 3, 256, 256),
            value("alpha", 1, 256, 256),
            value("upper", 2, 256, 256),
            value("lower", 2, 256, 256),
            value("enamel", 3, 256, 256),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    path.write_bytes(data)
    manifest = {"name": "stand-in", "sha256": hashlib.sha256(data).hexdigest(), "licence": "CC0-1.0"}
    path.with_suffix(".json").write_text(json.dumps(manifest))
    return path


def write_painter(
    path: Path,
    patterns: np.ndarray | float = 0.0,
    names: tuple[str, ...] = NAMES,
    known: tuple[str, ...] | None = None,
    size: int = 128,
) -> Path:
    """A network of the paper's kind of a few nodes: made = photo + what each category's share of `patterns`
    (K, 3, S, S), or of a number, adds; with 0 the photo as it is."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = (len(names), 3, size, size)
    flat = np.broadcast_to(np.asarray(patterns, np.float32), shape).reshape(len(names), -1)
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(flat), "patterns"),
        numpy_helper.from_array(np.array([-1, 3, size, size], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("MatMul", ["category", "patterns"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["added"]),
        helper.make_node("Add", ["photo", "added"], ["made"]),
    ]

    def value(name: str, *sizes: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])

    inputs = [value("photo", 3, size, size), value("category", len(names))]
    graph = helper.make_graph(nodes, "painter", inputs, [value("made", 3, size, size)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    told = {painter.CATEGORIES: ",".join(names), painter.KNOWN: ",".join(names if known is None else known)}
    helper.set_model_props(model, told)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def photo(height: int = 400, width: int = 500, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8 of noise: any resampling shows."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def placed(x: float, y: float, zoom: float, turn: float = 0.0) -> Face:
    """A face whose crop is centred at (x, y), `zoom` photo px a crop px, turned by `turn` radians."""
    linear = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))]) / zoom
    transform = np.column_stack([linear, np.array([127.5, 127.5]) - linear @ (x, y)])
    side = 64 * zoom
    landmarks = align.apply(align.invert(transform), np.random.default_rng(0).uniform(80, 176, (68, 2)))
    return Face((x - side, y - side, x + side, y + side), landmarks, transform)
