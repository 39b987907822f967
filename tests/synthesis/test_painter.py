"""The paper's network in use: what it is told, and that a photo changes where it is meant to and nowhere else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import MienError
from mien.editor import Portrait
from mien.expression import NAMES, parse
from mien.face import Face, align, face_box
from mien.picture import as_picture
from mien.synthesis.painter import Painter
from support import photo, placed, write_painter

SIX = NAMES[1:]


def blot(size: int = 128, height: float = 0.4) -> np.ndarray:
    """(7, 3, S, S): every category but neutral darkens the middle of the lower face, each by its own share."""
    y, x = np.mgrid[:size, :size] / size
    spot = np.exp(-(((x - 0.5) / 0.1) ** 2) - ((y - 0.62) / 0.08) ** 2)
    share = np.array([0, 0.5, 0.6, 0.7, 1.0, 0.8, 0.9])
    return -height * share[:, None, None, None] * spot * np.ones((3, 1, 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("painters")


@pytest.fixture(scope="module")
def same(folder) -> Painter:
    """Gives back what it is shown."""
    return Painter(write_painter(folder / "same.onnx"))


@pytest.fixture(scope="module")
def spots(folder) -> Painter:
    """Adds a spot; knows neutral."""
    return Painter(write_painter(folder / "spots.onnx", blot()))


@pytest.fixture(scope="module")
def wild(folder) -> Painter:
    """Changes every pixel of the crop, a lot."""
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, (7, 3, 16, 16)).astype(np.float32)
    fine = np.stack([cv2.resize(p.transpose(1, 2, 0), (128, 128)).transpose(2, 0, 1) for p in noise])
    return Painter(write_painter(folder / "wild.onnx", fine))


def portrait(pixels: np.ndarray, network: Painter, *faces) -> Portrait:
    made = Portrait(as_picture(pixels), network)
    made.__dict__["faces"] = list(faces)
    return made


def framed(x: float, y: float, zoom: float, turn: float = 0.0) -> Face:
    """A face `placed` somewhere, with a jaw and brows where they belong and the box that those give."""
    one = placed(x, y, zoom, turn)
    t = np.linspace(0, np.pi, 17)
    jaw = np.column_stack([128 - 64 * np.cos(t), 125 + 92 * np.sin(t)])
    brows = np.column_stack([np.linspace(78, 178, 10), np.full(10, 84)])
    inner = align.apply(one.transform, one.landmarks)[27:]
    points = align.apply(align.invert(one.transform), np.concatenate([jaw, brows, inner]))
    return Face(face_box(points, one.transform), points, one.transform)


def grey(height: int = 400, width: int = 500, dtype: type = np.uint8) -> np.ndarray:
    """A photo of soft greys with fine grain."""
    soft = cv2.GaussianBlur(photo(height, width).astype(np.float32), (0, 0), 12)
    soft = cv2.normalize(soft, None, 90, 200, cv2.NORM_MINMAX) + photo(height, width, 1) / 255 * 8
    return (soft * (257 if dtype == np.uint16 else 1)).astype(dtype)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(NAMES), st.floats(0, 1.3), st.floats(0.06, 4), st.floats(-3.2, 3.2), st.floats(-50, 550),
    st.floats(-50, 450), st.sampled_from([np.uint8, np.uint16]),
)  # fmt: skip
def test_a_network_that_changes_nothing_leaves_every_bit(same, name, strength, zoom, turn, x, y, dtype):
    pixels = np.random.default_rng(5).integers(0, np.iinfo(dtype).max + 1, (400, 500, 3)).astype(dtype)
    edit = portrait(pixels, same, framed(x, y, zoom, turn)).edit(name, strength)
    assert edit.image.dtype == dtype and np.array_equal(edit.image, pixels)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.08, 4), st.floats(-0.5, 0.5), st.floats(0, 500), st.floats(0, 400),
    st.sampled_from([np.uint8, np.uint16]), st.sampled_from([0.3, 1.0, 1.3]),
)  # fmt: skip
def test_nothing_outside_the_face_ever_changes(wild, zoom, turn, x, y, dtype, strength):
    """Tiny, huge, turned, at the photo's edge: beyond the face's box, grown by a fifth, every bit stays."""
    pixels, one = grey(dtype=dtype), framed(x, y, zoom, turn)
    changed = (portrait(pixels, wild, one).edit("happy", strength).image != pixels).any(axis=2)
    x0, y0, x1, y1 = one.box
    grow = 0.2 * min(x1 - x0, y1 - y0)
    v, u = np.mgrid[:400, :500]
    inside = (u >= x0 - grow) & (u <= x1 + grow) & (v >= y0 - grow) & (v <= y1 + grow)
    assert not changed[~inside].any()
    if inside.sum() > 400 and strength == 1:
        assert changed[inside].mean() > 0.2


def test_a_face_larger_than_its_crop_fades_within_it(wild):
    """What lies beyond the crop stays, and no edge is drawn along its border."""
    one, pixels = placed(250, 200, 1.0), np.full((400, 500, 3), 30_000, np.uint16)
    large = Face((20, 0, 480, 400), (one.landmarks - (250, 200)) * 4 + (250, 200), one.transform)
    result = portrait(pixels, wild, large).edit("surprise").image
    changed = (result != pixels).any(axis=2)
    assert changed[80:320, 130:370].mean() > 0.9
    changed[73:328, 123:378] = False
    assert not changed.any()
    steps = np.abs(np.diff(result[..., 0].astype(float), axis=1)) / 65535
    inner, border = steps[150:250, 200:300].max(), steps[100:300, 118:126].max()
    assert border < 0.2 * inner


def test_neck_ears_and_what_is_behind_stay(wild):
    """Within the box, but not of the face: above a shoulder, beside the chin; a chin has room to drop."""
    pixels, one = grey(), framed(250, 200, 1.0)
    changed = (portrait(pixels, wild, one).edit("surprise").image != pixels).any(axis=2)
    crop = align.crop(changed.astype(np.uint8) * 255, one.transform)
    assert not crop[212:, :80].any() and not crop[212:, 176:].any() and not crop[:, :46].any()
    assert (crop[100:225, 120:136] > 0).all()


@pytest.mark.parametrize("zoom", [0.3, 1.0, 3.0])
def test_no_seam(folder, zoom):
    """Even colours painted much lighter all over: the photo's own colours win, and there is no rectangle."""
    network = Painter(write_painter(folder / f"light-{zoom}.onnx", 0.15))
    pixels, one = grey(), framed(250, 200, zoom)
    result = portrait(pixels, network, one).edit("happy").image
    assert np.abs(result.astype(int) - pixels).max() <= 2


