"""Known answers of lightness, and a set brought to one mean and contrast."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageCms

from mien.surfaces.stimuli.luminance import figures, from_lightness, lightness, luminance, match, to_srgb

ALL = np.ones((40, 50), bool)


def picture(seed: int, low: int = 60, high: int = 190) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (40, 50, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("rgb", "says"),
    [((0, 0, 0), 0.0), ((255, 255, 255), 100.0), ((119, 119, 119), 50.03), ((255, 0, 0), 53.24), ((0, 0, 255), 32.30)],
)
def test_lightness_of_known_colours(rgb, says):
    assert abs(lightness(luminance(np.array([[rgb]], np.uint8)))[0, 0] - says) < 0.02


@given(st.floats(0, 100))
def test_there_and_back(value):
    assert abs(float(lightness(from_lightness(np.array(value)))) - value) < 1e-6


def test_matched_pictures_have_the_figures_asked_for_and_keep_their_hues():
    for seed, (low, high) in enumerate(((60, 190), (90, 230), (20, 120))):
        one = picture(seed, low, high)
        made, clipped = match(one, ALL, 50.0, 10.0)
        mean, deviation = figures(made, ALL)
        assert clipped == 0 and abs(mean - 50) < 0.1 and abs(deviation - 10) < 0.1
        assert (made.argmax(axis=-1) == one.argmax(axis=-1)).mean() > 0.97


def test_what_cannot_follow_is_counted():
    two = np.full((40, 50, 3), 100, np.uint8)
    two[:12] = 150  # 30% that end at L* 113, the others at 80
    made, clipped = match(two, ALL, 90.0, 15.0)
    assert clipped == 0.3 and (made[:12] == 255).all() and figures(made, ALL)[0] < 90
    flat = np.full((40, 50, 3), 90, np.uint8)  # no contrast to stretch
    made, clipped = match(flat, ALL, 50.0, 10.0)
    assert clipped == 0 and abs(figures(made, ALL)[0] - 50) < 0.3 and figures(made, ALL)[1] < 1e-6
    black = np.zeros((40, 50, 3), np.uint8)
    assert abs(figures(match(black, ALL, 50.0, 10.0)[0], ALL)[0] - 50) < 0.3


def test_profiles():
    one = picture(5)
    assert to_srgb(one, None) is one and to_srgb(one, b"nonsense") is one
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert to_srgb(one, srgb) is one
    lab = ImageCms.ImageCmsProfile(io.BytesIO(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()))
    assert to_srgb(one, lab.tobytes()) is one  # not of RGB
