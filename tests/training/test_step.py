"""One step: every term against the rig's truth, and only where it is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mien.models.warp_unet import apply_maps
from mien.training.batch import Batch
from mien.training.config import TrainConfig
from mien.training.step import discriminator_loss, generator_losses
from mien.training.trainer import build, rate_at


@pytest.fixture
def networks(config):
    return build(config)


@pytest.fixture
def own(networks) -> Batch:
    """A batch whose truth is what the generator says already."""
    generator, _ = networks
    random = torch.Generator().manual_seed(0)
    photo, expression = torch.rand(3, 3, 64, 64, generator=random), torch.rand(3, 57, generator=random)
    amount = torch.ones(3, 1)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        raw = generator.raw(photo, expression, amount)
    with torch.no_grad():
        flow, shading, paint, alpha = generator.finish(raw.float(), 64)
    wanted = apply_maps(photo, flow, shading, paint, alpha)
    return Batch(photo, wanted, expression, amount, flow, shading, paint, alpha, torch.ones(3, 1, 1, 1))


def test_the_truth_costs_nothing(networks, own, config):
    total, terms, output = generator_losses(*networks[:1], None, own, config)
    for name in ("flow", "shading", "paint", "image"):
        assert terms[name].item() == pytest.approx(0, abs=1e-6), name
    assert "real" not in terms and "adversarial" not in terms
    torch.testing.assert_close(output, own.wanted)
    torch.testing.assert_close(total, torch.stack(list(terms.values())).sum())


@pytest.mark.parametrize("name", ["flow", "shading", "alpha", "paint", "image", "bend"])
def test_weights_are_honoured(name, networks, own, config):
    away = replace(own, flow=own.flow + 1, shading=own.shading - 0.2, paint=1 - own.paint, wanted=1 - own.wanted)
    once = generator_losses(networks[0], None, away, replace(config, sparse_weight=0.0))[1][name]
    field = f"{name}_weight"
    twice_weight = replace(config, sparse_weight=0.0, **{field: 2 * getattr(config, field)})
    twice = generator_losses(networks[0], None, away, twice_weight)[1][name]
    assert once > 0
    torch.testing.assert_close(twice, 2 * once)


def test_real_pairs_have_picture_losses_only(networks, own, config):
    real = replace(own, known=torch.zeros(3, 1, 1, 1), flow=own.flow + 3, wanted=1 - own.wanted)
    _, terms, _ = generator_losses(networks[0], None, real, config)
    for name in ("flow", "shading", "paint", "image"):
        assert terms[name] == 0, name
    assert terms["real"] > 0.01
    mixed = replace(real, known=torch.tensor([1.0, 0, 0]).view(3, 1, 1, 1))
    terms = generator_losses(networks[0], None, mixed, config)[1]
    assert terms["flow"] > 0.1 and terms["real"] > 0.01 and torch.isfinite(terms["alpha"])


def test_a_step_learns(networks, own, config):
    generator, _ = networks
    darker = own.shading - 0.3 * (own.shading != 0)
    truth = replace(own, shading=darker, wanted=apply_maps(own.photo, own.flow, darker, own.paint, own.alpha))
    adam = torch.optim.Adam(generator.parameters(), 1e-3)
    costs = []
    for _ in range(12):
        total, _, _ = generator_losses(generator, None, truth, config)
        adam.zero_grad()
        total.backward()
        adam.step()
        costs.append(total.item())
    assert costs[-1] < 0.8 * costs[0]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in generator.parameters())


def test_the_rivals_train_apart(networks, own, config):
    generator, judge = networks
    _, terms, output = generator_losses(generator, judge, own, config)
    assert terms["adversarial"] > 0
    discriminator_loss(judge, own, output).backward()
    assert all(p.grad is not None for p in judge.parameters())
    assert all(p.grad is None for p in generator.parameters())


def test_the_rate_warms_up_and_falls():
    config = TrainConfig(steps=1000, warmup=100, rate=1e-3, final_rate=1e-5)
    rates = [rate_at(step, config) for step in range(1200)]
    assert rates[0] == pytest.approx(1e-5) and max(rates) == pytest.approx(1e-3)
    assert rates[:100] == sorted(rates[:100]) and rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[1000] == pytest.approx(1e-5) and rates[1199] == pytest.approx(1e-5)


def test_the_same_seed_builds_the_same_networks(config):
    for one, same, other in zip(build(config), build(config), build(replace(config, seed=9)), strict=True):
        states = [network.state_dict() for network in (one, same, other)]
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])