def test_what_is_painted_is_what_is_seen(spots):
    """In the middle of the spot the paint covers the photo, in its colours; away from it the photo is as it was."""
    pixels, one = grey(), framed(250, 200, 1.0)
    result = portrait(pixels, spots, one).edit("happy").image
    crop, before = (align.crop(x, one.transform).astype(float) for x in (result, pixels))
    spot = 255 * -blot(256)[4].transpose(1, 2, 0)
    there = np.abs(crop - (before - spot))
    assert there[spot[..., 0] > 90].mean() < 6  # grain is 8 levels high, and the paint has none
    away = spot[..., 0] < 0.05
    assert (crop != before).any(axis=2)[away].mean() < 0.35  # its edge is soft
    assert np.abs(crop - before)[away].max() <= 8


def test_paint_is_as_soft_as_it_is(spots):
    """On a large face the few pixels are enlarged smoothly: no grain is made up, none of the photo's shines through."""
    pixels = grey()
    result = portrait(pixels, spots, framed(250, 200, 3.0)).edit("happy").image
    part = slice(280, 305), slice(235, 265)
    before, after = (cv2.Laplacian(image[part].astype(float), cv2.CV_64F).std() for image in (pixels, result))
    assert before > 4 and after < 0.25 * before  # rounding to whole levels alone gives 1


def test_where_the_light_alone_changes_grain_stays(folder):
    y, x = np.mgrid[:128, :128] / 128
    gentle = -0.03 * np.exp(-(((x - 0.5) / 0.07) ** 2) - ((y - 0.5) / 0.07) ** 2) * np.ones((7, 3, 1, 1))
    network = Painter(write_painter(folder / "gentle.onnx", gentle))
    pixels, one = grey(), framed(250, 200, 1.0)
    result = portrait(pixels, network, one).edit("sad").image
    part = slice(195, 206), slice(245, 256)
    assert pixels[part].mean() - result[part].mean() > 3
    fine = [image[part].astype(float) - cv2.blur(image, (5, 5))[part] for image in (pixels, result)]
    assert np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1] > 0.9


