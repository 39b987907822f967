"""Training pairs: pure functions of their number, true maps, honest mirrors."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mien.data.augment import degrade, occlude, wear_glasses
from mien.data.pairs import Pair, jitter, make_pair, mirror, real_pair, still
from mien.data.rigs import neutral_rigs
from mien.expression import SHAPES
from mien.face.align import apply
from mien.rig.emotions import MIRROR, prototype, random_expression
from mien.rig.render import warp, with_teeth
from mien.rig.stage import canvas_to_crop
from mien.synthesis.dentition import REACH, Teeth
from support import SHARED, layers, needs_shared
from synthetic import similarity

SIZE = 96


@pytest.fixture(scope="module")
def pairs(rig, smiling) -> list[Pair]:
    return [make_pair([rig, smiling], 1, number, SIZE) for number in range(40)]


def check(pair: Pair, size: int) -> None:
    maps = pair.maps
    assert pair.source.shape == (size, size, 3) and pair.source.dtype == np.uint8 and pair.real is None
    assert pair.expression.shape == (57,) and pair.expression.dtype == np.float32 and 0 <= pair.amount <= 1.2
    assert maps.flow.shape == (size, size, 2) and maps.paint.shape == (size, size, 3)
    assert maps.shading.shape == maps.alpha.shape == (size, size)
    assert maps.teeth.upper.shape == maps.teeth.lower.shape == (size, size, 2)
    assert maps.teeth.enamel.shape == (size, size, 3)
    for layer in layers(maps).values():
        assert layer.dtype == np.float32 and np.isfinite(layer).all()
    assert np.abs([maps.teeth.upper, maps.teeth.lower]).max() <= REACH * size / 256 + 1e-4
    assert 0 <= maps.teeth.enamel.min() <= maps.teeth.enamel.max() <= 1
    for layer in (maps.flow, maps.shading, maps.alpha):
        assert not layer[[0, -1]].any() and not layer[:, [0, -1]].any()
    assert maps.alpha.min() >= 0 and maps.alpha.max() <= 1 and maps.paint.min() >= 0 and maps.paint.max() <= 1
    assert np.abs(maps.flow).max() < 0.25 * size and np.abs(maps.shading).max() < 1.5


def test_pairs_are_sound(pairs):
    for pair in pairs:
        check(pair, SIZE)


def test_pairs_show_everything(pairs):
    """Of forty: some go nowhere, some to neutral, some part of the way, most to somewhere else and differ."""
    assert any(not pair.maps.flow.any() for pair in pairs)
    assert any(not pair.expression.any() for pair in pairs)
    assert 4 < sum(pair.amount != 1 for pair in pairs) < 20
    assert sum(np.abs(pair.maps.flow).max() > 2 for pair in pairs) > 20
    assert len({pair.source.tobytes() for pair in pairs}) == len(pairs)


def test_a_smiling_photo_is_a_source_as_it_is(smiling):
    shares = np.array([name.startswith("eyeWide") for name in SHAPES])
    for number in range(12):
        pair = make_pair([smiling], 1, number, SIZE)
        check(pair, SIZE)
        assert not pair.expression[shares].any()


def same(a: Pair, b: Pair) -> bool:
    return a.source.tobytes() == b.source.tobytes() and all(
        np.array_equal(x, y) for x, y in zip(layers(a.maps).values(), layers(b.maps).values(), strict=True)
    )


def test_a_pair_is_a_function_of_seed_and_number(rig, smiling, pairs):
    for number in (17, 3, 30):  # in any order, whatever was made before
        assert same(make_pair([rig, smiling], 1, number, SIZE), pairs[number])
    assert not same(make_pair([rig, smiling], 2, 3, SIZE), pairs[3])


def test_making_pairs_leaves_the_rigs_as_they_are(rig, smiling, pairs):
    before = rig.canvas.copy(), rig.plate.copy()
    for number in range(12):
        wear_glasses(rig, np.random.default_rng(number))
    make_pair([rig, smiling], 5, 5, SIZE)
    np.testing.assert_array_equal(rig.canvas, before[0])
    np.testing.assert_array_equal(rig.plate, before[1])


def test_real_pairs(rig, smiling):
    for seed in range(3):
        pair = real_pair(rig, smiling, smiling.fit.weights, np.random.default_rng(seed), SIZE)
        assert pair.real.shape == pair.source.shape == (SIZE, SIZE, 3) and pair.amount == 1
        assert not pair.maps.flow.any() and not pair.maps.alpha.any()
        # aligned upon each other: what does not smile hardly differs
        upper = slice(SIZE // 8, SIZE // 2), slice(SIZE // 4, 3 * SIZE // 4)
        assert np.abs(pair.real[upper].astype(int) - pair.source[upper]).mean() < 8
        assert np.abs(pair.real.astype(int) - pair.source).max() > 30
        side = pair.expression if seed == 0 else pair.expression[MIRROR]
        assert min(np.abs(w - smiling.fit.weights).max() for w in (side, side[MIRROR])) < 1e-6


def views(rig, size: int = SIZE):
    crop = canvas_to_crop(size)
    source, target = rig.view(prototype("neutral"), crop, size), rig.view(prototype("surprise"), crop, size)
    return source.image, rig.maps(source, target)


def test_a_mirrored_pair_is_the_pair_in_a_mirror(rig):
    image, maps = views(rig)
    weights = random_expression(np.random.default_rng(3))
    flipped, seen, other = mirror(image, maps, weights)
    np.testing.assert_allclose(warp(np.ascontiguousarray(flipped), seen), warp(image, maps)[:, ::-1], atol=2e-3)
    again, twice, back = mirror(flipped, seen, other)
    np.testing.assert_array_equal(again, image)
    np.testing.assert_array_equal(back, weights)
    assert "enamel" in layers(maps)
    for a, b in zip(layers(twice).values(), layers(maps).values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_mirrored_teeth_lie_where_the_mirror_shows_them(rig):
    """The drawing is symmetric about the crop's middle: what points left points right, on the other side."""
    size = 64
    image, maps = views(rig, size)
    x = np.arange(size, dtype=np.float32)
    upper = np.stack(np.broadcast_arrays(2 + 0.1 * x, (x - 3)[:, None]), axis=-1)
    lower = np.stack(np.broadcast_arrays(-1 + 0 * x, (0.5 * x)[:, None]), axis=-1)
    enamel = np.broadcast_to((x / size)[:, None], (size, size, 3))
    maps = replace(maps, alpha=np.ones_like(maps.alpha), teeth=Teeth(upper, lower, enamel))
    _, seen, _ = mirror(image, maps, random_expression(np.random.default_rng(0)))
    np.testing.assert_allclose(seen.teeth.upper[5, 10], (-(2 + 0.1 * (63 - 10)), 5 - 3), rtol=1e-6)
    np.testing.assert_allclose(seen.teeth.lower[5, 10], (1, 2.5), rtol=1e-6)
    np.testing.assert_array_equal(seen.teeth.enamel, enamel[:, ::-1])
    shown, wanted = with_teeth(np.ascontiguousarray(seen.paint), seen.teeth), with_teeth(maps.paint, maps.teeth)
    assert np.abs(wanted - maps.paint).max() > 0.2  # there are teeth to be seen
    np.testing.assert_allclose(shown, wanted[:, ::-1], atol=0.02)


