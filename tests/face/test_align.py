"""Alignment: known answers and properties."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.face.align import CANONICAL, CORNERS, SIZE, apply, crop, crop_transform, invert, scale, umeyama, warp

finite = st.floats(-500, 500, allow_nan=False)
similarities = st.tuples(st.floats(0.02, 30), st.floats(-np.pi, np.pi), st.floats(-4000, 4000), st.floats(-4000, 4000))
spread_points = st.lists(st.tuples(finite, finite), min_size=3, max_size=70).map(np.array)


def similarity(parts: tuple[float, float, float, float]) -> np.ndarray:
    zoom, angle, dx, dy = parts
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    return np.array([(c, -s, dx), (s, c, dy)])


@given(spread_points, similarities)
def test_a_similarity_is_recovered(points: np.ndarray, parts: tuple[float, float, float, float]) -> None:
    if np.ptp(points, axis=0).max() < 1:
        return
    move = similarity(parts)
    np.testing.assert_allclose(apply(umeyama(points, apply(move, points)), points), apply(move, points), atol=1e-6)


@given(similarities)
def test_the_inverse_is_exact(parts: tuple[float, float, float, float]) -> None:
    move = similarity(parts)
    points = np.array([(0.0, 0.0), (255.0, 255.0), (13.5, -700.25)])
    np.testing.assert_allclose(apply(invert(move), apply(move, points)), points, atol=1e-7)
    assert scale(move) == pytest.approx(parts[0])


@given(similarities)
def test_a_moved_face_has_the_same_crop(parts: tuple[float, float, float, float]) -> None:
    move = similarity(parts)
    face = CANONICAL + np.array([(1, 0), (0, -2), (0, 1), (-1, 1), (2, 3)])
    still, moved = crop_transform(face), crop_transform(apply(move, face))
    np.testing.assert_allclose(apply(moved, apply(move, face)), apply(still, face), atol=1e-6)


def test_the_mean_face_stays_where_it_is() -> None:
    np.testing.assert_allclose(crop_transform(CANONICAL), np.eye(2, 3), atol=1e-12)
    points = np.zeros((68, 2))
    points[list(CORNERS)] = CANONICAL
    np.testing.assert_allclose(crop_transform(points), np.eye(2, 3), atol=1e-12)


def test_a_similarity_never_mirrors() -> None:
    mirrored = CANONICAL * (-1, 1)
    assert np.linalg.det(crop_transform(mirrored)[:, :2]) > 0


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2)), np.zeros((68, 3))])
def test_points_without_a_similarity_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"points|landmarks"):
        crop_transform(bad)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_the_identity_crop_is_the_photo(kind: type, channels: tuple[int, ...]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, *channels)).astype(kind)
    result = crop(photo, np.eye(2, 3))
    assert result.dtype == kind
    np.testing.assert_array_equal(result.reshape(photo.shape), photo)


@pytest.mark.parametrize("zoom", [0.2, 0.3, 0.6, 0.9, 1.0, 1.7, 4.0])
def test_a_ramp_stays_a_ramp_at_its_place(zoom: float) -> None:
    """A linear image keeps its values under any resampling without shift, however much it shrinks."""
    side = int(600 / zoom)
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    move = similarity((zoom, 0.3, 30.0, -80.0))
    result = crop(xs + 2 * ys, move)
    seen = apply(invert(move), np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1).astype(float))
    wanted = seen @ (1, 2)
    inside = ((seen > 3 / zoom) & (seen < side - 3 / zoom)).all(axis=-1)
    assert inside.sum() > 20000
    assert np.abs(result - wanted)[inside].max() < 0.1 / zoom + 0.25  # OpenCV steps in 1/32 px


@pytest.mark.parametrize("zoom", [0.1, 0.24, 0.4])
def test_shrinking_averages_and_does_not_alias(zoom: float) -> None:
    side = int(400 / zoom)
    ys, xs = np.mgrid[0:side, 0:side]
    board = (((xs + ys) % 2) * 255).astype(np.uint8)
    result = crop(board, similarity((zoom, 0.2, 20, -20)))[40:-40, 40:-40].astype(float)
    assert np.abs(result - 127.5).max() < 8


def test_beyond_the_border_the_photo_is_mirrored() -> None:
    photo = np.arange(100, dtype=np.uint8).reshape(10, 10)
    result = warp(photo, np.array([(1.0, 0, 3), (0, 1, 2)]), (16, 14))
    np.testing.assert_array_equal(result[2:12, 3:13], photo)
    np.testing.assert_array_equal(result[2:12, :3], photo[:, 3:0:-1])


def test_another_size_scales_the_frame() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (SIZE, SIZE)).astype(np.float32)
    photo = cv2.GaussianBlur(noise, (0, 0), 3, borderType=cv2.BORDER_REFLECT_101) * 1000
    half = crop(photo, np.eye(2, 3), size=SIZE // 2)
    blocks = photo.reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
    assert np.abs(half - blocks).mean() < 0.06 * photo.std()
