"""Lids that open: the eyeball stays, the lid's margin rises as one piece, and nothing else changes."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.synthesis.dentition import Teeth
from mien.synthesis.lids import EYES, LASHES, MARGIN, MOST, SIDE, SKIN, STATIONS, Eyes, complete, widen
from mien.synthesis.maps import Maps
from support import layers

BALL = np.float32([0.75, -0.5])  # where the eyeballs of the made-up maps come from, crop px of 256
FLIP = [*range(36), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, *range(48, 68)]  # the eyes of a mirrored face


def face(half: float = 20.0, high: float = 6.0, low: float = 4.0, at: tuple[float, float] = (82.3, 94.4)) -> np.ndarray:
    """(68, 2) landmarks in crop px of 256, symmetric: eyes `half` px to both sides of `at` and of its mirror image.

    The upper lids pass `high` px above the corners a third from either corner, the lower ones `low` px below.
    """
    marks = np.tile([127.5, 150.0], (68, 1))
    x, y = at
    eye = [(-half, 0), (-half / 3, -high), (half / 3, -high), (half, 0), (half / 3, low), (-half / 3, low)]
    marks[36:42] = np.array(eye) + (x, y)
    marks[42:48] = (marks[36:42] * (-1, 1) + (255, 0))[[3, 2, 1, 0, 5, 4]]
    marks[0:17] = np.column_stack([np.linspace(50, 205, 17), np.linspace(130, 170, 17)])
    return marks


def in_crop(marks: np.ndarray, size: int) -> np.ndarray:
    """Landmarks of the 256 px crop in px of the same crop at `size` px."""
    return (marks + 0.5) * (size / 256) - 0.5


def lid(eye: np.ndarray, x: np.ndarray, outer: bool = True) -> np.ndarray:
    """Rows of an upper (else the lower) lid of `face` at columns x: the cubic through both corners and two points.

    The points lie at thirds at one height, which leaves a parabola: h (1 - u^2) 9/8, u in [-1, 1] between the corners.
    """
    middle, half = eye[[0, 3], 0].mean(), np.ptp(eye[:, 0]) / 2
    u = (x - middle) / half
    return eye[0, 1] + (eye[1 if outer else 4, 1] - eye[0, 1]) * (1 - u * u) * 9 / 8


def raised(size: int, rise: float, marks: np.ndarray, seed: int | None = 0) -> Maps:
    """Maps that bare `rise` px (of 256) above each eye, blurred as a network's; everything moves as the eyeball."""
    k = size / 256
    y, x = (np.mgrid[:size, :size] + 0.5) / k - 0.5
    alpha = np.zeros((size, size), np.float32)
    for eye in EYES:
        points = marks[list(eye)]
        margin = lid(points, x) + MARGIN - BALL[1]
        within = (x > points[:, 0].min()) & (x < points[:, 0].max())
        edge = (np.clip((y - margin + rise) * k + 0.5, 0, 1)) * np.clip((margin - y) * k + 0.5, 0, 1)
        alpha += (edge * within).astype(np.float32)
    flow = np.tile(BALL * np.float32(k), (size, size, 1))
    noise = np.random.default_rng(seed).random((size, size)).astype(np.float32)
    return Maps(flow, 0.1 * noise, np.full((size, size, 3), 0.1, np.float32), alpha)


def plate_of(size: int) -> np.ndarray:
    """(size, size, 3): a plate whose red is its column and whose green is its row, as shares of `size`."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    return np.dstack([x, y, 0.5 + 0 * x])


def same(a: Maps, b: Maps) -> bool:
    return all(np.array_equal(value, layers(b)[name]) for name, value in layers(a).items())


def middle(eye: np.ndarray, share: float = 0.35) -> np.ndarray:
    """The columns around an eye's middle, on which the rise is whole."""
    centre, half = eye[[0, 3], 0].mean(), np.ptp(eye[:, 0]) / 2
    return np.arange(int(np.ceil(centre - share * half)), int(centre + share * half) + 1)


