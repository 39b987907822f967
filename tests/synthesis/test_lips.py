"""Lips that close: what the flow squeezes is cut out, the lips meet in a line, and nothing else changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.synthesis.composite import composite
from mien.synthesis.lips import LINE, close
from mien.synthesis.maps import Maps

MIDDLE, ROW = 127.5, 186.0  # of the mouth, crop px of 256


def inner(half: float = 30.0, high: float = 9.0, x: float = MIDDLE) -> np.ndarray:
    """(8, 2) landmarks 60 to 67, crop px of 256: an opening 2 `half` px wide and 2 `high` px high."""
    points = [(-half, 0), (-half / 2, -0.75 * high), (0, -high), (half / 2, -0.75 * high), (half, 0)]
    points += [(half / 2, 0.75 * high), (0, high), (-half / 2, 0.75 * high)]
    return np.array(points) + (x, ROW)


def here(size: int) -> tuple[np.ndarray, np.ndarray]:
    """(x, y), each (size, size), in crop px of 256."""
    y, x = (np.mgrid[:size, :size] + 0.5) * (256 / size) - 0.5
    return x, y


def rims(x: np.ndarray, lips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(upper, lower) rows of the inner lips at columns x."""
    return np.interp(x, lips[:5, 0], lips[:5, 1]), np.interp(x, lips[[0, 7, 6, 5, 4], 0], lips[[0, 7, 6, 5, 4], 1])


def squeeze(size: int, lips: np.ndarray, share: float, reach: float = 30.0) -> np.ndarray:
    """(size, size, 2) float32 flow that leaves `share` of an opening's height, crop px of 256.

    Within the rims it is linear, beyond them it fades to nothing over `reach` px.
    """
    x, y = here(size)
    upper, lower = rims(x, lips)
    middle, half = (upper + lower) / 2, (lower - upper) / 2
    t = y - middle
    outside = np.maximum(np.abs(t) - share * half, 0)
    dy = np.where(
        np.abs(t) < share * half, t / share - t, np.sign(t) * half * (1 - share) * np.clip(1 - outside / reach, 0, 1)
    )
    return np.dstack([0 * dy, dy]).astype(np.float32)


def nothing(size: int = 256) -> np.ndarray:
    return np.zeros((size, size), np.float32)


def whole(lips: np.ndarray, size: int, aside: float = 12.0) -> np.ndarray:
    """The columns further than `aside` px of 256 from either corner."""
    x = here(size)[0][0]
    return np.flatnonzero((x > lips[0, 0] + aside) & (x < lips[4, 0] - aside))


def unchanged(flow: np.ndarray, alpha: np.ndarray, lips: np.ndarray) -> bool:
    shading = np.random.default_rng(0).normal(0, 0.1, alpha.shape).astype(np.float32)
    before = flow.copy(), shading.copy(), alpha.copy()
    result = close(flow, shading, alpha, lips)
    return all(
        np.array_equal(a, b) for a, b in zip((*result, flow, shading, alpha), (*before[:2], *before), strict=True)
    )


def test_the_landmarks_here_are_where_lips_can_be():
    x, y = inner().T
    assert y.min() > 0.6 * 256 and y.max() < 0.85 * 256 and x.min() > 0.3 * 256 and x.max() < 0.7 * 256


@settings(max_examples=15)
@given(st.floats(0.85, 1.5), st.floats(4, 14), st.floats(15, 33), st.floats(-4, 4), st.floats(-4, 4))
def test_an_opening_that_is_kept_stays(share, high, half, dx, dy):
    """Whether it lies still, moves, opens further, or closes by a little."""
    lips = inner(half, high)
    assert unchanged(squeeze(256, lips, share) + np.float32([dx, dy]), nothing(), lips)
    assert unchanged(np.tile(np.float32([dx, dy]), (256, 256, 1)), nothing(), lips)


