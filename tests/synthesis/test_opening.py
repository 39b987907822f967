"""The edge of an opened mouth: whole inside, nothing outside, no jump, and nothing above the nose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.synthesis.maps import Maps
from mien.synthesis.opening import BELOW, part


def mouth(height: float, size: int = 256, peak: float = 1.0) -> Maps:
    """A soft alpha, `height` crop px of 256 wide at its half, around row 180."""
    scale = size / 256
    rows = (np.arange(size) + 0.5) / scale - 0.5
    column = peak * np.exp(-np.log(2) * ((rows - 180) / (height / 2)) ** 2)
    alpha = np.zeros((size, size), np.float32)
    alpha[:, size // 4 : -size // 4] = column[:, None]
    zero = np.zeros((size, size), np.float32)
    return Maps(np.dstack([zero, zero]), zero, np.dstack([zero] * 3), alpha)


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("peak", [0.45, 0.7, 1.0])
def test_what_was_half_is_whole_inside_and_nothing_outside(size, peak):
    before, after = mouth(12, size, peak), part(mouth(12, size, peak))
    column = after.alpha[:, size // 2]
    assert column.max() > min(0.95, 1.75 * peak) and after.alpha.min() >= 0 and after.alpha.max() <= 1
    assert (column[before.alpha[:, size // 2] < 0.1 * peak] < 0.02).all()
    soft = [np.mean((a > 0.1 * a.max()) & (a < 0.9 * a.max())) for a in (before.alpha[:, size // 2], column)]
    assert soft[1] < 0.7 * soft[0]  # steeper


def test_nothing_stays_nothing_and_the_eyes_are_left_alone():
    nothing = mouth(12, peak=0.0)
    assert not part(nothing).alpha.any()
    maps = mouth(12)
    maps.alpha[60:100, 60:100] = 0.37
    top = round(256 * BELOW)
    assert (part(maps).alpha[:top] == maps.alpha[:top]).all()
    for name in ("flow", "shading", "paint"):
        assert getattr(part(maps), name) is getattr(maps, name)


@given(st.floats(0, 0.99), st.floats(2, 40))
def test_no_jump_as_the_mouth_opens(peak, height):
    """A hundredth more of alpha is nowhere more than a tenth more of the edge."""
    one, two = (part(mouth(height, peak=p)).alpha for p in (peak, peak + 0.01))
    assert np.abs(two - one).max() < 0.1
    assert (two - one).min() > -0.03  # and never less of it
