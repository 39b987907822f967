"""Creases on the generator's shading: called by the target, placed by the landmarks, only where skin moves."""

from __future__ import annotations

import numpy as np
import pytest

from mien.expression import NAMES, parse
from mien.synthesis.creases import crease_names
from mien.synthesis.maps import Maps
from mien.synthesis.wrinkles import _MOVED, FULL, prepare, wrinkle
from synthetic import paint

SKIN = (205, 165, 145)


@pytest.fixture(scope="module")
def marks() -> np.ndarray:
    """(68, 2) landmarks in an aligned crop."""
    from mien.face import align

    _, landmarks = paint(500, seed=0)
    return align.apply(align.crop_transform(landmarks), landmarks)


@pytest.fixture(scope="module")
def fields(marks) -> np.ndarray:
    return prepare(np.full((256, 256, 3), SKIN, np.uint8), marks)


def moving(length: float, alpha: float = 0.0) -> Maps:
    """Everything moves by `length` px to the right."""
    flow = np.zeros((256, 256, 2), np.float32)
    flow[..., 0] = length
    one = np.ones((256, 256), np.float32)
    return Maps(flow, 0.1 * one, np.zeros((256, 256, 3), np.float32), alpha * one)


def drawn(maps: Maps, fields: np.ndarray, name: str, marks: np.ndarray, amount: float = 1.0) -> np.ndarray:
    return wrinkle(maps, fields, parse(name).weights, amount, marks).shading - maps.shading


def test_every_crease_has_landmarks_that_tell_of_it():
    assert set(_MOVED) == set(crease_names())


def test_what_does_not_move_does_not_fold(fields, marks):
    still = moving(0)
    for name in NAMES:
        assert wrinkle(still, fields, parse(name).weights, 1.0, marks) is still
    assert wrinkle(moving(FULL), fields, parse("neutral").weights, 1.0, marks).shading.max() == np.float32(0.1)


def test_surprise_folds_the_forehead_and_nothing_else(fields, marks):
    change = drawn(moving(FULL), fields, "surprise", marks)
    assert change.min() < -0.05
    assert np.abs(change[round(marks[36:48, 1].max()) :]).max() < 0.01


def test_motion_and_amount_scale_it(fields, marks):
    whole = drawn(moving(FULL), fields, "surprise", marks)
    np.testing.assert_allclose(drawn(moving(FULL), fields, "surprise", marks, 0.5), whole / 2, atol=1e-6)
    half = drawn(moving(FULL / 2), fields, "surprise", marks)
    shift = int(FULL / 2)  # both are carried by the flow
    np.testing.assert_allclose(half[:, shift:-shift], whole[:, : -2 * shift] / 2, atol=1e-5)
    further = drawn(moving(2 * FULL), fields, "surprise", marks)
    np.testing.assert_allclose(further.min(), whole.min(), atol=1e-5)


def test_nothing_is_drawn_on_paint_or_on_what_is_no_skin(fields, marks):
    assert not drawn(moving(FULL, alpha=1.0), fields, "anger", marks).any()
    half = np.full((256, 256, 3), SKIN, np.uint8)
    half[: round(marks[17:27, 1].min())] = (30, 25, 60)  # a fringe
    hidden = drawn(moving(FULL), prepare(half, marks), "surprise", marks)
    open_ = drawn(moving(FULL), fields, "surprise", marks)
    assert np.abs(hidden).sum() < 0.15 * np.abs(open_).sum()


def test_the_crop_is_not_changed_and_the_maps_are_not(fields, marks):
    maps = moving(FULL)
    before = maps.shading.copy()
    result = wrinkle(maps, fields, parse("disgust").weights, 1.0, marks)
    assert np.array_equal(maps.shading, before) and result.flow is maps.flow and result.shading.dtype == np.float32
