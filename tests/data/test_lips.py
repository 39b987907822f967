"""Inner lips by colour: painted teeth are found, a closed mouth is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from mien.data.lips import COLUMNS, refine_lips
from synthetic import landmarks_in

SKIN, LIPS, TEETH = (200, 160, 140), (190, 90, 95), (225, 220, 205)


def mouth(height: float) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """A photo (600, 600, 3) of a mouth open by `height` px, landmarks that do not know it, and where the teeth are."""
    marks = landmarks_in(600, 0)
    photo = np.full((600, 600, 3), SKIN, np.uint8)
    top, bottom = marks[50:53, 1].min() - 1, marks[56:59, 1].max() + 1
    photo[int(top) : int(bottom) + 1, int(marks[48, 0]) : int(marks[54, 0])] = LIPS
    middle = 0.5 * (top + bottom)
    first, last = middle - height / 2, middle + height / 2
    photo[round(first) : round(last), int(marks[48, 0]) + 10 : int(marks[54, 0]) - 10] = TEETH
    return photo, marks, (first, last)


@pytest.mark.parametrize("height", [8, 14])
def test_teeth_are_found(height):
    photo, marks, (first, last) = mouth(height)
    found = refine_lips(photo, marks)
    for top, upper, lower, bottom in COLUMNS:
        assert found[upper, 1] == pytest.approx(first, abs=2) and found[lower, 1] == pytest.approx(last, abs=2)
        for inner in (upper, lower):  # on the line from the upper to the lower lip
            t = (found[inner, 1] - marks[top, 1]) / (marks[bottom, 1] - marks[top, 1])
            np.testing.assert_allclose(found[inner], marks[top] + t * (marks[bottom] - marks[top]), atol=1e-6)
    others = np.setdiff1d(np.arange(68), [i for column in COLUMNS for i in column[1:3]])
    np.testing.assert_array_equal(found[others], marks[others])


def test_a_closed_mouth_stays_closed():
    photo, marks, _ = mouth(0)
    before = marks.copy()
    found = refine_lips(photo, marks)
    np.testing.assert_array_equal(found, before)
    np.testing.assert_array_equal(marks, before)
    assert found is not marks  # whoever moves the answer moves it alone


@pytest.mark.parametrize("shown", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2)])
def test_a_highlight_in_some_columns_only_is_no_opening(shown):
    """The teeth of `mouth`, seen in one or two of the three columns: closed lips that shine there."""
    photo, marks, _ = mouth(14)
    bare, _, _ = mouth(0)
    part = bare.copy()
    for column in shown:
        middle = 0.5 * (marks[COLUMNS[column][0], 0] + marks[COLUMNS[column][3], 0])
        there = slice(round(middle) - 9, round(middle) + 10)
        part[:, there] = photo[:, there]
    assert not np.array_equal(part, bare) and not np.array_equal(refine_lips(photo, marks), marks)
    np.testing.assert_array_equal(refine_lips(part, marks), marks)