@settings(max_examples=15)
@given(st.integers(0, 99), st.sampled_from([64, 256]), st.floats(0.5, 10))
def test_without_alpha_nothing_changes(seed, size, wide):
    """Nor does alpha elsewhere, such as in the mouth."""
    rng = np.random.default_rng(seed)
    flow, shading, paint = (rng.normal(0, s, (size, size, n)).astype(np.float32) for s, n in ((5, 2), (1, 1), (1, 3)))
    flow[..., 1] = -np.abs(flow[..., 1])  # brows that do not rise are not tempered
    alpha = np.zeros((size, size), np.float32)
    alpha[size * 2 // 3 :] = rng.random(alpha[size * 2 // 3 :].shape)
    teeth = Teeth(flow * 2, flow * 3, paint)
    maps = Maps(flow, shading[..., 0], paint, alpha, teeth)
    before = {name: value.copy() for name, value in layers(maps).items()}
    result = widen(maps, Eyes(plate_of(size), 1.0), in_crop(face(high=wide), size))
    assert result.teeth is teeth and same(result, maps)
    assert all(np.array_equal(value, before[name]) for name, value in layers(maps).items())


def test_the_maps_that_are_given_stay_as_they_are():
    maps = raised(256, 4, face())
    before = {name: value.copy() for name, value in layers(maps).items()}
    assert not same(widen(maps, Eyes(plate_of(256), 1.0), face()), maps)
    assert all(np.array_equal(value, before[name]) for name, value in layers(maps).items())


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("rise", [2.5, 4.0, 6.0])
def test_the_lid_rises_and_the_lashes_with_it(size, rise):
    """Known answer: the margin, at `upper` in the photo, lies `rise` px above where the eyeball would carry it."""
    marks, k = face(), size / 256
    maps = widen(raised(size, rise, marks), Eyes(plate_of(size), 1.0), in_crop(marks, size))
    for eye in EYES:
        points = in_crop(marks, size)[list(eye)]
        for column in middle(points):
            upper = lid(points, column) + MARGIN * k
            at = upper - BALL[1] * k - rise * k  # the row where the lid's margin is to lie
            rows = np.arange(np.ceil(at - (LASHES - 0.5) * k), np.floor(at - 0.25 * k) + 1).astype(int)
            assert len(rows) >= 2
            source = rows + maps.flow[rows, column, 1]
            np.testing.assert_allclose(np.diff(source), 1, atol=1e-3)  # lashes keep their length
            np.testing.assert_allclose(source, rows + upper - at, atol=0.15 * k)  # and the margin lands
            assert (source < upper + 0.2 * k).all()
    assert np.array_equal(maps.shading, raised(size, rise, marks).shading)


@pytest.mark.parametrize("size", [256, 512])
def test_the_eyeball_is_not_stretched(size):
    """Above the eye the flow stretches; from the lid's new margin to the middle of the eye it is the eyeball's."""
    marks, k, rise = face(), size / 256, 5.0
    maps = raised(size, rise, marks)
    y = np.arange(size)[:, None, None]
    points = in_crop(marks, size)[list(EYES[0])]
    stretch = np.clip((points[0, 1] - 1 * k - y) / k, 0, 25)  # grows from just below the middle of the eye upwards
    maps.flow[:] += np.float32(0.4 * k) * stretch * np.float32([0.3, 1])
    result = widen(maps, Eyes(plate_of(size), 1.0), in_crop(marks, size))
    for eye in EYES:
        points = in_crop(marks, size)[list(eye)]
        for column in middle(points):
            upper, lower = lid(points, column) + MARGIN * k, lid(points, column, outer=False)
            top = upper - (BALL[1] + rise) * k
            rows = np.arange(np.ceil(top + 0.5 * k), np.floor(lower - BALL[1] * k - 0.36 * (lower - upper))).astype(int)
            assert len(rows) > 8 * k and np.abs(maps.flow[rows[0], column] - BALL * k).max() > 1.5 * k
            np.testing.assert_allclose(result.flow[rows, column], np.tile(BALL * k, (len(rows), 1)), atol=2e-3 * k)


def test_what_is_bared_is_the_plate_where_the_eyeball_lies():
    """Its red is a column and its green a row, so the paint says where it was taken from."""
    marks, rise = face(), 5.0
    maps = widen(raised(256, rise, marks), Eyes(plate_of(256), 1.0), marks)
    for eye in EYES:
        points = marks[list(eye)]
        for column in middle(points):
            margin = lid(points, column) + MARGIN - BALL[1]
            rows = np.arange(np.ceil(margin - rise + 1), np.floor(margin) + 1).astype(int)
            np.testing.assert_allclose(maps.alpha[rows, column], 1, atol=1e-3)
            wanted = np.column_stack([column + BALL[0] + 0 * rows, rows + BALL[1]]) / 256
            np.testing.assert_allclose(maps.paint[rows, column, :2], wanted, atol=1e-4)
            above, below = int(margin - rise - 1), int(np.ceil(margin + 2))
            assert maps.alpha[above, column] < 1e-3 and maps.alpha[below, column] < 1e-3


@settings(max_examples=25)
@given(st.floats(1, 8), st.floats(10, 22), st.floats(1, 9), st.integers(0, 9), st.sampled_from([256, 384]))
def test_nothing_changes_beyond_the_eyes(rise, half, high, seed, size):
    marks, k = face(half, high), size / 256
    maps = raised(size, rise, marks, seed)
    maps.flow[:] += np.random.default_rng(seed).normal(0, 1, maps.flow.shape)
    maps.alpha[: 40 * size // 256] = 0.7
    result = widen(maps, Eyes(plate_of(size), 1.0), in_crop(marks, size))
    away = np.ones((size, size), bool)
    for eye in EYES:
        points = in_crop(marks, size)[list(eye)]
        (x0, y0), (x1, y1) = points.min(0), points.max(0)
        bow = high / 8 * k  # the lid's arch rises above its landmarks
        rows = slice(int(y0 - bow - (MOST + LASHES + SKIN + 3) * k), int(y1 + 5 * k + 0.125 * (y1 - y0)) + 2)
        away[rows, int(x0 - SIDE * k) - 1 : int(x1 + SIDE * k) + 3] = False
    assert away.mean() > 0.5
    for name, value in layers(maps).items():
        assert np.array_equal(layers(result)[name][away], value[away]), name
        assert np.isfinite(layers(result)[name]).all()
    assert result.alpha.min() >= 0 and result.alpha.max() <= 1 and np.array_equal(result.shading, maps.shading)


def mirrored(maps: Maps) -> Maps:
    return Maps(
        maps.flow[:, ::-1] * np.float32([-1, 1]), maps.shading[:, ::-1], maps.paint[:, ::-1], maps.alpha[:, ::-1]
    )


@settings(max_examples=15)
@given(st.integers(0, 9999))
def test_a_mirrored_face_opens_as_in_a_mirror(seed):
    low, high = np.array([(1, 8), (12, 22), (2, 9), (76, 84), (-0.2, 0.2)]).T
    rise, half, high, x, tilt = np.random.default_rng(seed).uniform(low, high)
    marks = face(half, high, at=(x, 94.0))
    marks[:, 1] += tilt * (marks[:, 0] - 127.5)  # not symmetric itself
    maps = raised(256, rise, marks)
    maps.flow[:] += cv2.GaussianBlur(np.random.default_rng(0).normal(0, 30, maps.flow.shape), (0, 0), 8)
    plate = np.random.default_rng(1).random((256, 256, 3)).astype(np.float32)
    plain = mirrored(widen(maps, Eyes(plate, 1.0), marks))
    back = widen(mirrored(maps), Eyes(plate[:, ::-1].copy(), 1.0), (marks * (-1, 1) + (255, 0))[FLIP])
    for name, value in layers(plain).items():
        # OpenCV takes positions to a 32nd of a pixel, and noise shows it
        np.testing.assert_allclose(layers(back)[name], value, atol=0.07 if name == "paint" else 2e-3)


@pytest.mark.parametrize("rise", [1.0, 3.0, 6.0])
def test_size_only_scales(rise):
    marks = face()
    small, large = (widen(raised(s, rise, marks), Eyes(plate_of(s), 1.0), in_crop(marks, s)) for s in (256, 512))
    half = large.flow.reshape(256, 2, 256, 2, 2).mean((1, 3)) / 2
    before = raised(256, rise, marks)
    away, change = np.abs(half - small.flow), np.abs(small.flow - before.flow)
    assert change.max() > 0.3 * rise and np.percentile(away, 99.8) < 0.3 and away.mean() < 0.1 * change.mean()
    alpha = large.alpha.reshape(256, 2, 256, 2).mean((1, 3))
    assert np.abs(alpha - small.alpha).mean() < 0.1 * small.alpha.mean()


def test_a_lid_that_hardly_rises_is_left_and_one_that_rises_more_moves_more():
    marks, moved = face(), []
    column = round(marks[[36, 39], 0].mean())
    row = int(lid(marks[36:42], np.array(column))) - 8  # lashes or skin above them at any of these
    for rise in (0.3, 1.0, 2.0, 4.0, 6.0):
        maps = raised(256, rise, marks)
        moved.append(widen(maps, Eyes(plate_of(256), 1.0), marks).flow[row, column, 1] - BALL[1])
    assert moved[0] == 0 and moved == sorted(moved) and moved[-1] > 4


def test_it_rises_no_further_than_the_most():
    marks = face()
    far, farther = (widen(raised(256, rise, marks), Eyes(plate_of(256), 1.0), marks) for rise in (MOST + 1, MOST + 3))
    assert np.abs(far.flow - BALL).max() <= MOST + 0.1
    columns = middle(marks[36:42])
    np.testing.assert_allclose(far.flow[:, columns], farther.flow[:, columns], atol=1e-3)


@settings(max_examples=30)
@given(
    arrays(np.float64, (68, 2), elements=st.floats(-60, 320)),
    st.sampled_from([1.0, 0.3, 0.0]),
    st.sampled_from([64, 256]),
)
def test_no_landmarks_make_it_fail(marks, flat, size):
    """Eyes at or beyond the crop's edge, closed, crossed: the maps stay finite."""
    middles = [marks[list(eye)].mean(0) for eye in EYES]
    for eye, centre in zip(EYES, middles, strict=True):
        marks[list(eye), 1] = centre[1] + flat * (marks[list(eye), 1] - centre[1])
        marks[eye[0], 0], marks[eye[3], 0] = centre[0] - 12, centre[0] + 12
    maps = raised(size, 4, face())
    maps.alpha[:] = 0.8
    marks = in_crop(marks, size)
    result = widen(maps, Eyes(plate_of(size), 1.0), marks)
    for value in layers(result).values():
        assert np.isfinite(value).all()


@settings(max_examples=20)
@given(arrays(np.float64, (68, 2), elements=st.floats(25, 230)), st.sampled_from([1.0, 0.1, 0.0]), st.integers(0, 9))
def test_no_landmarks_within_the_crop_spoil_the_plate(marks, flat, seed):
    for eye in EYES:
        marks[list(eye), 1] = marks[eye[0], 1] + flat * (marks[list(eye), 1] - marks[eye[0], 1])
        marks[eye[0], 0], marks[eye[3], 0] = marks[eye[0], 0] - 4, marks[eye[0], 0] + 4
    photo = np.random.default_rng(seed).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    eyes = complete(photo, marks)
    assert np.isfinite(eyes.plate).all() and eyes.plate.min() >= 0 and eyes.plate.max() < 2
    assert np.isfinite(eyes.contrast) and 0 <= eyes.trust <= 1


def test_eyes_without_a_clear_iris_are_not_completed():
    """An even face has none; nothing is invented behind its lids, and maps stay as they are."""
    marks = face()
    eyes = complete(np.full((256, 256, 3), 150, np.uint8), marks)
    maps = raised(256, 4, marks)
    assert eyes.trust == 0 and widen(maps, eyes, marks) is maps and widen(maps, None, marks) is maps


def test_lids_do_not_leap_where_an_iris_begins_to_be_clear():
    """In a blink the irises' contrast passes through every value: a little of it changes lids by little."""
    marks = face()
    maps = raised(256, 4, marks)
    flows = [widen(maps, Eyes(plate_of(256), contrast), marks).flow for contrast in np.linspace(0.06, 0.14, 33)]
    steps = [np.abs(a - b).max() for a, b in pairwise(flows)]
    assert max(steps) < 0.1 * np.abs(flows[-1] - flows[0]).max() and steps[0] == steps[-1] == 0


@pytest.mark.parametrize(("x", "y"), [(20, 94), (82, 10), (82, 254), (2, 2), (82, -50), (400, 94)])
def test_eyes_at_the_edge_are_left_alone(x, y):
    marks = face(at=(x, y))
    maps = raised(256, 4, face())
    maps.alpha[:] = 0.5
    assert same(widen(maps, Eyes(plate_of(256), 1.0), marks), maps)


@pytest.mark.parametrize("size", [256, 512])
def test_closed_eyes_open(size):
    """Upper lid on lower lid: there is still something to bare, and nothing that is not finite."""
    marks = face(high=0, low=0)
    result = widen(raised(size, 4, marks), Eyes(plate_of(size), 1.0), in_crop(marks, size))
    assert all(np.isfinite(value).all() for value in layers(result).values())
    assert np.abs(result.flow).max() < 20 * size / 256


def painted_eyes(size: int, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(photo, truth, radius): a crop with lids over painted eyes, the eyes without lids, the iris's radius in px."""
    marks = in_crop(marks, size)
    y, x = np.mgrid[:size, :size]
    truth = np.full((size, size, 3), 180, np.uint8)
    radius = 0.066 * np.linalg.norm(marks[36] - marks[45])
    photo = np.full((size, size, 3), (200, 150, 130), np.uint8)
    for eye in EYES:
        points = marks[list(eye)]
        truth[np.hypot(x - points[:, 0].mean(), y - points[:, 1].mean()) < radius] = (80, 50, 30)
        shown = (y > lid(points, x)) & (y < lid(points, x, outer=False))
        shown &= np.abs(x - points[:, 0].mean()) < np.ptp(points[:, 0]) / 2
        photo[shown] = truth[shown]
    return photo, truth, radius


@pytest.mark.parametrize("size", [256, 512])
def test_the_plate_goes_on_behind_the_lid(size):
    marks = face(half=18, high=6, low=4.5)
    photo, truth, radius = painted_eyes(size, marks)
    plate = complete(photo, in_crop(marks, size)).plate
    assert plate.shape == photo.shape and plate.dtype == np.float32 and np.isfinite(plate).all()
    for eye in EYES:
        points = in_crop(marks, size)[list(eye)]
        x, y = (round(v) for v in points.mean(0))
        np.testing.assert_allclose(plate[y, x], truth[y, x] / 255, atol=0.02)  # seen: kept
        behind = round(float(lid(points, np.array(x)))) - round(1 * size / 256)
        assert points[:, 1].mean() - behind < 0.97 * radius and photo[behind, x, 0] == 200
        if points[:, 1].mean() - behind < 0.85 * radius:
            assert np.abs(plate[behind, x] - truth[behind, x] / 255).max() < 0.15  # iris
    away = np.ones((size, size), bool)
    span = np.linalg.norm(in_crop(marks, size)[36] - in_crop(marks, size)[45])
    y, x = np.mgrid[:size, :size]
    for eye in EYES:
        centre = in_crop(marks, size)[list(eye)].mean(0)
        away &= np.maximum(np.abs(x - centre[0]), np.abs(y - centre[1])) > 0.24 * span + 2
    np.testing.assert_array_equal(plate[away], photo[away].astype(np.float32) / 255)


def browed(size: int) -> np.ndarray:
    """(68, 2) landmarks with brows 14 crop px above the upper lids."""
    marks = face()
    for lid, brows, _ in STATIONS:
        for k, brow in enumerate(brows):
            marks[brow] = marks[lid] + (3 * k - 1.5, -14)
    return in_crop(marks, size)


def lifted(size: int, by: float) -> Maps:
    """Everything above the mouth rises by `by` crop px of 256."""
    flow = np.zeros((size, size, 2), np.float32)
    flow[: size * 2 // 3, :, 1] = by * size / 256
    nothing = np.zeros((size, size), np.float32)
    return Maps(flow, nothing, np.zeros((size, size, 3), np.float32), nothing)


@pytest.mark.parametrize("size", [256, 512])
def test_brows_rise_no_further_than_the_skin_below_them_can_follow(size):
    marks = browed(size)
    gaps = [marks[lid, 1] - marks[list(brows), 1].mean() for lid, brows, _ in STATIONS]
    most = [share * gap for gap, (_, _, share) in zip(gaps, STATIONS, strict=True)]
    little = lifted(size, 0.9 * min(most) * 256 / size)
    assert np.array_equal(widen(little, None, marks).flow, little.flow)
    much = widen(lifted(size, 3 * max(most) * 256 / size), None, marks)
    for (lid, brows, _), allowed in zip(STATIONS, most, strict=True):
        x, y = round(marks[lid, 0]), round(marks[list(brows), 1].mean())
        assert much.flow[y, x, 1] == pytest.approx(allowed, rel=0.03)
        below = round(marks[lid, 1]) + 7 * size // 256
        assert much.flow[below, x, 1] == pytest.approx(3 * max(most), rel=1e-4)


def test_brows_that_sink_are_left_to_sink():
    maps = lifted(256, -20)
    assert widen(maps, None, browed(256)) is maps
