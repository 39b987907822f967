"""The networks: shapes, ranges, what they promise at the crop's edge, and how maps are applied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.models.discriminator import Discriminator
from mien.models.warp_unet import MapTensors, WarpUNet, WarpUNetConfig, apply_maps
from mien.rig.render import warp
from mien.synthesis.dentition import ENAMEL, REACH, Teeth
from mien.synthesis.maps import Maps
from support import layers

TINY = WarpUNetConfig(widths=(8, 8, 16, 16, 16), head=4, condition=32, inner=64)


def shaken(amount: float = 0.3) -> WarpUNet:
    """A generator whose every weight is random, also those that start at zero."""
    torch.manual_seed(0)
    generator = WarpUNet(TINY)
    with torch.no_grad():
        for value in generator.parameters():
            value.add_(torch.randn_like(value) * amount)
    return generator.eval()


def tensors(photo: torch.Tensor, **layers: torch.Tensor) -> MapTensors:
    """Maps of a photo (N, 3, H, W) that change nothing, but for the layers that are given."""
    two, one = torch.zeros_like(photo[:, :2]), torch.zeros_like(photo[:, :1])
    return MapTensors(two, one, photo * 0, one, two, two, photo * 0)._replace(**layers)


def inputs(n: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return (
        torch.rand(n, 3, size, size, generator=random),
        torch.rand(n, 57, generator=random),
        torch.rand(n, 1, generator=random),
    )


@pytest.mark.parametrize("size", [64, 96, 256])
def test_maps_keep_the_contract_whatever_the_weights(size):
    with torch.no_grad():
        maps = shaken()(*inputs(2, size))
    flow, shading, paint, alpha = maps[:4]
    assert flow.shape == (2, 2, size, size) and paint.shape == (2, 3, size, size)
    assert shading.shape == alpha.shape == (2, 1, size, size)
    for layer in (flow, shading, alpha):
        assert layer.any()
        for edge in (layer[..., 0, :], layer[..., -1, :], layer[..., 0], layer[..., -1]):
            assert not edge.any()
    assert alpha.min() >= 0 and alpha.max() <= 1 and paint.min() >= 0 and paint.max() <= 1 and shading.abs().max() <= 1
    assert maps.upper.shape == maps.lower.shape == (2, 2, size, size) and maps.enamel.shape == (2, 3, size, size)
    for rows in (maps.upper, maps.lower):
        assert rows.any() and rows.abs().max() <= REACH * size / 256
    assert maps.enamel.min() >= 0 and maps.enamel.max() <= 1 and not torch.equal(maps.upper, maps.lower)


def test_maps_of_another_size_are_the_same_maps_in_its_pixels():
    generator = shaken(0.05)
    _, expression, amount = inputs(1, 64)
    small = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    large = small.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)  # brought to 64 px it is `small` again
    with torch.no_grad():
        here, there = generator(small, expression, amount), generator(large, expression, amount)
    assert MapTensors._fields == ("flow", "shading", "paint", "alpha", "upper", "lower", "enamel")
    for name, a, b in zip(MapTensors._fields, here, there, strict=True):
        back = torch.nn.functional.avg_pool2d(b, 4) / (4 if name in ("flow", "upper", "lower") else 1)
        assert (back - a).abs().mean() < 0.2 * a.abs().mean(), name
    finished = generator.finish(torch.ones(1, 14, 64, 64), 64)
    assert finished.flow.max() == pytest.approx(16 * 64 / 256)
    torch.testing.assert_close(finished.upper, torch.full((1, 2, 64, 64), REACH / 4 * np.tanh(1 / 3)))
    torch.testing.assert_close(finished.enamel, torch.full((1, 3, 64, 64), 1 / (1 + np.exp(-1))))
    channels = torch.arange(14.0).view(1, 14, 1, 1).expand(1, 14, 64, 64) / 4
    finished = generator.finish(channels, 64)
    for rows, first in ((finished.upper, 7), (finished.lower, 9)):
        wanted = REACH / 4 * torch.tanh(channels[:, first : first + 2] / 3)
        torch.testing.assert_close(rows, wanted)


def test_expression_and_amount_matter_and_rows_do_not_mix():
    generator = shaken()
    photo, expression, amount = inputs(3, 64)
    with torch.no_grad():
        whole = generator.raw(photo, expression, amount)
        alone = generator.raw(photo[1:2], expression[1:2], amount[1:2])
        other = generator.raw(photo[1:2], expression[2:3], amount[1:2])
        further = generator.raw(photo[1:2], expression[1:2], amount[1:2] + 0.5)
    torch.testing.assert_close(whole[1:2], alone, atol=1e-3, rtol=1e-3)
    assert (alone - other).abs().max() > 1e-2 and (alone - further).abs().max() > 1e-2


def test_a_fresh_generator_changes_next_to_nothing():
    torch.manual_seed(0)
    photo, expression, amount = inputs(1, 256)
    with torch.no_grad():
        maps = WarpUNet()(photo, expression, amount)
        output = apply_maps(photo, maps)
    assert maps.flow.abs().max() < 2 and maps.alpha.mean() < 0.05
    assert maps.upper.abs().max() < 3 and maps.lower.abs().max() < 3  # the rows begin where the drawing has them
    assert (maps.enamel - torch.from_numpy(ENAMEL).view(1, 3, 1, 1)).abs().max() < 0.06
    assert (output - photo).abs().mean() < 0.15


def test_the_shipped_size_is_within_six_million_parameters():
    generator = WarpUNet()
    assert sum(p.numel() for p in generator.parameters()) <= 6_000_000
    assert generator.config == WarpUNetConfig() and generator.config.as_dict()["shapes"] == 57
    assert "window" not in generator.state_dict()  # made, not learned


def test_no_flow_is_the_photo_and_whole_steps_are_a_shift():
    photo = inputs(1, 64)[0]
    flow = torch.zeros(1, 2, 64, 64)
    torch.testing.assert_close(apply_maps(photo, tensors(photo)), photo, atol=1e-5, rtol=0)
    flow[:, 0], flow[:, 1] = 3, -2
    moved = apply_maps(photo, tensors(photo, flow=flow))
    torch.testing.assert_close(moved[..., 2:, :-3], photo[..., :-2, 3:], atol=1e-4, rtol=0)


def test_shading_paint_and_alpha():
    photo = torch.full((1, 3, 8, 8), 0.2)
    one = torch.ones(1, 1, 8, 8)
    away = torch.full((1, 2, 8, 8), 99.0)  # the rows of teeth lie beyond the crop
    changes = {"shading": one * np.log(2), "paint": torch.full((1, 3, 8, 8), 0.9), "alpha": one * 0.25}
    out = apply_maps(photo, tensors(photo, upper=away, lower=away, **changes))
    torch.testing.assert_close(out, torch.full((1, 3, 8, 8), 0.4 * 0.75 + 0.9 * 0.25))


@pytest.mark.parametrize("shown", [False, True])
def test_torch_and_the_rig_apply_maps_alike(shown):
    """With teeth a few pixels at their edges may differ more: torch takes a finer drawing than a small crop needs."""
    rng = np.random.default_rng(0)
    size = 48
    image = rng.random((size, size, 3)).astype(np.float32)
    maps = Maps(
        flow=rng.uniform(-4, 4, (size, size, 2)).astype(np.float32),
        shading=rng.uniform(-0.3, 0.1, (size, size)).astype(np.float32),
        paint=rng.random((size, size, 3)).astype(np.float32),
        alpha=rng.random((size, size)).astype(np.float32),
        teeth=Teeth(
            upper=rng.uniform(-1, 1, (size, size, 2)).astype(np.float32) + (0 if shown else 99),
            lower=rng.uniform(-1, 1, (size, size, 2)).astype(np.float32) + (0 if shown else 99),
            enamel=rng.random((size, size, 3)).astype(np.float32),
        ),
    )

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array.reshape(size, size, -1)).permute(2, 0, 1)[None]

    out = apply_maps(tensor(image), MapTensors(**{name: tensor(layer) for name, layer in layers(maps).items()}))
    there = out.clamp(0, 1)[0].permute(1, 2, 0).numpy()
    here = warp(image, maps)
    away = np.abs(there - here)
    assert (away.max() if not shown else np.percentile(away, 99.5)) < 0.04  # OpenCV samples at 32nds of a pixel
    assert away.max() < 0.2
    without = np.abs(here - warp(image, replace(maps, teeth=None)))
    assert (without > 0.1).mean() > 0.01 if shown else without.max() < 1e-6


def test_the_discriminator_scores_patches_and_minds_the_expression():
    torch.manual_seed(0)
    judge = Discriminator()
    photo, expression, _ = inputs(2, 64)
    candidate = photo.flip(0)
    scores = judge(photo, candidate, expression)
    assert scores.shape == (2, 1, 4, 4)
    assert (judge(photo, candidate, expression.flip(0)) - scores).abs().max() > 1e-4
    assert (judge(candidate, photo, expression) - scores).abs().max() > 1e-4
