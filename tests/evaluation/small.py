"""A small prepared folder and small judges: people of flat colours, whose smile is redness."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

from mien.data.manifest import FORMAT, write_dataset, write_manifest
from mien.face.align import CANONICAL, CORNERS

SIZE = 64
PEOPLE = {"a": "val", "b": "val", "c": "val", "d": "train", "e": "train", "f": "train"}
RED = 60


def landmarks() -> np.ndarray:
    """(68, 2) px of a 256 px crop."""
    points = np.random.default_rng(0).uniform(70, 186, (68, 2))
    points[list(CORNERS)] = CANONICAL
    return points


def neutral(person: str) -> np.ndarray:
    """(64, 64, 3) uint8: somebody's own pattern, as blue as red."""
    rng = np.random.default_rng(ord(person))
    coarse = rng.integers(60, 160, (4, 4)).astype(np.uint8)
    grey = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
    return np.dstack([grey, grey, grey])


def smiling(person: str, by: int = RED) -> np.ndarray:
    image = neutral(person)
    image[..., 0] += np.uint8(by)
    return image


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))


def prepared(folder: Path) -> Path:
    """crops, manifest.csv and dataset.json: of each a neutral and a happy photograph, and an angry render."""
    rows = []
    points = " ".join(f"{v:.1f}" for v in landmarks().ravel())
    for person, split in PEOPLE.items():
        made = {"neutral": neutral(person), "happy": smiling(person), "anger-rig0": neutral(person)}
        for name, image in made.items():
            save(folder / "crops" / person / f"{name}.png", image)
            expression, _, kind = name.partition("-")
            rows.append({
                "crop": f"crops/{person}/{name}.png", "source": f"{person}.jpg", "identity": person, "split": split,
                "expression": expression, "session": "rig" if kind else "", "pose": "frontal",
                "transform": "1 0 0 0 1 0", "landmarks": points,
            })  # fmt: skip
    write_manifest(folder, rows)
    write_dataset(folder, {"format": FORMAT, "database": "open", "options": {"size": SIZE}})
    return folder


def _write(path: Path, nodes: list, constants: list, outputs: int) -> str:
    from onnx import TensorProto, checker, helper

    def value(name: str, *sizes: int):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])

    graph = helper.make_graph(nodes, "judge", [value("face", 3, 32, 32)], [value("said", outputs)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def card(path: Path, digest: str, /, **more: object) -> Path:
    told = {
        "name": path.stem, "size": 32, "channels": "RGB", "normalise": {"mean": [0, 0, 0], "std": [1, 1, 1]},
        "trained_on": {"database": "open", "split": "train", "people": ["d", "e"]}, "losses_of": [],
        "sha256": digest, "licence": "CC0", **more,
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(told))
    return path


def expression_judge(path: Path, **more: object) -> Path:
    """Logits of happy, neutral and anger: as red as happy is, else neutral; never angry."""
    from onnx import helper, numpy_helper

    # (3, 3): red less blue speaks for happy; at half of RED both are as probable
    weights = np.array([[200, 0, 0], [0, 0, 0], [-200, 0, 0]], np.float32)
    bias = np.array([-200 * RED / 2 / 255, 0, -50], np.float32)
    constants = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")]
    nodes = [
        helper.make_node("GlobalAveragePool", ["face"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["said"]),
    ]
    labels = {"kind": "expression", "labels": ["happy", "neutral", "anger"], "output": "logits"}
    return card(path, _write(path, nodes, constants, 3), **(labels | more))


def identity_judge(path: Path, **more: object) -> Path:
    """The blue of 4 x 4 parts: smiles do not touch it."""
    from onnx import helper, numpy_helper

    picks = numpy_helper.from_array(np.array([2], np.int64), "blue")
    nodes = [
        helper.make_node("Gather", ["face", "blue"], ["one"], axis=1),
        helper.make_node("AveragePool", ["one"], ["parts"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["parts"], ["said"]),
    ]
    kind = {"kind": "identity", "output": "descriptor"}
    return card(path, _write(path, nodes, [picks], 16), **(kind | more))
