"""dlib's face recognition network as torch weights: `python -m mien.models.embedder_convert -o FILE`.

Reads dlib_face_recognition_resnet_model_v1.dat (King 2017, CC0; in the PyPI package face_recognition_models) without
dlib, folds each affine layer into the convolution before it, and writes safetensors only after the result agrees with
dlib itself.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from mien import picture
from mien.errors import MienError
from mien.face.detect import detect
from mien.face.landmarks import COARSE, predictor
from mien.models.embedder import CHIP, KIND, LEVELS, Embedder

ALIKE = 0.9999
"""The least cosine with dlib's own descriptors that a conversion may show."""

MODEL = "dlib_face_recognition_resnet_model_v1.dat"


class Stream:
    """dlib's serialisation, forwards: variable-length integers, floats as mantissa and exponent, raw tensors."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) < count:
            raise ValueError("it ends too early")
        self.at += count
        return part

    def integer(self) -> int:
        """A control byte (bit 7: negative; low bits: how many bytes follow), then the bytes, lowest first."""
        control = self.take(1)[0]
        if control & 0x70 or not 0 < control & 0x0F <= 8:
            raise ValueError(f"no integer at byte {self.at - 1}")
        value = int.from_bytes(self.take(control & 0x0F), "little")
        return -value if control & 0x80 else value

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def number(self) -> float:
        mantissa, exponent = self.integers(2)
        if abs(exponent) > 1000:
            raise ValueError(f"no finite number before byte {self.at}")
        return mantissa * 2.0**exponent

    def flag(self) -> bool:
        """'0' or '1'."""
        return {b"0": False, b"1": True}[self.take(1)]

    def word(self) -> str:
        return self.take(self.integer()).decode("ascii")

    def sizes(self, version: int) -> tuple[int, ...]:
        """The four sizes of a tensor (2) or of a view into one (1), after that version number."""
        if self.integer() != version:
            raise ValueError(f"no tensor at byte {self.at}")
        sizes = tuple(self.integers(4))
        if min(sizes) < 0:
            raise ValueError(f"a negative size before byte {self.at}")
        return sizes

    def tensor(self) -> np.ndarray:
        """Four sizes and float32s, little-endian; here flat."""
        return np.frombuffer(self.take(4 * int(np.prod(self.sizes(2), dtype=np.int64))), "<f4")


@dataclass(frozen=True)
class Layer:
    """kind: dlib's word for it, without version; sizes: its numbers; values: its weights, flat float32."""

    kind: str
    sizes: list[int] = field(default_factory=list)
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


def _convolution(s: Stream) -> Layer:
    values, sizes = s.tensor(), s.integers(7)  # filters, height, width, strides (y, x), paddings (y, x)
    filters = s.sizes(1)
    s.sizes(1)  # the biases, behind the filters
    for _ in range(4):
        s.number()  # what its training multiplied learning rates and weight decay with
    return Layer("con", [*sizes, filters[1]], values)


def _affine(s: Stream) -> Layer:
    values = s.tensor()  # gamma, then beta
    s.sizes(1), s.sizes(1)
    return Layer("affine", [s.integer()], values)


def _dense(s: Stream) -> Layer:
    sizes, values = s.integers(2), s.tensor()  # outputs, inputs
    s.sizes(1), s.sizes(1)
    s.integer()  # with or without bias
    for _ in range(4):
        s.number()
    return Layer("fc", sizes, values)


READERS: dict[str, Callable[[Stream], Layer]] = {
    "con_4": _convolution,
    "affine_": _affine,
    "fc_2": _dense,
    "relu_": lambda s: Layer("relu"),
    "add_prev_": lambda s: Layer("add_prev"),
    "max_pool_2": lambda s: Layer("max_pool", s.integers(6)),
    "avg_pool_2": lambda s: Layer("avg_pool", s.integers(6)),
}


