"""Creases: who calls them, how deep they get, where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.expression import SHAPES
from mien.rig.emotions import MIRROR, prototype
from mien.synthesis.creases import DEPTH, LIMIT, activations, crease_fields, crease_names
from synthetic import landmarks_in


@given(arrays(np.float32, 57, elements=st.floats(-5, 5, width=32)))
def test_activations_are_bounded(weights):
    calls = activations(weights)
    assert calls.shape == (len(crease_names()),) and calls.dtype == np.float32
    assert (calls >= 0).all() and (calls <= np.float32(LIMIT)).all()


@given(arrays(np.float32, 57, elements=st.floats(-1, 2, width=32)))
def test_the_mirrored_expression_calls_the_mirrored_creases(weights):
    names = crease_names()
    other = [
        names.index({"L": name[:-1] + "R", "R": name[:-1] + "L"}[name[-1]] if name[-2] == "_" else name)
        for name in names
    ]
    np.testing.assert_allclose(activations(weights[MIRROR]), activations(weights)[other], atol=1e-6)


def test_who_calls_which():
    def called(name: str) -> set[str]:
        return {crease for crease, call in zip(crease_names(), activations(prototype(name)), strict=True) if call > 0.3}

    assert not activations(np.zeros(57, np.float32)).any()
    assert {"nasolabial_L", "nasolabial_R", "crow_L", "crow_R"} <= called("happy")
    assert called("surprise") == {"forehead_L", "forehead_R"}
    assert {"glabella"} <= called("anger") and {"bridge"} <= called("disgust")
    smile = np.zeros(57, np.float32)
    smile[SHAPES.index("mouthSmile_R")] = 1
    assert {c for c, call in zip(crease_names(), activations(smile), strict=True) if call} == {"nasolabial_R", "crow_R"}


@pytest.fixture(scope="module")
def marks() -> np.ndarray:
    return landmarks_in(320, 1)


def test_fields_are_soft_lines_near_the_landmarks(marks):
    fields = crease_fields(marks, 320, np.random.default_rng(0))
    assert fields.shape == (len(crease_names()), 320, 320) and fields.dtype == np.float16
    assert np.isfinite(fields).all()
    ocular = np.linalg.norm(marks[45] - marks[36])
    y, x = np.mgrid[:320, :320]
    for name, field in zip(crease_names(), fields.astype(np.float32), strict=True):
        assert -3 * DEPTH < field.min() < -0.2 * DEPTH, name  # darkens
        assert 0 < field.max() < -0.8 * field.min(), name  # with a light flank, weaker
        dark = field < 0.5 * field.min()
        assert dark.mean() < 0.03, name
        centre = np.array([x[dark].mean(), y[dark].mean()])
        if name.endswith(("_L", "_R")):  # L is the sitter's left, right in the image
            assert (centre[0] > marks[27, 0]) == name.endswith("L"), name
        assert np.linalg.norm(centre - marks[27:31].mean(0)) < 1.2 * ocular, name


def test_age_deepens_and_people_differ(marks):
    young, old, other = (
        crease_fields(marks, 320, np.random.default_rng(seed), age).astype(np.float32)
        for seed, age in ((0, 0.7), (0, 1.4), (1, 0.7))
    )
    np.testing.assert_allclose(old, 2 * young, atol=2e-3)
    assert np.abs(other - young).max() > 0.02
