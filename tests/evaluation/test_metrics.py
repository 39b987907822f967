"""Every metric on cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.evaluation.metrics.bootstrap import compared, estimate, interval
from mien.evaluation.metrics.control import exact, monotonicity, outside_identical, ranks
from mien.evaluation.metrics.distribution import frechet
from mien.evaluation.metrics.expression import NONE, called, confusion
from mien.evaluation.metrics.identity import distances, impostors, threshold
from mien.evaluation.metrics.likeness import MOST_PSNR, l1, psnr, ssim

features = arrays(np.float64, st.tuples(st.integers(2, 8), st.just(3)), elements=st.floats(-5, 5))


def flat(value: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def noise(seed: int, size: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


def test_people_count_alike_however_many_pictures_they_have():
    found = estimate({"a": [1.0, 1.0, 1.0], "b": [0.0], "c": []})
    assert (found.value, found.n, found.people) == (0.5, 4, {"a": 1.0, "b": 0.0})
    assert (found.low, found.high) == (0, 1)  # of two people, one is drawn twice half the time


def test_an_interval_is_as_wide_as_theory_says():
    means = np.random.default_rng(1).normal(2, 1, 400)
    low, high = interval(means)
    half = 1.96 * means.std() / 20
    assert low == pytest.approx(means.mean() - half, abs=0.01) and high == pytest.approx(means.mean() + half, abs=0.01)


def test_one_person_has_no_interval_and_nobody_no_estimate():
    one = estimate({"a": [3.0]})
    assert (one.value, one.low, one.high) == (3, None, None)
    assert estimate({"a": []}) is None and compared({"a": 1.0}, {"b": 1.0}) is None


def test_a_difference_that_everybody_shows_is_certain_where_people_differ():
    a = {str(k): float(k) for k in range(10)}
    found = compared(a, {k: v + 0.1 for k, v in a.items()} | {"else": 0.0})
    assert found.n == 10
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_most_probable_class_is_called_and_none_without_a_face():
    assert called({"sad": 0.2, "happy": 0.7, "fear": 0.1}) == "happy"
    assert called({"sad": 0.5, "fear": 0.5}) == "fear"
    assert called({}) == NONE
    pairs = [("sad", "sad"), ("sad", "fear"), ("sad", "sad"), ("fear", NONE)]
    assert confusion(pairs) == {"sad": {"sad": 2, "fear": 1}, "fear": {NONE: 1}}


def test_distances_and_impostors():
    points = np.array([(0, 0), (3, 4), (0, 1), (6, 8)], float)
    assert distances(points[:2], points[2:]) == pytest.approx(np.array([(1, 10), (np.sqrt(18), 5)]))
    # a's two pictures are no pair, nor are the two that show another expression
    gaps = impostors(points, ["a", "b", "a", "c"], [True, False, False, True])
    assert sorted(gaps) == pytest.approx(sorted([5, 10, 5, np.hypot(6, 7)]))


def test_a_threshold_lets_exactly_the_rate_pass():
    gaps = np.random.default_rng(0).permutation(1000) / 100.0
    assert (gaps < threshold(gaps, 0.01)).sum() == 10
    assert (gaps < threshold(gaps, 0.001)).sum() == 1
    assert threshold(gaps[:999], 0.001) is None and threshold(np.zeros(0), 0.01) is None


def test_likeness_of_flat_pictures():
    assert l1(flat(0), flat(51)) == pytest.approx(0.2)
    assert psnr(flat(0), flat(51)) == pytest.approx(-20 * np.log10(0.2))
    assert psnr(flat(7), flat(7)) == MOST_PSNR
    x, y, c1 = 51 / 255, 102 / 255, 0.01**2
    assert ssim(flat(51), flat(102)) == pytest.approx((2 * x * y + c1) / (x * x + y * y + c1))


def test_ssim_is_one_for_the_same_and_does_not_depend_on_the_order():
    a, b = noise(0), noise(1)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, b) == pytest.approx(ssim(b, a)) and abs(ssim(a, b)) < 0.2
    assert ssim(a, 255 - a) < -0.8


def test_frechet_distance_in_one_dimension():
    a = np.array([[0.0], [2.0]])  # mean 1, variance 2
    assert frechet(a, a + 3) == pytest.approx(9)
    assert frechet(a, 2 * a) == pytest.approx(1 + (np.sqrt(8) - np.sqrt(2)) ** 2)
    assert frechet(a, a[:1]) is None


@given(features, features)
def test_frechet_distance_is_symmetric_and_nought_for_the_same(a, b):
    assert frechet(a, b) == pytest.approx(frechet(b, a), abs=1e-4)
    assert frechet(a, a) == pytest.approx(0, abs=1e-4)


def test_ranks_and_rank_correlation():
    assert ranks([3, 1, 3, 2]) == pytest.approx([3.5, 1, 3.5, 2])
    assert monotonicity([0, 0.5, 1], [0.1, 0.2, 0.9]) == pytest.approx(1)
    assert monotonicity([0, 0.5, 1], [3, 2, 1]) == pytest.approx(-1)
    assert monotonicity([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.8)
    assert monotonicity([0, 0.5, 1], [0.4, 0.4, 0.4]) == 0


def test_what_lies_outside_the_face():
    before = noise(0, 100)
    after = before.copy()
    after[31:69, 31:69] += 1  # beyond the box of 40 to 60, which grows to 36 to 64
    outside = 100 * 100 - 28 * 28
    changed = 38 * 38 - 28 * 28
    assert outside_identical(before, after, (40, 40, 60, 60)) == pytest.approx(1 - changed / outside)
    assert outside_identical(before, before, (40, 40, 60, 60)) == 1
    assert outside_identical(before, after, (0, 0, 100, 100)) is None


def test_exactness_is_to_the_bit():
    a, b = noise(0), noise(0)
    assert exact(a, b)
    b[3, 4, 1] ^= 1
    assert not exact(a, b) and not exact(a, a[:-1])