@settings(max_examples=15)
@given(st.floats(-1, 0.7), st.floats(0.1, 0.6), st.integers(0, 99))
def test_closed_lips_stay(high, share, seed):
    """Whatever the flow: there is no opening to cut out (landmarks may even cross)."""
    flow = squeeze(256, inner(30, 8), share) + np.random.default_rng(seed).normal(0, 1, (256, 256, 2))
    assert unchanged(flow.astype(np.float32), nothing(), inner(30, high))


def test_a_painted_mouth_stays():
    lips = inner()
    flow = squeeze(256, lips, 0.3)
    assert not unchanged(flow, nothing(), lips)
    x, y = here(256)
    upper, lower = rims(x, lips)
    assert unchanged(flow, ((y > upper - 4) & (y < lower + 4)).astype(np.float32), lips)
    assert unchanged(flow, nothing() + 1, lips)


@pytest.mark.parametrize("size", [256, 512, 1024])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_nothing_of_the_opening_is_left(size, share):
    """The squeezed flow shows all of it; afterwards each pixel comes from a lip or from beyond it."""
    lips, (x, y) = inner(), here(size)
    flow = squeeze(size, lips, share)
    moved, _ = close(flow, nothing(size), nothing(size), lips)
    columns = whole(lips, size)

    def shown(field: np.ndarray) -> np.ndarray:
        """How deep within the opening each pixel's source lies, in crop px; negative beyond it."""
        upper, lower = rims(x + field[..., 0], lips)
        at = y + field[..., 1]
        return np.minimum(at - upper, lower - at)[:, columns]

    assert shown(flow).max() > 3.9 and (shown(flow) > 0.5).any(axis=0).all()
    assert shown(moved).max() < 0.05


@pytest.mark.parametrize("size", [256, 1024])
def test_lips_go_on_up_to_the_line(size):
    """Sources fall steadily down each column, at nearly a pixel a pixel, but for one leap at the mouth's middle."""
    lips, (_, y) = inner(), here(size)
    moved, shading = close(squeeze(size, lips, 0.3), nothing(size), nothing(size), lips)
    source = y + moved[..., 1]
    for column in whole(lips, size):
        steps = np.diff(source[:, column]) * size / 256
        leap = int(steps.argmax())
        upper, lower = rims(np.array((column + 0.5) * 256 / size - 0.5), lips)
        assert steps[leap] * 256 / size > lower - upper and abs(y[leap, 0] + 128 / size - ROW) < 1.01
        assert source[leap, column] < upper + 0.05 and source[leap + 1, column] > lower - 0.05
        assert abs(shading[:, column].argmin() - leap - 0.5) < 1.1
        others = np.delete(steps, leap)
        assert others.min() > 0.2 and others.max() < 1.2


@pytest.mark.parametrize("size", [256, 1024])
def test_the_line_is_dark_and_thin(size):
    """Known answer: a log darkening of `LINE` at the middle of the mouth, none 3 crop px from it."""
    lips, (_, y) = inner(), here(size)
    shading = np.random.default_rng(0).normal(0, 0.1, (size, size)).astype(np.float32)
    _, after = close(squeeze(size, lips, 0.3), shading, nothing(size), lips)
    line = after - shading
    columns = whole(lips, size)
    assert line.max() < 1e-6 and not line[np.abs(y - ROW) > 5.2].any()
    assert np.abs(line[np.abs(y - ROW) > 3.5]).max() < 0.002
    deepest = line[:, columns].min(0)
    assert (deepest >= -LINE - 1e-6).all() and (deepest < -0.7 * LINE).all()  # a pixel's middle may lie beside it


@settings(max_examples=15)
@given(st.floats(0.05, 0.6), st.floats(4, 12), st.floats(14, 32), st.sampled_from([256, 400]))
def test_nothing_changes_beyond_the_corners_nor_far_from_the_lips(share, high, half, size):
    lips, (x, y) = inner(half, high), here(size)
    flow, shading = squeeze(size, lips, share), nothing(size) + 0.05
    before = flow.copy()
    moved, after = close(flow, shading, nothing(size), lips)
    away = (x < lips[0, 0] - 3.5) | (x > lips[4, 0] + 3.5) | (np.abs(y - ROW) > share * high + 9)
    assert np.array_equal(moved[away], flow[away]) and np.array_equal(after[away], shading[away])
    assert not np.array_equal(moved, flow) and np.array_equal(flow, before) and (shading == np.float32(0.05)).all()
    assert moved.dtype == after.dtype == np.float32 and moved.shape == flow.shape
    assert np.isfinite(moved).all() and np.isfinite(after).all()


