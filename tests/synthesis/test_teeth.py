import numpy as np

from mien.synthesis.maps import Maps
from mien.synthesis.teeth import LOWER, UPPER, separate

LANDMARKS = np.full((68, 2), 128.0)
LANDMARKS[33] = (128, 138)
LANDMARKS[48], LANDMARKS[54] = (104, 159), (152, 159)


def mouth(gap: bool = False) -> Maps:
    alpha = np.zeros((256, 256), np.float32)
    alpha[150:170, 105:151] = 1
    paint = np.full((256, 256, 3), 0.7, np.float32)
    if gap:
        paint[158:162] = 0.1
    return Maps(np.zeros((256, 256, 2), np.float32), np.zeros((256, 256), np.float32), paint, alpha)


def darkest(row: np.ndarray) -> list[int]:
    return [x for x in range(106, 150) if row[x] < row[x - 1] and row[x] <= row[x + 1] and row[x] < 0.65]


def test_edges_lie_at_the_widths_of_upper_teeth_on_both_sides_of_the_midline():
    drawn = separate(mouth(), LANDMARKS)
    expected = {round(128 + sign * x) for x in UPPER[:4] for sign in (-1, 1)}
    assert expected <= {x + d for x in darkest(drawn.paint[160, :, 0]) for d in (-1, 0, 1)}
    np.testing.assert_array_equal(drawn.paint[:138], mouth().paint[:138])
    np.testing.assert_array_equal(drawn.paint[mouth().alpha == 0], mouth().paint[mouth().alpha == 0])


def test_below_a_dark_gap_are_lower_teeth():
    drawn = separate(mouth(gap=True), LANDMARKS)
    assert drawn.paint[166, round(128 + LOWER[1]), 0] < 0.6 < drawn.paint[154, round(128 + LOWER[1]), 0]
    np.testing.assert_array_equal(drawn.paint[158:162], mouth(gap=True).paint[158:162])  # the gap stays as it is


def test_a_closed_mouth_is_left_alone():
    closed = Maps(*(np.zeros(s, np.float32) for s in ((256, 256, 2), (256, 256), (256, 256, 3), (256, 256))))
    assert separate(closed, LANDMARKS) is closed
