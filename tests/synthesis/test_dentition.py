"""The drawn teeth: what the drawing promises, and that they lie exactly where the flows say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.synthesis import dentition
from mien.synthesis.dentition import ENAMEL, LEFT, LOWER, UPPER, WIDTH, Teeth, atlas, lay

AWAY = np.array([200.0, 200.0])  # a flow that leads beyond the drawing


def teeth(upper=(0.0, 0.0), lower=(0.0, 0.0), enamel=ENAMEL, shape: tuple[int, int] = (256, 256)) -> Teeth:
    """Constant flows and light over `shape` (height, width)."""
    return Teeth(*(np.broadcast_to(np.float32(value), (*shape, len(value))) for value in (upper, lower, enamel)))


def places(zoom: float = 1.0, size: int = 256) -> np.ndarray:
    """(zoom * size, zoom * size, 2): where the pixels of an enlarged crop lie in the crop; outer edges coincide."""
    steps = (np.arange(round(size * zoom)) + 0.5) / zoom - 0.5
    return np.stack(np.meshgrid(steps, steps), axis=-1)


def crop(said: Teeth, paint: float = 0.0) -> np.ndarray:
    """The aligned crop (256, 256, 3): paint of one grey, with teeth."""
    return lay(np.full((256, 256, 3), paint, np.float32), places(), said)


def drawing() -> np.ndarray:
    """(256, 256, 4) premultiplied: both rows where the drawing has them, put together by hand."""
    out = np.zeros((256, 256, 4), np.float32)
    for row, (top, height) in zip(atlas(1)[::-1], (LOWER, UPPER), strict=True):
        part = out[top : top + height, LEFT : LEFT + WIDTH]
        part[:] = part * (1 - row[..., 3:]) + row
    return out


@pytest.mark.parametrize("density", [1, 2, 4, 8])
def test_the_drawing_s_shape(density):
    for row, (_, height) in zip(atlas(density), (UPPER, LOWER), strict=True):
        assert row.shape == (height * density, WIDTH * density, 4) and row.dtype == np.float32
        assert row.min() >= 0 and row[..., 3].max() == pytest.approx(1, abs=1e-5)
        assert (row[..., :3] <= row[..., 3:] + 1e-6).all()  # premultiplied
        assert not row.flags.writeable  # it is shared
    assert atlas(density)[0] is atlas(density)[0]


def test_left_and_right_are_alike():
    """Training mirrors faces; the middle of the drawing is the middle of the crop."""
    assert LEFT - 0.5 + WIDTH / 2 == 127.5
    for density in (1, 2, 4, 8):
        for row in atlas(density):
            np.testing.assert_allclose(row, row[:, ::-1], atol=1.01 / 255)


def test_the_drawing_shows_teeth_with_gums_behind_them():
    """At the middle: nothing, gum, an incisor as bright as `ENAMEL`, nothing; below, the other way round."""
    upper, lower = atlas(8)
    gum, tooth = upper[120, 420], upper[225, 420]
    assert gum[3] == tooth[3] == 1 and gum[0] > 1.5 * gum[2]
    np.testing.assert_allclose(tooth[:3], ENAMEL, atol=0.1)
    assert not upper[:80].any() and not upper[300:].any() and not lower[-40:].any()
    tooth, gum = lower[530 - 336, 420], lower[610 - 336, 420]
    assert gum[3] == tooth[3] == 1 and gum[0] > 1.5 * gum[2]
    np.testing.assert_allclose(tooth[:3], ENAMEL, atol=0.12)
    for row in (upper, lower):
        assert row[..., :3].max() <= 1 and np.percentile(row[..., :3].max(-1)[row[..., 3] == 1], 99) < 0.9


def test_smaller_drawings_are_averages_of_the_finest():
    for density in (1, 2, 4):
        k = 8 // density
        for small, row in zip(atlas(density), atlas(8), strict=True):
            mean = row.reshape(small.shape[0], k, WIDTH * density, k, 4).mean((1, 3))
            np.testing.assert_allclose(small, mean, atol=2e-6)


def test_teeth_lie_where_the_drawing_has_them():
    """In an aligned crop, with no flow, on black and on paint."""
    wanted = drawing()
    np.testing.assert_allclose(crop(teeth()), wanted[..., :3], atol=1e-6)
    np.testing.assert_allclose(crop(teeth(), 0.4), wanted[..., :3] + 0.4 * (1 - wanted[..., 3:]), atol=1e-6)
    out = crop(teeth())
    assert out[152:158, 121:126].min() > 0.5 and out[152:158, 130:135].min() > 0.5  # the upper incisors
    assert out[162:166, 130:134].min() > 0.4


def test_nothing_beyond_the_drawing():
    paint = np.random.default_rng(0).random((256, 256, 3)).astype(np.float32)
    before = paint.copy()
    out = lay(paint, places(), teeth())
    rows = np.zeros((256, 256), bool)
    for top, height in (UPPER, LOWER):
        rows[top : top + height, LEFT : LEFT + WIDTH] = True
    np.testing.assert_array_equal(out[~rows], paint[~rows])
    np.testing.assert_array_equal(lay(paint, places(), teeth(AWAY, AWAY)), paint)
    np.testing.assert_array_equal(paint, before)
    assert out.dtype == np.float32 and not np.shares_memory(out, paint)
    assert (out != paint)[rows].mean() > 0.3


@settings(max_examples=25, deadline=None)
@given(*[st.integers(-40, 40)] * 4)
def test_flows_shift_each_row_by_whole_pixels(ux, uy, lx, ly):
    """A flow leads from a pixel to its place in the drawing: the row moves the other way."""
    for name, flow, still in (("upper", (ux, uy), "lower"), ("lower", (lx, ly), "upper")):
        alone = crop(teeth(**{still: AWAY}))
        moved = crop(teeth(**{name: flow, still: AWAY}))
        np.testing.assert_allclose(moved, np.roll(alone, (-flow[1], -flow[0]), axis=(0, 1)), atol=1e-6)
    assert alone.max() > 0.5


def test_a_field_of_flow_bends_a_row():
    """Twice as wide about the middle: a pixel at distance d shows what the drawing has at d / 2."""
    at = places()
    flow = np.float32((127.5, 150) - at) * np.float32((0.5, 0))
    wide = crop(Teeth(flow, np.broadcast_to(np.float32(AWAY), flow.shape), teeth().enamel))
    plain = crop(teeth(lower=AWAY))
    halves = 0.5 * (plain[:, 103:152] + plain[:, 104:153])  # not quite: drawn between pixels, each in quarters
    there = 0.5 * (wide[:, 79:177:2] + wide[:, 80:178:2])
    assert np.abs(there - halves).mean() < 0.01
    assert (wide[154] > 0.05).any(-1).sum() == pytest.approx(2 * (plain[154] > 0.05).any(-1).sum(), abs=4)


def test_enamel_is_the_colour_of_the_light():
    full = crop(teeth())
    np.testing.assert_allclose(crop(teeth(enamel=ENAMEL * 0.5)), full * 0.5, atol=1e-6)
    np.testing.assert_allclose(crop(teeth(enamel=ENAMEL * (1, 0.8, 0.2))), full * np.float32((1, 0.8, 0.2)), atol=1e-6)
    assert not crop(teeth(enamel=(0, 0, 0))).any()
    over = crop(teeth(enamel=(1, 1, 1)), 0.9)
    assert over.max() <= 1 and over.max() > 0.95
    shade = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None] * np.broadcast_to(ENAMEL, (256, 256, 3))
    uneven = crop(Teeth(teeth().upper, teeth().lower, shade))
    np.testing.assert_allclose(uneven, full * np.linspace(0, 1, 256)[:, None, None], atol=1e-5)


def test_the_upper_row_bites_before_the_lower():
    over = crop(teeth(lower=(0, 45)))  # brought up, behind the upper row
    upper = crop(teeth(lower=AWAY))
    solid = np.zeros((256, 256), bool)
    solid[UPPER[0] : UPPER[0] + UPPER[1], LEFT : LEFT + WIDTH] = atlas(1)[0][..., 3] == 1
    hidden = solid & (np.abs(crop(teeth(AWAY, (0, 45))) - upper).max(-1) > 0.1)
    assert hidden.sum() > 200
    np.testing.assert_allclose(over[solid], upper[solid], atol=1e-6)


@pytest.mark.parametrize("zoom", [1.5, 2, 3, 4, 5, 8])
def test_every_zoom_shows_the_same_picture(zoom):
    """Drawn large and brought down by areas it is what is drawn small, but for the sampling's own softness."""
    flows = {"upper": (1.3, -0.6), "lower": (-0.7, 20.4)}
    side = round(256 * zoom)
    large = lay(np.full((side, side, 3), 0.1, np.float32), places(zoom), teeth(**flows, shape=(side, side)), zoom)
    back = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    small = crop(teeth(**flows), 0.1)
    box = slice(130, 190), slice(80, 176)
    away = np.abs(back - small)
    assert away[box].mean() < 0.012 and away.max() < 0.2
    shifted = np.abs(back - np.roll(small, 1, axis=1))
    assert shifted[box].mean() > 2 * away[box].mean()  # half a pixel would show


def test_more_zoom_shows_more():
    """The drawing is used as fine as it is needed: the sharpest edge of teeth grows with the zoom up to its density."""
    slopes = []
    for zoom in (1, 2, 4, 8):
        steps = places(zoom)[round(150 * zoom) : round(156 * zoom), round(100 * zoom) : round(156 * zoom)]
        out = lay(np.zeros((*steps.shape[:2], 3), np.float32), steps, teeth(shape=steps.shape[:2]), zoom)
        slopes.append(np.abs(np.diff(out[..., 0], axis=1)).max() * zoom)
    assert slopes == sorted(slopes) and slopes[3] > 2 * slopes[0]


def test_a_missing_or_damaged_drawing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(dentition, "ATLAS", tmp_path / "teeth.png")
    try:
        for content in (None, b"no picture", cv2.imencode(".png", np.zeros((784, 800, 3), np.uint8))[1].tobytes()):
            if content is not None:
                (tmp_path / "teeth.png").write_bytes(content)
            atlas.cache_clear()
            with pytest.raises(Exception, match=r"teeth\.png.* is missing or damaged"):
                atlas()
    finally:
        atlas.cache_clear()
