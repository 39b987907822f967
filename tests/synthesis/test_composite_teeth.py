"""Teeth in the photo: drawn at its own resolution they are the teeth of the crop, wherever and however it lies."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.synthesis import composite as module
from mien.synthesis.composite import composite
from mien.synthesis.dentition import ENAMEL, Teeth, lay
from mien.synthesis.maps import Maps

BOX = slice(140, 180), slice(92, 164)  # rows and columns of the crop with teeth in them


def crop_maps(size: int = 256, alpha: float = 1.0, bent: bool = True) -> Maps:
    """Maps that open a mouth on both rows, moved and lit unevenly; all that is not alpha changes nothing."""
    k = size / 256
    steps = ((np.arange(size) + 0.5) / k - 0.5).astype(np.float32)
    x, y = np.meshgrid(steps, steps)
    inside = np.clip(1.6 - np.hypot((x - 127.5) / 34, (y - 160) / 20), 0, 1)
    upper = np.stack([0.06 * (x - 127.5) * bent, 0.02 * (y - 150) - 1.3 * bent], axis=-1)
    lower = np.stack([-0.04 * (x - 127.5) * bent, 0 * y - 6.4 * bent], axis=-1)
    light = np.clip(0.6 + (x - 90) / 200, 0.3, 1.2)[..., None] * ENAMEL
    return Maps(
        flow=np.zeros((size, size, 2), np.float32),
        shading=np.zeros((size, size), np.float32),
        paint=np.broadcast_to(np.float32([0.12, 0.05, 0.04]), (size, size, 3)).copy(),
        alpha=(alpha * inside).astype(np.float32),
        teeth=Teeth((upper * k).astype(np.float32), (lower * k).astype(np.float32), light.astype(np.float32)),
    )


def crop_picture(maps: Maps, photo: np.ndarray) -> np.ndarray:
    """The formula of `Maps` on an aligned crop (256, 256, 3) in [0, 1]: the answer that `composite` should give."""
    at = np.stack(np.meshgrid(np.arange(256.0), np.arange(256.0)), axis=-1)
    alpha = maps.alpha[..., None]
    return photo * (1 - alpha) + lay(maps.paint, at, maps.teeth) * alpha


def similarity(x: float, y: float, zoom: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """Photo px -> crop px: the crop's centre lies at (x, y), `zoom` photo px a crop px."""
    linear = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))]) / zoom
    return np.column_stack([linear, np.array([127.5, 127.5]) - linear @ (x, y)])


def flat(side: int, dtype: type = np.uint8) -> np.ndarray:
    return np.full((side, side, 3), 0.6 * np.iinfo(dtype).max).astype(dtype)


def test_at_the_crop_s_own_size_it_is_the_formula():
    photo = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    maps = crop_maps()
    result = composite(photo, maps, np.eye(2, 3))
    wanted = crop_picture(maps, photo / 255)
    away = np.abs(result / 255 - wanted)
    clear = (maps.alpha == 0) | (maps.alpha > 1 / 64)  # between lies what is faded to nothing
    assert away[clear].max() < 0.6 / 255
    bare = composite(photo, Maps(maps.flow, maps.shading, maps.paint, maps.alpha), np.eye(2, 3))
    assert (np.abs(result.astype(int) - bare)[BOX] > 60).mean() > 0.2  # there are teeth


@pytest.mark.parametrize(("zoom", "mean"), [(2, 0.01), (3, 0.01), (4, 0.01), (8, 0.01)])
def test_a_large_photo_brought_down_is_the_crop(zoom, mean):
    side = 256 * zoom
    maps = crop_maps()
    photo = flat(side)
    large = composite(photo, maps, similarity((side - 1) / 2, (side - 1) / 2, zoom))
    back = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA) / 255
    wanted = crop_picture(maps, np.full((256, 256, 3), photo[0, 0] / 255))
    away = np.abs(back - wanted)
    assert away[BOX].mean() < mean and away.max() < 0.15
    for axis in (0, 1):  # an offset of a crop px would show
        assert np.abs(back - np.roll(wanted, 1, axis=axis))[BOX].mean() > 2.5 * away[BOX].mean()


@pytest.mark.parametrize("zoom", [0.3, 0.5, 0.7])
def test_a_small_photo_shows_them_small(zoom):
    side = round(256 * zoom)
    maps = crop_maps()
    small = composite(flat(side), maps, similarity((side - 1) / 2, (side - 1) / 2, side / 256)) / 255
    wanted = crop_picture(maps, np.full((256, 256, 3), flat(1)[0, 0] / 255)).astype(np.float32)
    wanted = cv2.resize(wanted, (side, side), interpolation=cv2.INTER_AREA)
    box = tuple(slice(round(s.start * side / 256), round(s.stop * side / 256)) for s in BOX)
    away = np.abs(small - wanted)
    assert away[box].mean() < 0.06 and np.abs(small[box].mean((0, 1)) - wanted[box].mean((0, 1))).max() < 0.03
    assert np.abs(wanted - flat(1)[0, 0, 0] / 255)[box].mean() > 0.15


