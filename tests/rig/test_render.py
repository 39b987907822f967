"""Renders and the maps between them: the maps, applied to one view, give the other."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from mien.data.pairs import turn
from mien.data.rigs import neutral_rigs
from mien.expression import ALL_NAMES, SHAPES
from mien.face import align
from mien.rig.emotions import MIRROR, prototype
from mien.rig.facekit import EYE_SOCKET, IRIS, LANDMARK_VERTICES, MOUTH, SCLERA, SKIN, UPPER_TEETH
from mien.rig.fit import fit
from mien.rig.render import OPEN, Rig, View, warp
from mien.rig.stage import canvas_to_crop, stage
from support import SHARED, layers, needs_shared
from synthetic import similarity

CROP = canvas_to_crop()


@pytest.fixture(scope="module")
def views(rig) -> dict[str, View]:
    return {name: rig.view(prototype(name), CROP) for name in ALL_NAMES}


@pytest.fixture(scope="module")
def real_rig(real_kit) -> Rig:
    return list(neutral_rigs(real_kit, SHARED, "val", limit=2).values())[1]


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a - b).max(axis=-1)


def test_the_photo_s_own_expression_is_the_photo(rig, views):
    photo = align.warp(np.round(rig.canvas * 255).astype(np.uint8), CROP, (256, 256)) / 255
    away = apart(views["neutral"].image, photo)
    assert away.mean() < 0.01 and (away > 0.1).mean() < 0.005
    np.testing.assert_allclose(
        views["neutral"].landmarks, align.apply(CROP, rig.landmarks(prototype("neutral"))), atol=1e-2
    )


@pytest.mark.parametrize("name", ALL_NAMES)
def test_views_keep_their_promises(rig, views, name):
    view = views[name]
    assert view.image.shape == (256, 256, 3) and view.image.dtype == np.float32
    assert view.image.min() >= 0 and view.image.max() <= 1 and view.colour.min() >= 0 and view.colour.max() <= 1
    assert view.landmarks.shape == (68, 2) and view.points.shape == rig.fit.points.shape
    assert ((view.index >= 0) == (view.part != 255)).all() and (view.part == SKIN).mean() > 0.2
    np.testing.assert_array_equal(view.points[LANDMARK_VERTICES, :2], view.landmarks)
    for border in (view.image[0] - views["neutral"].image[0], view.shade[:, -1], view.crease[-1]):
        assert not border.any()


def test_shapes_move_what_they_are_called_after(rig):
    def moved(**shapes: float) -> np.ndarray:
        weights = np.zeros(57, np.float32)
        for name, value in shapes.items():
            weights[SHAPES.index(name)] = value
        return rig.landmarks(weights) - rig.landmarks(np.zeros(57, np.float32))

    assert moved(jawOpen=1)[57, 1] > 20 and abs(moved(jawOpen=1)[51, 1]) < 1
    brow = moved(browOuterUp_L=1)
    assert brow[25, 1] < -5 and abs(brow[18, 1]) < 0.5  # the sitter's left is the right of the image
    corner = moved(mouthSmile_R=1)
    assert corner[48, 0] < -5 and corner[48, 1] < -3 and np.abs(corner[54]).max() < 2


def test_an_open_mouth_shows_what_is_behind_it(views):
    def opening(name: str) -> float:
        return float((~np.isin(views[name].part, (SKIN, 255)))[150:190].sum())

    assert opening("surprise") > 3 * opening("neutral")
    assert (views["surprise"].part == UPPER_TEETH).any() or (views["happy"].part == UPPER_TEETH).any()


@pytest.mark.parametrize("name", ALL_NAMES)
def test_maps_of_a_view_onto_itself_are_nothing(rig, views, name):
    maps = rig.maps(views[name], views[name])
    assert np.abs(maps.flow).max() < 1e-3 and np.abs(maps.shading).max() < 1e-5 and maps.alpha.max() < 1e-3
    np.testing.assert_allclose(warp(views[name].image, maps), views[name].image, atol=1e-4)


def check_maps(rig: Rig, source: View, target: View, mean: float, most: float) -> None:
    """The maps are sound, and take the source's image to the target's."""
    maps = rig.maps(source, target)
    assert maps.flow.shape == (256, 256, 2) and maps.shading.shape == maps.alpha.shape == (256, 256)
    assert all(layer.dtype == np.float32 for layer in layers(maps).values())
    assert maps.teeth is target.teeth and maps.teeth.upper.shape == maps.teeth.lower.shape == (256, 256, 2)
    assert maps.teeth.enamel.shape == (256, 256, 3) and 0 <= maps.teeth.enamel.min() <= maps.teeth.enamel.max() <= 1
    assert maps.alpha.min() >= 0 and maps.alpha.max() <= 1 and maps.paint.min() >= 0 and maps.paint.max() <= 1
    for layer in (maps.flow, maps.shading, maps.alpha):
        assert np.isfinite(layer).all()
        assert not layer[[0, -1]].any() and not layer[:, [0, -1]].any()
    away, before = apart(warp(source.image, maps), target.image), apart(source.image, target.image)
    assert away.mean() < mean and np.percentile(away, 99) < most
    assert away.mean() < 0.5 * before.mean()


STEPS = [("neutral", name) for name in ALL_NAMES[1:]] + [(name, "neutral") for name in ALL_NAMES[1:]]
ACROSS = [("happy", "surprise"), ("surprise", "anger"), ("sad", "happy"), ("fear", "disgust")]


@pytest.mark.parametrize(("start", "goal"), STEPS + ACROSS)
def test_maps_take_any_view_to_any_other(rig, views, start, goal):
    check_maps(rig, views[start], views[goal], mean=0.003, most=0.06)


@pytest.mark.parametrize(("start", "goal"), [("neutral", "happy"), ("happy", "surprise"), ("sad", "anger")])
def test_there_and_back(rig, views, start, goal):
    there = warp(views[start].image, rig.maps(views[start], views[goal]))
    back = warp(there, rig.maps(views[goal], views[start]))
    away = apart(back, views[start].image)
    assert away.mean() < 0.004 and np.percentile(away, 99) < 0.08


def test_maps_hold_when_the_head_turns(rig):
    pose = turn(12, -7, 4)
    straight, source = rig.view(prototype("neutral"), CROP), rig.view(prototype("neutral"), CROP, 256, pose)
    assert np.linalg.norm(source.landmarks - straight.landmarks, axis=1).max() > 5
    np.testing.assert_allclose(
        source.landmarks, align.apply(CROP, rig.landmarks(prototype("neutral"), pose)), atol=1e-2
    )  # fmt: skip
    check_maps(rig, source, rig.view(prototype("happy"), CROP, 256, pose), mean=0.004, most=0.06)


def test_maps_do_not_need_the_target_s_image(rig, views):
    bare = rig.view(prototype("fear"), CROP, draw=False)
    assert bare.image is None
    without, with_image = (layers(rig.maps(views["happy"], target)) for target in (bare, views["fear"]))
    assert set(without) == set(with_image) > {"flow", "upper", "lower", "enamel"}
    for name in without:
        np.testing.assert_array_equal(without[name], with_image[name])


def test_a_smiling_photo_is_taken_as_it_is(smiling):
    own = smiling.fit.weights
    assert own[SHAPES.index("mouthSmile_L")] > 0.4 and own[SHAPES.index("mouthSmile_R")] > 0.4
    source = smiling.view(own, CROP)
    photo = align.warp(np.round(smiling.canvas * 255).astype(np.uint8), CROP, (256, 256)) / 255
    assert apart(source.image, photo).mean() < 0.01
    assert np.abs(source.shade).max() < 1e-6 and not source.crease.any()  # its light is in the photo already
    check_maps(smiling, source, smiling.view(prototype("neutral"), CROP), mean=0.004, most=0.08)


def opened(rig: Rig, jaw: float) -> Rig:
    """A rig of a photo that shows its sitter with the jaw so far open."""
    weights = np.zeros(57, np.float32)
    weights[SHAPES.index("jawOpen")] = jaw
    laid = replace(rig.fit, points=rig._points(weights), weights=weights)
    return Rig(rig.kit, np.round(rig.canvas * 255).astype(np.uint8), laid, seed=3)


def inside(view: View) -> int:
    return int(np.isin(view.part, MOUTH).sum())


@pytest.mark.parametrize("jaw", [0.05, 0.1])
def test_a_slit_between_closed_lips_is_no_mouth(rig, jaw):
    """A neutral photo's rig, opened so far, does show the slit; in the photo's own expression it is skin."""
    slit = opened(rig, jaw)
    own = slit.view(slit.fit.weights, CROP)
    behind = rig.view(slit.fit.weights, CROP)
    assert slit.photo_mouth is None and inside(behind) > 30 and inside(own) == 0
    was = np.isin(behind.part, MOUTH)
    assert (own.part[was] == SKIN).all()
    np.testing.assert_array_equal(own.part[~was], behind.part[~was])  # eyes and all else are what they were
    assert np.isin(own.part, (SCLERA, IRIS, EYE_SOCKET)).any()
    wide = slit.view(prototype("surprise"), CROP)
    assert inside(wide) > 2 * inside(behind)  # only the photo's own expression is closed
    maps = slit.maps(own, wide)
    assert maps.alpha[np.isin(wide.part, MOUTH)].mean() > 0.8  # all of that mouth is new


def test_an_open_mouth_is_one(rig):
    mouth = opened(rig, 0.3)
    own = mouth.view(mouth.fit.weights, CROP)
    assert mouth.photo_mouth is not None and inside(own) == inside(rig.view(mouth.fit.weights, CROP)) > 100
    marks = mouth.fit.points[LANDMARK_VERTICES, :2]
    assert mouth.photo_mouth.sum() > OPEN * np.linalg.norm(marks[45] - marks[36]) ** 2
    wide = mouth.view(prototype("surprise"), CROP)
    slit = opened(rig, 0.1)
    new, newer = (one.maps(one.view(one.fit.weights, CROP), wide).alpha.sum() for one in (mouth, slit))
    assert new < newer  # some of its inside is in the photo


def test_a_neutral_photo_has_no_mouth_however_its_fit_gapes(rig):
    gaping = Rig(
        rig.kit, np.round(rig.canvas * 255).astype(np.uint8), replace(opened(rig, 0.3).fit, weights=0 * rig.fit.weights)
    )
    own = gaping.view(gaping.fit.weights, CROP)
    assert gaping.photo_mouth is None and inside(own) == 0
    assert inside(gaping.view(prototype("surprise"), CROP)) > 100


def test_size_only_scales(rig):
    small = rig.maps(*(rig.view(prototype(n), canvas_to_crop(128), 128) for n in ("neutral", "happy")))
    large = rig.maps(*(rig.view(prototype(n), CROP) for n in ("neutral", "happy")))
    half = large.flow.reshape(128, 2, 128, 2, 2).mean((1, 3)) / 2
    assert np.abs(half - small.flow).mean() < 0.05 and np.percentile(np.abs(half - small.flow), 99) < 0.5


def test_the_same_seed_makes_the_same_person(kit, painted):
    one, same, other = (stage(kit, *painted, seed=seed)[0] for seed in (1, 1, 2))
    happy = prototype("happy")
    np.testing.assert_array_equal(one.view(happy, CROP).image, same.view(happy, CROP).image)
    assert np.abs(one.view(happy, CROP).image - other.view(happy, CROP).image).max() > 0.01


def test_a_mirrored_photo_moves_as_in_a_mirror(kit, painted):
    """Nearly: the made-up model is not quite symmetric."""
    photo, marks = painted
    width = photo.shape[1]
    swap = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    swap += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    swap += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    plain, mirrored = fit(kit, marks), fit(kit, (marks * (-1, 1) + (width - 1, 0))[swap])
    ocular = np.linalg.norm(marks[45] - marks[36])
    for name in ("happy", "surprise", "contempt"):
        weights = prototype(name)
        a, b = (
            one.points[LANDMARK_VERTICES, :2]
            + (np.tensordot(w, kit.expressions[:, LANDMARK_VERTICES], 1) @ one.linear.T)[:, :2]
            for one, w in ((plain, weights), (mirrored, weights[MIRROR]))
        )
        assert np.abs(a - (b * (-1, 1) + (width - 1, 0))[swap]).max() < 0.015 * ocular, name


@needs_shared
@pytest.mark.parametrize(("start", "goal"), [("neutral", "happy"), ("neutral", "surprise"), *ACROSS])
def test_real_maps_take_any_view_to_any_other(real_rig, start, goal):
    source, target = (real_rig.view(prototype(name), CROP) for name in (start, goal))
    check_maps(real_rig, source, target, mean=0.006, most=0.08)


@needs_shared
def test_a_real_mouth_opens_on_teeth(real_rig):
    view = real_rig.view(prototype("happy"), CROP)
    teeth = view.part == UPPER_TEETH
    assert teeth.sum() > 100 and view.image[teeth].mean() > 0.3
    neutral = real_rig.view(prototype("neutral"), CROP)
    assert (neutral.part == UPPER_TEETH).sum() < 0.3 * teeth.sum()


@needs_shared
def test_at_least_eight_renders_a_second_a_core(real_rig):
    """Processor time, so that a busy machine does not matter."""
    weights = [prototype(name) for name in ALL_NAMES[1:]]
    real_rig.view(weights[0], CROP)  # numba has compiled
    began = time.process_time()
    for one in weights:
        real_rig.view(one, CROP)
    assert len(weights) / (time.process_time() - began) >= 8


def test_turns_are_rotations():
    np.testing.assert_allclose(turn(0, 0), np.eye(3))
    some = turn(20, -10, 5)
    np.testing.assert_allclose(some @ some.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(some) == pytest.approx(1)
    assert (turn(20, 0) @ [0, 0, 1])[0] > 0 and similarity(1, 0, 0, 0).shape == (2, 3)