def test_real_pairs_and_still_ones_have_teeth_too(rig, smiling):
    """Every pair packs alike; where nothing moves the teeth stay as they are."""
    _, maps = views(rig)
    assert still(maps).teeth is maps.teeth and maps.teeth.enamel.any()
    teeth = real_pair(rig, smiling, smiling.fit.weights, np.random.default_rng(0), SIZE).maps.teeth
    assert teeth.upper.shape == teeth.lower.shape == (SIZE, SIZE, 2) and teeth.enamel.shape == (SIZE, SIZE, 3)
    assert not teeth.upper.any() and not teeth.lower.any() and not teeth.enamel.any()


def test_still_maps_change_nothing(rig):
    image, maps = views(rig)
    np.testing.assert_array_equal(warp(image, still(maps)), image)


def test_what_hides_the_face_does_not_move(rig):
    image, maps = views(rig)
    inside = 0
    for seed in range(6):
        hidden, held = occlude(image, maps, np.random.default_rng(seed))
        covered = np.abs(hidden - image).max(-1) > 0.02
        assert covered.any() and hidden.shape == image.shape and hidden.dtype == np.float32
        deep = cv2.erode(covered.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0  # its edges, and hair, move a little
        assert np.abs(held.flow[deep]).max(initial=0) < 0.5 and held.alpha[deep].max(initial=0) < 0.1
        inside += int(deep.sum())
        assert (np.abs(held.flow) <= np.abs(maps.flow) + 1e-6).all() and (held.alpha <= maps.alpha + 1e-6).all()
        assert held.teeth is maps.teeth
    assert inside > 200


def test_degrading_changes_pixels_but_not_the_truth(rig):
    image, maps = views(rig)
    changed = sided = 0
    for seed in range(10):
        worse, kept = degrade(image, maps, np.random.default_rng(seed))
        assert worse.shape == image.shape and worse.dtype == kept.paint.dtype == np.float32
        assert worse.min() >= 0 and worse.max() <= 1
        assert kept.flow is maps.flow and kept.shading is maps.shading and kept.alpha is maps.alpha
        assert kept.teeth.upper is maps.teeth.upper and kept.teeth.lower is maps.teeth.lower
        assert kept.teeth.enamel.dtype == np.float32
        lit = maps.paint.min(-1) > 0.02, (kept.paint / np.maximum(maps.paint, 1e-3))
        clipped = (kept.paint == 1) | (kept.teeth.enamel == 1)
        same_light = (lit[0][..., None] & ~clipped).nonzero()
        ratio = (kept.teeth.enamel / np.maximum(maps.teeth.enamel, 1e-3))[same_light]
        np.testing.assert_allclose(ratio, lit[1][same_light], rtol=1e-3)  # a light falls on paint and teeth alike
        sided += np.ptp(ratio) > 0.05
        changed += not np.array_equal(worse, image)
    assert changed >= 6 and 2 <= sided <= 8


def test_glasses_move_with_the_face(rig):
    crop = canvas_to_crop(256)
    worn = wear_glasses(rig, np.random.default_rng(1))
    away = np.abs(worn.view(prototype("happy"), crop).image - rig.view(prototype("happy"), crop).image).max(-1)
    y, _ = np.nonzero(away > 0.1)
    assert 300 < len(y) < 12000 and 60 < y.mean() < 125  # about the eyes, which lie at 94


def test_jitter_is_a_small_misalignment_around_the_middle():
    rng = np.random.default_rng(0)
    corners = np.array([(0, 0), (255, 0), (0, 255), (255, 255), (127.5, 127.5)])
    moved = np.stack([apply(jitter(256, rng), corners) - corners for _ in range(300)])
    assert np.abs(moved.mean(0)).max() < 2.5 and 2 < moved[:, 4].std() < 4.5 and moved[:, :4].std() < 15
    for size in (64, 192):  # a smaller crop is the same picture, smaller: outer edges coincide
        small, large = jitter(size, np.random.default_rng(5)), jitter(256, np.random.default_rng(5))
        scaled = similarity(size / 256, 0, (size / 256 - 1) / 2, (size / 256 - 1) / 2)
        np.testing.assert_allclose(apply(small, corners), apply(scaled, apply(large, corners)), atol=1e-9)


@needs_shared
def test_real_people_make_sound_pairs(real_kit):
    rigs = list(neutral_rigs(real_kit, SHARED, limit=2).values())
    for number in range(6):
        check(make_pair(rigs, 3, number, 256), 256)