def test_a_large_photo_has_finer_teeth_than_the_crop():
    """At 8 photo px a crop px their edges are steeper than any enlargement of the crop's could be."""
    maps = crop_maps(bent=False)
    large = composite(flat(2048, np.uint16), maps, similarity(1023.5, 1023.5, 8)) / 65535
    at_crop = crop_picture(maps, np.full((256, 256, 3), 0.6)).astype(np.float32)
    blown = cv2.resize(at_crop, (2048, 2048), interpolation=cv2.INTER_CUBIC)
    box = slice(150 * 8, 157 * 8), slice(110 * 8, 146 * 8)
    steepest = [np.abs(np.diff(image[box], axis=1)).max() for image in (large, blown)]
    assert steepest[0] > 2 * steepest[1]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_teeth_turn_with_the_face(quarters):
    """A photo turned by quarters gives the edit turned by quarters, exactly but for rounding."""
    photo = np.random.default_rng(1).integers(0, 256, (420, 420, 3)).astype(np.uint8)
    maps, transform = crop_maps(), similarity(205.0, 214.0, 1.5, 0.2)
    plain = composite(photo, maps, transform)
    turned = np.rot90(photo, quarters)
    where = np.eye(3)
    for _ in range(quarters):  # pixel (x, y) goes to (y, side - 1 - x): the way back is composed
        where = where @ np.array([(0, -1, 419), (1, 0, 0), (0, 0, 1)])
    assert np.array_equal(turned[7, 11], photo[tuple((where @ (11, 7, 1))[[1, 0]].astype(int))])
    result = composite(np.ascontiguousarray(turned), maps, (np.vstack([transform, (0, 0, 1)]) @ where)[:2])
    away = np.abs(result.astype(int) - np.rot90(plain, quarters))
    assert np.percentile(away, 99.9) <= 2 and away.max() <= 12  # positions are rounded to 32nds the other way
    assert (plain != photo).any(-1).mean() > 0.01


@pytest.mark.parametrize("size", [192, 512])
def test_maps_of_another_size_show_the_same_teeth(size):
    """The rows' flows are in px of the maps' own crop."""
    photo = flat(768)
    plain = composite(photo, crop_maps(), similarity(383.5, 383.5, 3))
    k = size / 256
    to_size = similarity(383.5, 383.5, 3) * k
    to_size[:, 2] += (k - 1) / 2
    other = composite(photo, crop_maps(size), to_size)
    away = np.abs(other.astype(int) - plain)
    assert away.mean() < 0.5 and np.percentile(away, 99.9) < 25
    assert np.abs(plain.astype(int) - photo).mean() > 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("zoom", [0.6, 1.0, 2.7])
def test_without_alpha_there_are_no_teeth(dtype, zoom):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, np.iinfo(dtype).max + 1, (300, 300, 3)).astype(dtype)
    transform = similarity(150, 140, zoom)
    none = crop_maps(alpha=0.0)
    assert np.array_equal(composite(photo, none, transform), photo)
    shaded = Maps(none.flow, crop_maps().alpha * np.float32(-0.3), none.paint, none.alpha, none.teeth)
    bare = Maps(shaded.flow, shaded.shading, shaded.paint, shaded.alpha)
    result = composite(photo, shaded, transform)
    assert np.array_equal(result, composite(photo, bare, transform)) and not np.array_equal(result, photo)


def test_teeth_beyond_the_opening_are_not_drawn():
    photo = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    maps = crop_maps()
    result = composite(photo, maps, similarity(255.5, 255.5, 2))
    reach = cv2.dilate((maps.alpha > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    closed = cv2.resize(reach, (512, 512), interpolation=cv2.INTER_NEAREST) == 0
    assert np.array_equal(result[closed], photo[closed]) and closed.mean() > 0.8


@pytest.mark.parametrize("zoom", [0.6, 1.0, 3.3])
def test_sixteen_bits_show_the_same_teeth(zoom):
    photo = np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    transform = similarity(200.3, 190.8, zoom, 0.3)
    eight = composite(photo, crop_maps(), transform)
    deep = composite(photo.astype(np.uint16) * 257, crop_maps(), transform)
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 257, eight, atol=0.51)
    assert len(np.unique(deep % 257)) > 100  # it is not eight bits widened


def test_no_teeth_is_paint_alone():
    maps = crop_maps()
    away = np.full((256, 256, 2), 150, np.float32)
    beyond = Maps(maps.flow, maps.shading, maps.paint, maps.alpha, Teeth(away, away, maps.teeth.enamel))
    bare = Maps(maps.flow, maps.shading, maps.paint, maps.alpha)
    for zoom in (0.5, 1.0, 3.0):
        results = [composite(flat(400), one, similarity(200, 200, zoom)) for one in (beyond, bare)]
        assert np.array_equal(*results) and not np.array_equal(results[0], flat(400))


def test_tiles_do_not_show_in_the_teeth(monkeypatch):
    transform = similarity(190, 210, 1.7, 0.3)
    whole = composite(flat(400), crop_maps(), transform)
    monkeypatch.setattr(module, "TILE", 37)
    difference = np.abs(composite(flat(400), crop_maps(), transform).astype(int) - whole)
    assert difference.mean() < 0.05 and np.percentile(difference, 99.9) <= 4
