"""The rig on any photo: its frames, and the editor made of it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.expression import parse
from mien.face import Face, crop_transform, find_faces
from mien.face.align import apply, invert
from mien.picture import read
from mien.rig.photo import SIZE, PhotoRig
from mien.rig.stage import CANVAS, ZOOM, canvas_to_crop, compose, crop_to_canvas, stage
from support import SHARED, needs_shared
from synthetic import similarity


@pytest.mark.parametrize("size", [64, 192, 256, 512])
def test_the_crop_lies_in_the_middle_of_the_canvas(size):
    there = compose(canvas_to_crop(size), crop_to_canvas())
    corners = np.array([(-0.5, -0.5), (255.5, 255.5)])
    np.testing.assert_allclose(apply(there, corners), [(-0.5, -0.5), (size - 0.5, size - 0.5)], atol=1e-9)
    middle = (CANVAS - 1) / 2
    np.testing.assert_allclose(apply(canvas_to_crop(size), np.array([middle, middle])), [(size - 1) / 2] * 2)
    assert crop_to_canvas()[0, 0] == ZOOM


def test_compose_is_one_after_the_other():
    first, then = similarity(1.5, 0.3, 4, -2), similarity(0.4, -1.0, 7, 9)
    points = np.random.default_rng(0).normal(0, 50, (7, 2))
    np.testing.assert_allclose(apply(compose(then, first), points), apply(then, apply(first, points)))


def test_staging_says_where_the_canvas_is(kit, painted):
    photo, marks = painted
    laid, to_canvas = stage(kit, photo, marks)
    assert laid.canvas.shape == (CANVAS, CANVAS, 3) and laid.canvas.max() <= 1
    at = laid.landmarks(laid.fit.weights)
    assert np.abs(apply(invert(to_canvas), at) - marks).max() < 0.02 * np.linalg.norm(marks[45] - marks[36])
    eye = apply(compose(canvas_to_crop(), to_canvas), marks[36:48].mean(0))
    np.testing.assert_allclose(eye, (128, 94), atol=6)  # where crops have their eyes


@pytest.fixture(scope="module")
def face(painted) -> Face:
    marks = painted[1]
    low, high = marks.min(0), marks.max(0)
    return Face((low[0], low[1], high[0], high[1]), marks, crop_transform(marks))


@pytest.fixture(scope="module")
def photo_rig(kit_file, painted, face) -> PhotoRig:
    return PhotoRig(kit_file, painted[0], face)


def test_an_edit_stays_within_the_face_s_box(photo_rig, painted, face):
    photo = painted[0]
    edited = photo_rig.edit(photo, parse("surprise").weights)
    changed = (edited != photo).any(-1)
    assert edited.shape == photo.shape and edited.dtype == np.uint8 and changed.mean() > 0.02
    x0, y0, x1, y1 = face.box
    wide, high = 0.2 * (x1 - x0), 0.2 * (y1 - y0)
    y, x = np.nonzero(changed)
    assert x.min() >= x0 - wide and x.max() <= x1 + wide and y.min() >= y0 - high and y.max() <= y1 + high


def test_no_way_to_go_is_the_photo(photo_rig, painted):
    own = photo_rig.rig.fit.weights
    np.testing.assert_array_equal(photo_rig.edit(painted[0], own), painted[0])
    np.testing.assert_array_equal(photo_rig.edit(painted[0], parse("fear").weights, 0.0), painted[0])


def test_part_of_the_way_is_less(photo_rig, painted):
    photo = painted[0].astype(int)
    change = [np.abs(photo_rig.edit(painted[0], parse("happy").weights, a) - photo).mean() for a in (0.3, 1.0)]
    assert change == sorted(change) and change[0] > 0


def test_sixteen_bits(photo_rig, painted):
    deep = painted[0].astype(np.uint16) * 257
    edited = photo_rig.edit(deep, parse("happy").weights)
    assert edited.dtype == np.uint16
    eight = photo_rig.edit(painted[0], parse("happy").weights)
    assert np.abs(edited / 257 - eight).max() <= 1


def test_maps_are_of_the_large_crop(photo_rig):
    maps = photo_rig.maps(parse("happy").weights)
    assert maps.flow.shape == (SIZE, SIZE, 2) and np.abs(maps.flow).max() > 5
    assert not maps.alpha[[0, -1]].any() and not maps.flow[:, [0, -1]].any()


@needs_shared
def test_a_real_photo_by_the_rig():
    photo = read(sorted((SHARED / "data" / "london" / "neutral").glob("*.jpg"))[5]).rgb
    face = find_faces(photo)[0]
    laid = PhotoRig(SHARED / "assets", photo, face)
    assert laid.rig.fit.error < 0.06
    edited = laid.edit(photo, parse("happy").weights)
    away = np.abs(edited.astype(int) - photo).max(-1)
    assert away.max() > 60 and (away > 0).mean() < 0.5