def test_strength_is_a_mixture_of_categories_where_neutral_is_known(spots, monkeypatch):
    asked = []
    monkeypatch.setattr(spots, "paint", lambda crop, category: asked.append(category) or np.zeros((128, 128, 3)))
    crop = np.zeros((128, 128, 3), np.uint8)
    shown = [spots.towards(crop, "fear", amount)[1] for amount in (0.05, 0.5, 1.0, 1.3)]
    assert shown == [pytest.approx(0.2), 1, 1, 1]
    for category, amount in zip(asked, (0.05, 0.5, 1.0, 1.3), strict=True):
        np.testing.assert_allclose(category, [1 - amount, 0, 0, amount, 0, 0, 0], atol=1e-12)
    assert spots.towards(crop, "neutral", 0.3)[1] == pytest.approx(0.3) and asked[-1].tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_strength_is_a_mixture_of_pixels_where_it_is_not(folder):
    network = Painter(write_painter(folder / "six.onnx", blot(), known=SIX))
    assert not network.mixes and network.names == SIX
    crop = np.full((128, 128, 3), 150, np.uint8)
    whole, shown = network.towards(crop, "happy", 1.0)
    assert shown == 1 and whole[79, 64, 0] == pytest.approx(150 / 255 - 0.4, abs=0.01)
    half, shown = network.towards(crop, "happy", 0.5)
    assert shown == 0.5 and np.array_equal(half, whole)
    more, shown = network.towards(crop, "happy", 1.3)
    assert shown == 1 and more[79, 64, 0] == pytest.approx(150 / 255 - 0.52, abs=0.01)


@pytest.mark.parametrize("known", [NAMES, SIX])
def test_strength_grows_smoothly_from_nothing(folder, known):
    network = Painter(write_painter(folder / f"{len(known)}.onnx", blot(), known=known))
    made = portrait(grey(), network, framed(250, 200, 1.0))
    change = [np.abs(made.edit("happy", s).image.astype(int) - made.picture.pixels).mean() for s in (0, 0.02, 0.1, 1)]
    assert change[0] == 0 and change == sorted(change) and change[1] < 0.05 * change[3]
    changes = [made.edit("happy", s).image.astype(int) for s in np.arange(0.5, 1.31, 0.1)]
    steps = [np.abs(b - a).max() for a, b in pairwise(changes)]
    assert max(steps) < 45 and max(steps[:-1]) > 4


def test_a_name_s_own_strength_is_the_same(spots):
    made = portrait(grey(), spots, framed(250, 200, 1.0))
    assert np.array_equal(made.edit("happy:0.6").image, made.edit("happy", 0.6).image)
    assert np.array_equal(made.edit("happy:0.5", 0.8).image, made.edit("happy", 0.4).image)
    assert np.array_equal(made.edit("happy:1.5", 1.3).image, made.edit("happy", 1.3).image)
    for text, strength in (("happy:0", 1.0), ("neutral:0", 1.0), ("sad", 0.0)):
        edit = made.edit(text, strength)
        assert np.array_equal(edit.image, made.picture.pixels) and not edit.maps


def test_several_faces(spots):
    pixels = grey(600, 900)
    faces = framed(200, 300, 1.0), framed(600, 250, 0.5, 0.2)
    made = portrait(pixels, spots, *faces)
    first, second, both = (made.edit("happy", face=which).image for which in (1, 2, "all"))
    assert (first != pixels).any() and (second != pixels).any() and not ((first != pixels) & (second != pixels)).any()
    assert np.array_equal(both, np.where(first != pixels, first, second))


@pytest.mark.parametrize("text", ["jawOpen=0.4", "contempt", "happy:0.5,sad:0.5", "happy,jawOpen=0.1", "AU12=1"])
def test_what_it_does_not_know_is_refused_in_one_line(spots, text):
    with pytest.raises(MienError, match=r"cannot make .* they know neutral, anger, .*, sad, surprise, and one"):
        portrait(grey(), spots, framed(250, 200, 1.0)).edit(text)
    spots.check(parse("angry:0.3"))


@pytest.mark.parametrize("size", [64, 256])
def test_other_sizes(folder, size):
    network = Painter(write_painter(folder / f"{size}.onnx", blot(size), size=size))
    pixels, one = grey(), framed(250, 200, 1.0)
    middle = align.crop(portrait(pixels, network, one).edit("happy").image, one.transform)[158, 128].astype(int)
    assert np.abs(align.crop(pixels, one.transform)[158, 128] - 102 - middle).max() < 12


def test_files_that_are_none(folder, stand_in):
    with pytest.raises(MienError, match="not a network of the paper's system"):
        Painter(stand_in)
    for name, options in (
        ("fewer", {"names": NAMES[:6], "known": NAMES}),
        ("others", {"names": ("a", "b")}),
        ("none", {"names": ("",)}),
    ):
        with pytest.raises(MienError, match="not a network of the paper's system"):
            Painter(write_painter(folder / f"{name}.onnx", **options))
    with pytest.raises(MienError, match="not finite"):
        portrait(grey(), Painter(write_painter(folder / "nan.onnx", np.nan)), framed(250, 200, 1)).edit("sad")
