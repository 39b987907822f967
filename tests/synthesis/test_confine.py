"""Nothing beyond the face's box, grown by a fifth, can change: not by a pixel, at any size."""

from __future__ import annotations

import numpy as np
import pytest

from mien.synthesis.composite import composite
from mien.synthesis.confine import GROWTH, confine
from mien.synthesis.maps import Maps
from support import photo

BOX = np.array([-55.3, -50.1, 58.0, 61.0])  # around the middle, in px of a 256 px crop


def everywhere(size: int) -> Maps:
    """Maps that change every pixel of a crop, a lot."""
    one = np.ones((size, size), np.float32)
    return Maps(np.full((size, size, 2), 12, np.float32), -0.5 * one, np.zeros((size, size, 3), np.float32), 0.5 * one)


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("zoom", [0.125, 0.25, 0.4, 0.9, 1.3, 2.4])
def test_the_grown_box_is_the_limit(size, zoom):
    side = int(330 * zoom)
    pixels, box = photo(side, side).astype(np.uint16) * 257, side / 2 + BOX * zoom  # 16 bits show more
    turn = np.array([(np.cos(0.2), -np.sin(0.2)), (np.sin(0.2), np.cos(0.2))]) / zoom * (size / 256)
    transform = np.column_stack([turn, (size - 1) / 2 - turn @ (side / 2, side / 2)])
    maps = confine(everywhere(size), tuple(box), transform)
    changed = (composite(pixels, maps, transform) != pixels).any(axis=2)
    wide, high = GROWTH * (box[2] - box[0]), GROWTH * (box[3] - box[1])
    y, x = np.mgrid[:side, :side]
    inside = (x >= box[0] - wide) & (x <= box[2] + wide) & (y >= box[1] - high) & (y <= box[3] + high)
    assert not changed[~inside].any()
    assert changed[inside].mean() > (0.85 if zoom > 0.8 else 0.6)  # the margins are pixels, whatever the face's size


def test_the_middle_of_the_face_is_left_as_it_is():
    maps = everywhere(256)
    transform = np.eye(2, 3)
    inner = confine(maps, (70, 60, 190, 220), transform)
    y, x = slice(60, 221), slice(70, 191)
    np.testing.assert_array_equal(inner.flow[y, x], maps.flow[y, x])
    np.testing.assert_array_equal(inner.alpha[y, x], maps.alpha[y, x])
    np.testing.assert_array_equal(inner.shading[y, x], maps.shading[y, x])
    assert inner.paint is maps.paint
    steps = np.abs(np.diff(inner.alpha, axis=0)).max(), np.abs(np.diff(inner.alpha, axis=1)).max()
    assert max(steps) < 0.08  # no edge to be seen
