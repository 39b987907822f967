"""The One Euro filter against what its paper promises."""

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from mien.surfaces.clips.smoothing import OneEuro

numbers = st.floats(-1e3, 1e3)


def test_known_answer():
    """By hand: te = 0.1 s; speed 10/s, alpha of 1 Hz is 0.6283/1.6283; cutoff 1 + 0.5 * 3.8587."""
    one = OneEuro(1.0, 0.5)
    assert one(np.array([0.0]), 0.0) == 0
    alpha = 1 / (1 + 1 / (2 * math.pi * 0.1))
    cutoff = 1 + 0.5 * 10 * alpha
    assert np.isclose(one(np.array([1.0]), 0.1), 1 / (1 + 1 / (2 * math.pi * cutoff * 0.1)))


@given(numbers, st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=20))
def test_what_is_still_stays_exactly(value, steps):
    one, time = OneEuro(0.5, 100.0), 0.0
    one(np.array([value]), time)
    for step in steps:
        time += step
        assert one(np.array([value]), time) == value


@given(st.lists(st.tuples(numbers, st.floats(0, 0.5)), min_size=1, max_size=30))
@example([(0.0, 0.0), (1.0, 2.2250738585e-313)])
def test_it_never_overshoots(samples):
    one, time, seen = OneEuro(1.0, 5.0), 0.0, []
    for value, step in samples:
        time += step
        seen.append(value)
        assert min(seen) - 1e-9 <= one(np.array([value]), time)[0] <= max(seen) + 1e-9


def test_jitter_at_rest_is_taken_and_motion_is_followed():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, 250)
    one = OneEuro(0.5, 0.0)
    rest = np.array([one(np.array([v]), i / 25)[0] for i, v in enumerate(noise)])
    assert np.diff(rest[25:]).std() < 0.15 * np.diff(noise[25:]).std()
    one = OneEuro(0.5, 10.0, 5.0)
    moved = np.array([one(np.array([3.0 * i / 25]), i / 25)[0] for i in range(100)])
    assert np.abs(moved[50:] - 3.0 * np.arange(50, 100) / 25).max() < 0.05  # lag 1 / (2 pi beta)
