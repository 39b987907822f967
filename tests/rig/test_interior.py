"""What a neutral photo never showed of the mouth: its light and its depth."""

from __future__ import annotations

import numpy as np

from mien.rig.interior import DARK, Mouth
from mien.synthesis.dentition import ENAMEL
from mien.synthesis.eyeball import LUMA

SKIN = np.array([0.75, 0.6, 0.5])


def test_the_mouth_s_inside():
    """Teeth are nearly white and lit, what is behind them is dark and red."""
    open_wide = np.ones((64, 64), np.float32)
    for seed in range(20):
        mouth = Mouth.of(SKIN, np.random.default_rng(seed))
        tooth, depth = mouth.enamel(open_wide), mouth.depth(open_wide)
        assert tooth.shape == depth.shape == (64, 64, 3) and tooth.dtype == depth.dtype == np.float32
        assert min(tooth.min(), depth.min()) >= 0 and max(tooth.max(), depth.max()) <= 1
        assert tooth.mean() > 5 * depth.mean() > 0
        assert (depth[..., 0] > 1.8 * depth[..., 1]).all() and (tooth[..., 0] < 1.3 * tooth[..., 2]).all()


def test_its_light_can_be_worked_out():
    """At a light of one: in the middle of an opening a tooth gets 1.05 of its colour, far from it a half."""
    mouth = Mouth(np.ones(3))
    np.testing.assert_allclose(mouth.enamel(np.ones((8, 8)))[4, 4], 1.05 * ENAMEL, rtol=1e-6)
    np.testing.assert_allclose(mouth.enamel(np.zeros((8, 8)))[4, 4], 0.5 * ENAMEL, rtol=1e-6)
    np.testing.assert_allclose(mouth.depth(np.ones((8, 8)))[4, 4], 1.1 * DARK, rtol=1e-6)
    np.testing.assert_allclose(mouth.depth(np.zeros((8, 8)))[4, 4], 0.6 * DARK, rtol=1e-6)
    tinted = Mouth(np.array([1.0, 0.9, 0.5])).enamel(np.zeros((8, 8)))[4, 4]
    np.testing.assert_allclose(tinted, 0.5 * ENAMEL * (1.0, 0.9, 0.5), rtol=1e-6)


def test_the_upper_lip_s_shadow_lies_on_the_teeth():
    opening = np.zeros((256, 256), np.float32)
    opening[150:180, 100:156] = 1
    tooth = Mouth(np.ones(3)).enamel(opening)[:, 128, 0] / ENAMEL[0]
    np.testing.assert_allclose(tooth[[149, 150, 151, 152, 179]], [0.5, 0.85, 0.85, 1.05, 1.05], rtol=1e-5)
    np.testing.assert_allclose(tooth[[180, 181, 182]], [0.85, 0.85, 0.5], rtol=1e-5)  # cast 2 of 256 px down


def test_it_darkens_with_depth_and_with_the_photo_s_exposure():
    """Of one person: the same seed, another light on the skin."""
    opening = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    lit, dark = (Mouth.of(skin, np.random.default_rng(0)) for skin in (SKIN, SKIN * 0.5))
    np.testing.assert_allclose(dark.light / lit.light, _exposure(SKIN * 0.5) / _exposure(SKIN), rtol=1e-9)
    assert (dark.light < 0.8 * lit.light).all()
    assert (dark.depth(opening) < lit.depth(opening)).all() and (np.diff(lit.depth(opening).mean(-1).ravel()) > 0).all()
    black, white = (Mouth.of(np.full(3, value), np.random.default_rng(0)).light for value in (0.0, 1.0))
    np.testing.assert_allclose(white / black, (1.15 / 0.55) ** 0.75)  # bounded either way


def _exposure(skin: np.ndarray) -> float:
    return float(np.clip(skin @ LUMA / 0.62, 0.55, 1.15) ** 0.75)


def test_people_s_teeth_differ_most_in_yellow():
    lights = np.stack([Mouth.of(SKIN, np.random.default_rng(seed)).light for seed in range(300)]) / _exposure(SKIN)
    np.testing.assert_allclose(lights.mean(0), 1, atol=0.01)
    np.testing.assert_allclose(lights.std(0), (0.006, 0.02, 0.04), rtol=0.15)
