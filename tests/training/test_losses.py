"""Losses: zero for equals, and answers that can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from mien.training.losses import (
    adversarial_d,
    adversarial_g,
    balanced_bce,
    coarse_l1,
    gradient_l1,
    lower_half,
    near_breaks,
    near_openings,
    patch_weight,
    smoothness,
    weighted_l1,
)


def random(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("loss", [weighted_l1, gradient_l1, coarse_l1])
def test_equals_cost_nothing(loss):
    x, weight = random(2, 3, 16, 16), random(2, 1, 16, 16)
    assert loss(x, x, weight) == 0
    assert loss(x, x + 1, weight * 0) == 0  # where nothing counts, nothing costs
    assert loss(x, x.flip(-1), weight) > 0


def test_weights_choose_where_errors_count():
    value, truth = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    value[..., 0, 0], value[..., 3, 3] = 1, 5
    weight = torch.zeros(1, 1, 4, 4)
    weight[..., 0, :] = 1
    assert weighted_l1(value, truth, weight) == pytest.approx(1 / 4, abs=1e-5)
    weight[..., 0, 0] = 3
    assert weighted_l1(value, truth, weight) == pytest.approx(3 / 6, abs=1e-5)
    torch.testing.assert_close(weighted_l1(value, truth, weight), weighted_l1(value, truth, 7 * weight))


def test_a_constant_offset_has_no_gradient_and_a_ramp_has():
    x, one = random(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    assert gradient_l1(x + 3, x, one) == pytest.approx(0, abs=1e-6)
    ramp = torch.arange(8.0).view(1, 1, 1, 8).expand(1, 1, 8, 8)
    assert gradient_l1(x + 0.5 * ramp, x, one) == pytest.approx(0.5, abs=1e-5)


def test_coarse_losses_forgive_what_is_small():
    x, one = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)
    checks = (torch.arange(32).view(32, 1) + torch.arange(32)) % 2 * 2.0 - 1
    assert coarse_l1(x + checks, x, one) == pytest.approx(0, abs=1e-6)
    assert coarse_l1(x + 0.3, x, one) == pytest.approx(0.3, abs=1e-5)


def test_cross_entropy_counts_more_near_openings():
    half = torch.full((1, 1, 4, 4), 0.5)
    truth = (random(1, 1, 4, 4) > 0.5).float()
    near = torch.zeros(1, 1, 4, 4)
    assert balanced_bce(half, truth, near) == pytest.approx(math.log(2), abs=1e-6)
    assert balanced_bce(half, truth, near + 1) == pytest.approx(13 * math.log(2), abs=1e-4)
    assert balanced_bce(truth, truth, near) < 2e-4
    assert torch.isfinite(balanced_bce(1 - truth, truth, near))


def test_adversarial_losses():
    real, fake = torch.ones(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    assert adversarial_d(real, fake) == 0 and adversarial_g(real) == 0
    assert adversarial_d(fake, real) == 1 and adversarial_g(fake) == 1


def test_patches_at_openings_count_most():
    near = torch.zeros(2, 1, 64, 64)
    near[0, :, 20, 40] = 1
    scores = random(2, 1, 4, 4)
    weight = patch_weight(near, scores)
    assert weight.shape == scores.shape and weight[0, 0, 1, 2] == pytest.approx(1.05)
    assert (weight == 0.05).sum() == 31
    wrong = torch.zeros(2, 1, 4, 4)
    wrong[0, 0, 1, 2] = 1  # a generator that is wrong there alone
    assert adversarial_g(1 - wrong, weight) == pytest.approx(1.05 / (1.05 + 31 * 0.05), abs=1e-5)
    assert adversarial_d(1 - wrong, wrong, weight) > 5 * adversarial_d(1 - wrong, wrong)
    torch.testing.assert_close(adversarial_d(scores, scores, torch.ones_like(scores)), adversarial_d(scores, scores))


def test_openings_are_grown_in_blocks():
    alpha = torch.zeros(1, 1, 64, 64)
    assert not near_openings(alpha).any()
    alpha[..., 32, 32] = 0.3
    near = near_openings(alpha)
    assert near.shape == alpha.shape and set(near.unique().tolist()) == {0, 1}
    assert near[..., 24:44, 24:44].all() and near.sum() == 20 * 20
    alpha[..., 32, 32] = 0.2  # too faint
    assert not near_openings(alpha).any()


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("channel", [0, 1])
def test_breaks_are_where_the_flow_tears(axis, channel):
    """A step between pixels 31 and 32, along x or y, in either component: marked, a block of 4 px around its own."""
    flow = torch.zeros(1, 2, 64, 64)
    side = flow[:, channel] if axis == -1 else flow[:, channel].transpose(-1, -2)
    side[..., 32:] = 0.7
    near = near_breaks(flow)
    assert near.shape == (1, 1, 64, 64) and set(near.unique().tolist()) == {0, 1}
    wanted = torch.zeros(64)
    wanted[24:36] = 1
    wanted = wanted.expand(1, 1, 64, 64) if axis == -1 else wanted.view(64, 1).expand(1, 1, 64, 64)
    assert torch.equal(near, wanted)
    assert torch.equal(near_breaks(-flow), wanted)
    assert not near_breaks(flow * 0.8).any() and near_breaks(flow * 0.8, steep=0.5).any()
    assert near_breaks(flow, reach=2).sum() == 20 * 64


def test_a_flow_that_bends_gently_has_no_breaks():
    x = torch.arange(64.0)
    for slope, torn in ((0.55, False), (0.65, True)):
        ramp = torch.stack([(slope * x).expand(64, 64), (slope * x).view(64, 1).expand(64, 64)])[None]
        assert bool(near_breaks(ramp).any()) == torn
    batch = torch.zeros(2, 2, 64, 64)
    batch[1, 0, :, 32:] = 5  # of two pictures one
    assert not near_breaks(batch)[0].any() and near_breaks(batch)[1].any()


@pytest.mark.parametrize(("size", "first"), [(64, 35), (192, 106), (256, 141)])
def test_the_lower_half_begins_below_the_nose(size, first):
    near = torch.ones(2, 1, size, size)
    half = lower_half(near)
    assert near.all()  # a new tensor
    assert not half[..., :first, :].any() and half[..., first:, :].all() and half.shape == near.shape
    some = random(1, 1, size, size)
    assert torch.equal(lower_half(some)[..., first:, :], some[..., first:, :])


def test_smoothness_costs_bends_not_stretches():
    x = torch.arange(16.0)
    stretch = torch.stack([x.view(1, 16).expand(16, 16) * 0.3, x.view(16, 1).expand(16, 16) * -0.2])[None]
    assert smoothness(stretch) == pytest.approx(0, abs=1e-6)
    bent = (x.view(1, 16).expand(16, 16) ** 2)[None, None]
    assert smoothness(bent) == pytest.approx(2, abs=1e-5)