@settings(max_examples=10)
@given(st.floats(0.05, 0.9), st.floats(4, 12), st.floats(15, 30), st.floats(124, 131), st.sampled_from([256, 1024]))
def test_a_mirrored_mouth_closes_as_in_a_mirror(share, high, half, x, size):
    lips = inner(half, high, x)
    lips[[2, 6], 0] += 3  # not symmetric itself
    flow = squeeze(size, lips, share)
    flow[..., 0] += 1.5
    moved, shading = close(flow, nothing(size), nothing(size), lips)
    mirror = np.float32([-1, 1])
    back, light = close(
        (flow[:, ::-1] * mirror).copy(),
        nothing(size),
        nothing(size),
        (lips * (-1, 1) + (255, 0))[[4, 3, 2, 1, 0, 7, 6, 5]],
    )
    off = np.abs(here(size)[1] - ROW) > 256 / size  # a row that the line runs along may be either lip's
    np.testing.assert_allclose((back[:, ::-1] * mirror)[off], moved[off], atol=1e-3)
    np.testing.assert_allclose(light[:, ::-1], shading, atol=1e-4)


@pytest.mark.parametrize("share", [0.2, 0.45])
def test_size_only_scales(share):
    lips = inner()
    small, small_light = close(squeeze(256, lips, share), nothing(), nothing(), lips)
    large, large_light = close(squeeze(1024, lips, share), nothing(1024), nothing(1024), lips)
    mean = large.reshape(256, 4, 256, 4, 2).mean((1, 3))
    apart = np.abs(mean - small).max(-1)
    columns, away = whole(lips, 256), np.abs(here(256)[1] - ROW) > 1.6  # from the line, which is a row's edge
    assert apart[:, columns][away[:, columns]].max() < 1.5  # the lips' rims are found to a row
    change = np.abs(small - squeeze(256, lips, share)).max(-1)
    assert apart[away].mean() < 0.3 * change[away].mean() and change.max() > 3
    light = large_light.reshape(256, 4, 256, 4).mean((1, 3)).sum(0), small_light.sum(0)
    np.testing.assert_allclose(light[0][columns], light[1][columns], rtol=0.05)  # as much darkness, however fine


def test_half_closed_is_half_way():
    """The cut sets in smoothly as an opening keeps less and less of its height."""
    lips = inner()
    line = [-close(squeeze(256, lips, s), nothing(), nothing(), lips)[1].min() for s in (0.9, 0.72, 0.68, 0.64, 0.4)]
    assert line[0] == 0 and line == sorted(line) and 0 < line[2] < 0.9 * line[4]


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([32, 64, 256]), st.floats(0, 40))
def test_no_flow_and_no_landmarks_make_it_fail(seed, size, strong):
    rng = np.random.default_rng(seed)
    flow = cv2.GaussianBlur(rng.normal(0, strong, (size, size, 2)), (0, 0), rng.uniform(0.3, 6)).astype(np.float32)
    lips = inner(rng.uniform(0, 60), rng.uniform(-5, 25)) + rng.normal(0, rng.choice([0, 5, 60]), (8, 2))
    for result in close(flow, nothing(size), rng.random((size, size)).astype(np.float32), lips):
        assert np.isfinite(result).all()


