"""Fields on the crop: their window, their extension beyond what is known, and sampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.rig.flowfield import extend, grid, sample, window


@pytest.mark.parametrize("size", [64, 192, 256, 512])
def test_the_window_ends_every_edit(size):
    w = window(size)
    assert w.shape == (size, size) and w.dtype == np.float32 and not w.flags.writeable
    assert not w[[0, -1]].any() and not w[:, [0, -1]].any()
    assert w.min() >= 0 and w.max() == 1
    np.testing.assert_array_equal(w, w[:, ::-1])
    middle = slice(size // 4, 3 * size // 4)
    assert (w[middle, middle] == 1).all()
    assert np.abs(np.diff(w, axis=0)).max() < 0.12 * 256 / size + 0.01  # no edge to be seen


def test_the_window_is_the_same_at_any_size():
    small, large = window(64), window(253)  # 253 = 4 * 63 + 1: every fourth pixel lies on one of the 64
    np.testing.assert_allclose(large[::4, ::4], small, atol=1e-6)


masks = arrays(bool, (24, 33), elements=st.booleans())
fields = arrays(np.float32, (24, 33, 2), elements=st.floats(-30, 30, width=32))


@given(fields, masks, st.sampled_from([None, 3.0, 26.0]))
def test_extension_keeps_what_is_known_and_invents_nothing_beyond_it(field, known, reach):
    out = extend(field, known, reach)
    assert out.shape == field.shape and out.dtype == np.float32
    np.testing.assert_array_equal(out[known], field[known])
    low = np.minimum(field[known].min(axis=0, initial=0), 0)
    high = np.maximum(field[known].max(axis=0, initial=0), 0)
    assert (out >= low - 1e-3).all() and (out <= high + 1e-3).all()


def test_extension_does_not_look_at_what_is_unknown():
    known = np.zeros((40, 40), bool)
    known[10:20, 10:20] = True
    field = np.where(known[..., None], np.float32(2), np.float32(np.nan))
    out = extend(field, known, None)
    np.testing.assert_allclose(out, 2, rtol=0.01)


def test_extension_fades_with_distance():
    known = np.zeros((65, 65), bool)
    known[20:40, 12:32] = True
    row = extend(np.full((65, 65, 1), 4, np.float32), known, 8.0)[30, 31:, 0]
    assert row[0] == 4 and (np.diff(row) <= 1e-5).all() and row[8] == pytest.approx(4 * np.exp(-1), rel=0.15)
    assert row[31] < 1e-5
    assert not extend(np.ones((65, 65, 1), np.float32), np.zeros((65, 65), bool), 8.0).any()


def test_samples_are_bilinear_and_the_border_goes_on():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    at = np.float32([[(1, 1), (1.5, 1), (1, 0.5)], [(-5, 0), (9, 2), (3, -2)]])
    np.testing.assert_allclose(sample(image, at), [[5, 5.5, 3], [0, 11, 3]])
    np.testing.assert_array_equal(sample(np.dstack([image] * 3), grid(3)), np.dstack([image[:, :3]] * 3))