def read_dlib(data: bytes) -> tuple[list[float], list[Layer]]:
    """The mean colour (RGB in [0, 255]) and the layers, from the photo on, of a serialised loss_metric network."""
    s = Stream(data)
    if s.integer() != 1 or s.word() != "loss_metric_2":
        raise ValueError("it is not a loss_metric network")
    s.number(), s.number()  # margin and distance threshold of its training
    while (version := s.integer()) != 3:  # each layer's version number, from the outermost in; 3 is the innermost
        if version not in (1, 2):
            raise ValueError(f"a layer of version {version}")
    if s.word() != "input_rgb_image_sized":
        raise ValueError("its input is not an RGB image")
    mean = [s.number() for _ in range(3)]
    if s.integers(2) != [CHIP, CHIP]:
        raise ValueError(f"its input is not {CHIP} px")
    layers: list[Layer] = []
    while s.at < len(data):
        layers.append(READERS[s.word()](s))
        for _ in range(3):
            s.flag()
        for _ in range(3):
            s.tensor()  # gradients and outputs, empty
        if len(layers) == 1:
            s.integer()  # how many samples an image becomes
    return mean, layers


def convert(data: bytes) -> dict[str, Tensor]:
    """The state dict of `Embedder`, float32, from the content of dlib's file."""
    try:
        mean, layers = read_dlib(data)
        if [layer.kind for layer in layers] != _expected():
            raise ValueError("its layers are of another network")
        return _fold(mean, layers)
    except (ValueError, KeyError, IndexError) as error:
        raise MienError(f"not dlib's face recognition network: {error}") from None


def _expected() -> list[str]:
    """The kinds of layers, from the photo on."""
    kinds = ["con", "affine", "relu", "max_pool"]
    for _, count, halve in LEVELS:
        for number in range(count):
            kinds += ["con", "affine", "relu", "con", "affine"]
            kinds += ["avg_pool"] if halve and number == 0 else []
            kinds += ["add_prev", "relu"]
    return [*kinds, "avg_pool", "fc"]


def _fold(mean: list[float], layers: list[Layer]) -> dict[str, Tensor]:
    """gamma * (w x + b) + beta is one convolution: weights gamma w, bias gamma b + beta."""
    network = Embedder()
    convolutions = [network.stem, *(c for block in network.blocks for c in (block.first, block.second))]
    cons = [layer for layer in layers if layer.kind == "con"]
    affines = [layer for layer in layers if layer.kind == "affine"]
    with torch.no_grad():
        network.mean.copy_(torch.tensor(mean))
        for conv, con, affine in zip(convolutions, cons, affines, strict=True):
            n, height, width, *moves, inputs = con.sizes
            shape, steps = (n, inputs, height, width), [*conv.stride, *conv.padding]
            if shape != conv.weight.shape or moves != steps or affine.sizes != [0]:
                raise ValueError(f"a convolution is {shape} with {moves}, not {tuple(conv.weight.shape)} with {steps}")
            values = con.values.astype(np.float64)
            gamma, beta = affine.values.astype(np.float64).reshape(2, n)
            conv.weight.copy_(torch.from_numpy(values[:-n].reshape(shape) * gamma[:, None, None, None]))
            conv.bias.copy_(torch.from_numpy(values[-n:] * gamma + beta))
        outputs, inputs = layers[-1].sizes
        network.last.weight.copy_(torch.from_numpy(layers[-1].values.reshape(inputs, outputs).T.copy()))
    return network.state_dict()


def noise_chips(count: int, seed: int = 0) -> list[np.ndarray]:
    """(150, 150, 3) uint8 each: soft colour noise, from coarse to fine, to compare two networks without a photo."""
    rng = np.random.default_rng(seed)
    coarse = [rng.integers(0, 256, (2 + 4 * i, 2 + 4 * i, 3), np.uint8) for i in range(count)]
    return [cv2.resize(noise, (CHIP, CHIP), interpolation=cv2.INTER_CUBIC) for noise in coarse]


