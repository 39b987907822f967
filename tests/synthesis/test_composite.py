import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.synthesis import composite as module
from mien.synthesis.composite import composite
from mien.synthesis.maps import Maps

SEEDS = st.integers(0, 99)
TURNS = st.floats(-3.2, 3.2)
ZOOMS = st.floats(0.15, 6)


def noise(height: int, width: int, seed: int = 0, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (height, width, 3)).astype(dtype)


def maps(flow=(0, 0), shading=0.0, paint=0.5, alpha=0.0, window=None) -> Maps:
    """Constant maps, times a window (256, 256) where one is given."""
    window = np.ones((256, 256), np.float32) if window is None else window
    return Maps(
        (window[..., None] * flow).astype(np.float32),
        (window * shading).astype(np.float32),
        np.full((256, 256, 3), paint, np.float32),
        (window * alpha).astype(np.float32),
    )


def similarity(x: float, y: float, zoom: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """Photo px -> crop px: the crop's centre lies at (x, y), `zoom` photo px a crop px."""
    linear = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))]) / zoom
    return np.column_stack([linear, np.array([127.5, 127.5]) - linear @ (x, y)])


def disc(radius: float = 60) -> np.ndarray:
    y, x = np.mgrid[:256, :256]
    t = np.clip((radius - np.hypot(x - 127.5, y - 127.5)) / 20, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def distances(shape: tuple[int, ...], transform: np.ndarray) -> np.ndarray:
    """Each photo pixel's distance from the crop's centre, in crop px."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    crop = np.stack([x, y], axis=-1) @ transform[:, :2].T + transform[:, 2]
    return np.linalg.norm(crop - 127.5, axis=-1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, TURNS, ZOOMS, st.floats(-100, 300), st.floats(-100, 300), st.sampled_from([np.uint8, np.uint16]))
def test_nothing_to_do_changes_nothing(seed, turn, zoom, x, y, dtype):
    pixels = noise(200, 170, seed, dtype)
    result = composite(pixels, maps(), similarity(x, y, zoom, turn))
    assert result is not pixels and result.dtype == dtype and np.array_equal(result, pixels)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0, 6.3), st.floats(0, 1))
def test_what_cannot_be_seen_is_nothing(seed, angle, share):
    faint = maps(
        flow=np.array([np.cos(angle), np.sin(angle)]) * 0.0199 * share,
        shading=share / 513,
        alpha=share / 513,
    )
    pixels = noise(200, 170, seed)
    assert np.array_equal(composite(pixels, faint, similarity(80, 90, 3.0)), pixels)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(-12, 12), st.integers(-12, 12), st.sampled_from([np.uint8, np.uint16]))
def test_whole_steps_are_an_exact_translation(seed, dx, dy, dtype):
    pixels = noise(300, 300, seed, dtype)
    result = composite(pixels, maps(flow=(dx, dy)), similarity(149.5, 149.5))
    inside = slice(40, 260)
    assert np.array_equal(result[inside, inside], np.roll(pixels, (-dy, -dx), axis=(0, 1))[inside, inside])


@pytest.mark.parametrize(("zoom", "turn"), [(4.0, 0.0), (2.0, np.pi / 2), (1.0, np.pi), (0.5, -np.pi / 2)])
def test_flow_turns_and_scales_with_the_face(zoom, turn):
    pixels = noise(300, 300)
    transform = similarity(149.5, 149.5, zoom, turn)
    result = composite(pixels, maps(flow=(4, 2)), transform)
    dx, dy = np.rint(np.linalg.inv(transform[:, :2]) @ (4, 2)).astype(int)
    reach = int(60 * min(1, zoom))
    inside = slice(150 - reach, 150 + reach)
    moved = np.roll(pixels, (-dy, -dx), axis=(0, 1))[inside, inside]
    assert np.abs(result[inside, inside].astype(int) - moved).max() <= 1


@settings(max_examples=40, deadline=None)
@given(SEEDS, TURNS, ZOOMS, st.floats(-60, 320), st.floats(-60, 320))
def test_pixels_outside_the_edit_are_identical(seed, turn, zoom, x, y):
    pixels = noise(260, 240, seed)
    transform = similarity(x, y, zoom, turn)
    edit = maps(flow=(5, -4), shading=0.3, alpha=0.6, window=disc())
    result = composite(pixels, edit, transform)
    away = distances(pixels.shape, transform) > 60 + 2 + 4 / zoom
    assert np.array_equal(result[away], pixels[away])
    if x > 20 and y > 20 and x < 220 and y < 240:
        assert not np.array_equal(result, pixels)


def test_shading_and_paint_are_the_formula():
    pixels = noise(300, 300)
    transform = similarity(149.5, 149.5)
    edit = maps(shading=-0.4, paint=0.25, alpha=0.3)
    wanted = np.rint(pixels * np.exp(-0.4) * 0.7 + 0.25 * 255 * 0.3)
    assert np.abs(composite(pixels, edit, transform)[40:260, 40:260] - wanted[40:260, 40:260]).max() <= 1
    deep = noise(300, 300, dtype=np.uint16)
    wanted = np.rint(deep * np.exp(-0.4) * 0.7 + 0.25 * 65535 * 0.3)
    assert np.abs(composite(deep, edit, transform)[40:260, 40:260] - wanted[40:260, 40:260]).max() <= 1


def test_values_stay_in_range():
    pixels = noise(256, 256)
    bright = composite(pixels, maps(shading=3.0), similarity(127.5, 127.5))
    assert bright[128, 128].max() == 255 and (bright.astype(int)[1:-1, 1:-1] >= pixels[1:-1, 1:-1]).all()


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_a_photo_twice_as_large_gives_an_edit_twice_as_large(turn):
    small = cv2.GaussianBlur(noise(300, 300), (0, 0), 6)
    small = cv2.normalize(small, None, 0, 255, cv2.NORM_MINMAX)
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    edit = maps(flow=(6, 4), shading=-0.2, paint=0.4, alpha=0.4, window=disc())
    at_small = composite(small, edit, similarity(149.5, 149.5, 1.0, turn))
    at_large = composite(large, edit, similarity(299.5, 299.5, 2.0, turn))
    back = cv2.resize(at_large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    difference = np.abs(back.astype(int) - at_small)
    assert difference.mean() < 0.8 and difference.max() <= 8
    assert np.abs(at_small.astype(int) - small).max() > 40  # there is something to compare


def test_enlarged_maps_are_smooth():
    """A coarse random shading at 8 times its size shows no blocks: neighbours differ by little, at borders too."""
    window = disc(100) * (0.2 + 0.2 * np.random.default_rng(0).random((256, 256)).astype(np.float32))
    flat = np.full((2048, 2048, 3), 40_000, np.uint16)
    result = composite(flat, maps(shading=1.0, window=window), similarity(1023.5, 1023.5, 8.0))[900:1100, 900:1100, 0]
    slope = np.abs(np.diff(result.astype(float), axis=1))
    bend = np.abs(np.diff(result.astype(float), n=2, axis=1))
    assert slope.max() > 50  # it does vary
    assert bend.max() < 0.35 * slope.max()  # blocks would give bends as large as the steps


def test_tiles_do_not_show(monkeypatch):
    pixels = noise(400, 400)
    edit = maps(flow=(7, -9), shading=0.2, alpha=0.4, window=disc(100))
    transform = similarity(190, 210, 1.7, 0.3)
    whole = composite(pixels, edit, transform)
    monkeypatch.setattr(module, "TILE", 37)
    difference = np.abs(composite(pixels, edit, transform).astype(int) - whole)
    # OpenCV takes positions to a 32nd of a pixel, so where the sum rounds the other way noise shows it a little
    assert difference.mean() < 0.2


def test_a_face_outside_the_photo_is_no_error():
    pixels = noise(100, 100)
    edit = maps(flow=(5, 5), shading=0.3, alpha=0.5)
    for x, y in ((-5000, 50), (50, 9000), (-130, -130), (230, 50)):
        composite(pixels, edit, similarity(x, y))
    assert not np.array_equal(composite(pixels, edit, similarity(-60, 50)), pixels)


def test_a_panorama_is_wider_than_opencv_can_remap():
    pixels = np.zeros((60, 40_000, 3), np.uint8)
    pixels[:, ::7] = 200
    result = composite(pixels, maps(flow=(3, 0)), similarity(39_000, 30))
    assert np.array_equal(result[20:40, 38_950:39_050], np.roll(pixels, -3, axis=1)[20:40, 38_950:39_050])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_photo_takes_little_more_memory_than_itself():
    def peak() -> int:
        line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    pixels = np.zeros((4000, 6000, 3), np.uint8)
    pixels[::2] = 99
    before = peak()
    composite(pixels, maps(flow=(5, 5), shading=0.3, alpha=0.5, window=disc(110)), similarity(3000, 2000, 10.0))
    assert peak() - before < pixels.nbytes + 160e6