def smile(size: int, transform: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """A photo (size, size, 3) uint8: red lips, and white in the opening between them."""
    y, x = np.mgrid[:size, :size]
    at = np.stack([x, y], axis=-1) @ transform[:, :2].T + transform[:, 2]
    upper, lower = rims(at[..., 0], lips)
    photo = np.full((size, size, 3), (150, 40, 40), np.uint8)
    photo[(at[..., 1] > upper) & (at[..., 1] < lower)] = 255
    return photo


def similarity(zoom: float, turn: float, size: int) -> np.ndarray:
    """Photo px -> px of the 256 px crop, whose middle is that of a photo of `size` px."""
    linear = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))]) / zoom
    return np.column_stack([linear, np.array([127.5, 127.5]) - linear @ ((size - 1) / 2, (size - 1) / 2)])


@pytest.mark.parametrize(
    ("zoom", "turn", "size"), [(1, 0, 256), (2.4, 0.3, 256), (5, -0.8, 256), (2, 0.2, 512), (0.7, 1, 256)]
)
def test_a_photo_s_teeth_go_when_its_lips_close(zoom, turn, size):
    """Landmarks come in the photo's px, flow in the maps' own: whatever the frames, at most a thread is left."""
    side = round(256 * zoom) + 40
    lips, k = inner(high=10), size / 256
    to_crop = similarity(zoom, turn, side)
    photo = smile(side, to_crop, lips)
    inverse = np.linalg.inv(to_crop[:, :2])
    in_photo = (lips - to_crop[:, 2]) @ inverse.T
    maps = Maps(
        squeeze(size, lips, 0.3) * np.float32(k), nothing(size), np.zeros((size, size, 3), np.float32), nothing(size)
    )
    transform = np.column_stack([to_crop[:, :2] * k, to_crop[:, 2] * k + (k - 1) / 2])
    y, x = np.mgrid[:side, :side]
    at = np.stack([x, y], axis=-1) @ to_crop[:, :2].T + to_crop[:, 2]
    middle = (np.abs(at[..., 0] - MIDDLE) < 17) & (np.abs(at[..., 1] - ROW) < 30)
    squeezed, closed = (composite(photo, maps, transform, lips=known)[..., 1] for known in (None, in_photo))
    columns = 34 * zoom
    assert (squeezed[middle] > 100).sum() > 4 * zoom * columns
    # between two rows of the flow a pixel on the line may still lie half way from lip to lip
    assert (closed[middle] > 100).sum() < 0.1 * columns
    assert not (closed > 100)[middle & (np.abs(at[..., 1] - ROW) > 1.3)].any()
    if (zoom, turn) == (1, 0):
        assert closed[middle].max() < 60
    far = (np.abs(at[..., 0] - MIDDLE) > 36) | (np.abs(at[..., 1] - ROW) > 20)
    assert np.array_equal(squeezed[far], closed[far])


def test_without_landmarks_nothing_is_cut(monkeypatch):
    """lips=None never asks; and where there is nothing to close the landmarks make no difference."""
    lips = inner()
    photo = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    transform = np.eye(2, 3)
    kept, squeezed = (
        Maps(squeeze(256, lips, share), nothing() - 0.1, np.zeros((256, 256, 3), np.float32), nothing())
        for share in (0.9, 0.3)
    )
    np.testing.assert_array_equal(composite(photo, kept, transform, lips), composite(photo, kept, transform))
    assert not np.array_equal(composite(photo, squeezed, transform, lips), composite(photo, squeezed, transform))
    y, x = np.mgrid[:256, :256].astype(np.float32)
    plain = cv2.remap(
        photo.astype(np.float32), x + squeezed.flow[..., 0], y + squeezed.flow[..., 1], cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    wanted = np.rint(np.clip(plain * np.exp(np.float32(-0.1)), 0, 255))
    strong = np.abs(squeezed.flow[..., 1]) > 0.2
    away = np.abs(composite(photo, squeezed, transform).astype(int) - wanted)[strong]
    assert strong.sum() > 1000 and away.max() <= 1

    def refuse(*_: object) -> None:
        raise AssertionError("lips were closed without landmarks")

    monkeypatch.setattr("mien.synthesis.composite.close", refuse)
    composite(photo, squeezed, transform)
    with pytest.raises(AssertionError):
        composite(photo, squeezed, transform, lips)