def photo_chips(folder: Path) -> list[np.ndarray]:
    """dlib's aligned chips (150, 150, 3) uint8 of the largest face of each photograph (.jpg, .png) in a folder."""
    if not folder.is_dir():
        raise MienError(f"no folder {folder}")
    chips = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")):
        rgb = np.ascontiguousarray(picture.read(path).rgb)
        for x0, y0, x1, y1 in detect(rgb)[:1]:
            shape = predictor(COARSE)(rgb, dlib.rectangle(round(x0), round(y0), round(x1), round(y1)))
            chips.append(dlib.get_face_chip(rgb, shape, CHIP, 0.25))
    if not chips:
        raise MienError(f"no photograph with a face in {folder}")
    return chips


def cosines(network: Embedder, source: Path, chips: list[np.ndarray]) -> np.ndarray:
    """(n,) cosine between our descriptor and dlib's own of each chip (150, 150, 3) uint8."""
    model = dlib.face_recognition_model_v1(str(source))
    theirs = np.array([np.array(model.compute_face_descriptor(chip)) for chip in chips])
    with torch.no_grad():
        ours = torch.cat([network(torch.from_numpy(c).permute(2, 0, 1)[None].float() / 255) for c in chips]).numpy()
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return (ours * theirs).sum(axis=1) / lengths


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write safetensors with `facts` in the header; a file that is there stays whole until the new one is."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot write {path}: {error.strerror}") from None
    try:
        save_file(tensors, part, metadata={"kind": KIND, **{name: str(fact) for name, fact in facts.items()}})
        part.chmod(0o644)
        os.replace(part, path)
    except Exception as error:  # safetensors has an exception class of its own
        part.unlink(missing_ok=True)
        raise MienError(f"cannot write {path}: {error}") from None


def default_source() -> Path:
    """The file within the package face_recognition_models, found without importing it (it needs pkg_resources)."""
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise MienError("the package face_recognition_models is not installed: pip install face_recognition_models")
    return Path(spec.origin).parent / "models" / MODEL


def run(out: Path, source: Path | None, half: bool, photos: Path | None) -> str:
    """Convert, compare with dlib, write; what was found, in one line."""
    source = default_source() if source is None else source
    try:
        data = source.read_bytes()
    except OSError as error:
        raise MienError(f"cannot read {source}: {error.strerror}") from None
    tensors = convert(data)
    if half:
        tensors = {name: t.half() if t.dim() > 1 else t for name, t in tensors.items()}
    network = Embedder(frame="chip")
    network.load_state_dict(tensors)
    chips = noise_chips(8) if photos is None else photo_chips(photos)
    least = float(cosines(network, source, chips).min())
    what = "noise chips" if photos is None else f"photographs of {photos}"
    if least < ALIKE:
        raise MienError(f"the conversion disagrees with dlib: cosine {least:.6f} on {len(chips)} {what}")
    facts = {
        "licence": "CC0-1.0",
        "attribution": "Davis King, dlib-models",
        "source": f"{MODEL} of the package face_recognition_models (PyPI)",
        "source_sha256": hashlib.sha256(data).hexdigest(),
        "least_cosine_with_dlib": f"{least:.7f} on {len(chips)} {what if photos is None else 'photographs'}",
    }
    write(out, tensors, facts)
    return f"{out}: {out.stat().st_size:,} bytes, cosine with dlib at least {least:.7f} on {len(chips)} {what}"


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    assert __doc__
    parser = argparse.ArgumentParser(prog="mien.models.embedder_convert", description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--source", type=Path, help=f"{MODEL}; found in the package face_recognition_models by itself")
    parser.add_argument("--half", action="store_true", help="store float16: half the size")
    parser.add_argument("--photos", type=Path, help="compare with dlib on the photographs of this folder, not on noise")
    chosen = parser.parse_args(arguments)
    try:
        print(run(chosen.out, chosen.source, chosen.half, chosen.photos))
    except MienError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
