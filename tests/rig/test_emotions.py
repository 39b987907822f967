"""How people differ in an emotion: tables that name real shapes, mirrors, and random expressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.expression import ALL_NAMES, PROTOTYPES, SHAPES, parse
from mien.rig.emotions import MIRROR, VARIANTS, prototype, random_expression, scattered, variant, weights_of

seeds = st.integers(0, 2**32).map(np.random.default_rng)


def test_mirror_is_an_involution_that_changes_sides():
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(57))
    for i, name in enumerate(SHAPES):
        other = SHAPES[MIRROR[i]]
        if name.endswith(("_L", "_R")):
            assert other[:-1] == name[:-1] and other != name
        elif name.endswith(("Left", "Right")):
            assert other != name and other.removesuffix("Left").removesuffix("Right") in ("jaw", "mouth")
        else:
            assert other == name


def test_every_variant_is_written_with_shapes_that_exist():
    assert set(VARIANTS) == set(ALL_NAMES) - {"neutral"}
    known = set(SHAPES) | {name[:-2] for name in SHAPES if name[-2:] in ("_L", "_R")}
    for name, variants in VARIANTS.items():
        for table in variants:
            assert set(table) <= known, name
            assert weights_of(table).any()


@pytest.mark.parametrize("name", ALL_NAMES)
def test_a_prototype_is_the_vocabulary_s_own(name):
    np.testing.assert_array_equal(prototype(name), parse(name).weights)
    np.testing.assert_array_equal(prototype(name, 0.5), parse(f"{name}:0.5").weights)
    assert weights_of(PROTOTYPES[name]).dtype == np.float32


@settings(max_examples=30)
@given(seeds, st.sampled_from(ALL_NAMES[1:]))
def test_variants_are_sound_and_keep_the_emotion(rng, name):
    weights = variant(name, rng)
    assert weights.shape == (57,) and weights.dtype == np.float32
    assert (weights >= 0).all() and weights.max() < 3
    tables = [weights_of(table) for table in (PROTOTYPES[name], *VARIANTS[name])]
    assert not weights[np.sum(tables, axis=0) == 0].any()


@settings(max_examples=30)
@given(seeds)
def test_random_expressions_are_sound(rng):
    for weights in (random_expression(rng), scattered(rng)):
        assert weights.shape == (57,) and weights.dtype == np.float32 and np.isfinite(weights).all()
        assert weights.min() >= 0 and weights.max() < 3.5
    assert not scattered(rng)[SHAPES.index("mouthClose")]


def test_random_expressions_show_every_name_and_every_muscle():
    rng = np.random.default_rng(0)
    drawn = np.stack([random_expression(rng) for _ in range(600)])
    assert len(np.unique(drawn.round(5), axis=0)) > 400
    for name in ALL_NAMES[1:]:
        assert (np.abs(drawn - prototype(name)).max(1) < 1e-6).sum() > 5, name
    never = {SHAPES[i] for i in np.flatnonzero(~(drawn > 0.05).any(0))}
    assert never <= {"PupilDilate_L", "PupilDilate_R", "mouthClose"}
