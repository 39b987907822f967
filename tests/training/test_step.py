"""One step: every term against the rig's truth, and only where it is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.models.discriminator import Discriminator
from mien.models.embedder import load_embedder
from mien.models.warp_unet import WarpUNet, apply_maps
from mien.training.batch import Batch
from mien.training.config import TrainConfig
from mien.training.identity import Identity, others
from mien.training.step import discriminator_loss, generator_loss, make
from mien.training.triplet import triplet_loss
from mien.training.warp import Learner, rate_at


def built(config: TrainConfig) -> tuple[WarpUNet, Discriminator]:
    learner = Learner(config, torch.device("cpu"))
    return learner.generator, learner.discriminator


def losses_of(
    generator: WarpUNet, discriminator: Discriminator | None, batch: Batch, config: TrainConfig, *more: Identity
) -> tuple[torch.Tensor, dict[str, torch.Tensor], torch.Tensor]:
    """(loss, values, output crops) of the generator on a batch."""
    made = make(generator, batch)
    return *generator_loss(discriminator, batch, made, config, *more), made.output


@pytest.fixture
def networks(config):
    return built(config)


@pytest.fixture
def own(networks, config) -> Batch:
    """A batch whose truth is what the generator says already."""
    generator, _ = networks
    random = torch.Generator().manual_seed(0)
    photo, expression = torch.rand(3, 3, 64, 64, generator=random), torch.rand(3, 57, generator=random)
    amount = torch.ones(3, 1)
    with torch.no_grad():
        maps = generator.finish(generator.raw(photo, expression, amount), 64)
    return Batch(
        photo, apply_maps(photo, maps), expression, amount, maps, torch.ones(3, 1, 1, 1), torch.tensor([0, 1, 1])
    )


def changed(batch: Batch, **layers: torch.Tensor) -> Batch:
    """The batch with other maps."""
    return replace(batch, maps=batch.maps._replace(**layers))


def opened(batch: Batch, top: int = 38, bottom: int = 50) -> Batch:
    """The batch with an alpha that opens rows `top` to `bottom` of 64: the mouth's, if nothing else is said."""
    alpha = torch.zeros_like(batch.maps.alpha)
    alpha[..., top:bottom, 20:44] = 1
    return changed(batch, alpha=alpha)


def test_the_truth_costs_nothing(networks, own, config):
    total, terms, output = losses_of(networks[0], None, own, config)
    for name in ("flow", "shading", "paint", "teeth", "image"):
        assert terms[name].item() == pytest.approx(0, abs=1e-6), name
    assert losses_of(networks[0], None, opened(own), config)[1]["teeth"].item() == pytest.approx(0, abs=1e-6)
    assert "real" not in terms and "adversarial" not in terms
    torch.testing.assert_close(output, own.wanted)
    torch.testing.assert_close(total, torch.stack(list(terms.values())).sum())


def shifted(batch: Batch) -> dict[str, torch.Tensor]:
    """Maps that are wrong in all but alpha."""
    maps = batch.maps
    return {
        "flow": maps.flow + 1, "shading": maps.shading - 0.2, "paint": 1 - maps.paint,
        "upper": maps.upper + 2, "lower": maps.lower - 1, "enamel": maps.enamel - 0.1,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["flow", "shading", "alpha", "paint", "teeth", "image", "bend"])
def test_weights_are_honoured(name, networks, own, config):
    away = replace(changed(opened(own), **shifted(own)), wanted=1 - own.wanted)
    once = losses_of(networks[0], None, away, replace(config, sparse_weight=0.0))[1][name]
    field = f"{name}_weight"
    twice_weight = replace(config, sparse_weight=0.0, **{field: 2 * getattr(config, field)})
    twice = losses_of(networks[0], None, away, twice_weight)[1][name]
    assert once > 0
    torch.testing.assert_close(twice, 2 * once)


def test_real_pairs_have_picture_losses_only(networks, own, config):
    real = replace(changed(opened(own), **shifted(own)), known=torch.zeros(3, 1, 1, 1), wanted=1 - own.wanted)
    _, terms, _ = losses_of(networks[0], None, real, config)
    for name in ("flow", "shading", "paint", "teeth", "image"):
        assert terms[name] == 0, name
    assert terms["real"] > 0.01
    mixed = replace(real, known=torch.tensor([1.0, 0, 0]).view(3, 1, 1, 1))
    terms = losses_of(networks[0], None, mixed, config)[1]
    assert terms["flow"] > 0.1 and terms["real"] > 0.01 and torch.isfinite(terms["alpha"])


def test_the_teeth_s_cost_can_be_worked_out(networks, own, config):
    """Constant offsets have no gradient, so what is left is |offset| averaged over both components and channels."""
    away = changed(opened(own), **{name: shifted(own)[name] for name in ("upper", "lower", "enamel")})
    terms = losses_of(networks[0], None, away, config)[1]
    assert terms["teeth"].item() == pytest.approx(config.teeth_weight * (2 + 1 + 12 * 0.1), rel=1e-3)


def test_teeth_count_in_the_mouth_alone(networks, own, config):
    """Not where eyes open, not where nothing does, not far from the opening."""
    wrong = {name: shifted(own)[name] for name in ("upper", "lower", "enamel")}
    for truth in (opened(own, 8, 20), opened(own, 0, 0)):
        assert losses_of(networks[0], None, changed(truth, **wrong), config)[1]["teeth"] == 0
    upper = own.maps.upper.clone()
    upper[..., :20, :] += 9  # the forehead
    assert losses_of(networks[0], None, changed(opened(own), upper=upper), config)[1]["teeth"] < 1e-6


def test_a_closing_mouth_counts_more(networks, own, config):
    """The same error of flow costs more beside a tear of the true flow, though nothing opens there."""
    torn = own.maps.flow.clone()
    torn[:, 1, 44:, 20:44] += 3
    closed = changed(own, alpha=own.maps.alpha * 0)

    def cost(rows: slice) -> float:
        shading = own.maps.shading.clone()
        shading[..., rows, 26:38] -= 0.3
        truth = changed(closed, flow=torn, shading=shading)
        return losses_of(networks[0], None, truth, config)[1]["shading"].item()

    assert cost(slice(42, 46)) > 4 * cost(slice(24, 28)) > 0


def test_a_step_learns(networks, own, config):
    generator, _ = networks
    darker = own.maps.shading - 0.3 * (own.maps.shading != 0)
    truth = changed(own, shading=darker)
    truth = replace(truth, wanted=apply_maps(own.photo, truth.maps))
    adam = torch.optim.Adam(generator.parameters(), 1e-3)
    costs = []
    for _ in range(12):
        total, _, _ = losses_of(generator, None, truth, config)
        adam.zero_grad()
        total.backward()
        adam.step()
        costs.append(total.item())
    assert costs[-1] < 0.8 * costs[0]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in generator.parameters())


class Judge(torch.nn.Module):
    """Scores 0, and remembers which photos it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[torch.Tensor] = []

    def forward(self, photo: torch.Tensor, candidate: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        self.shown.append(photo)
        return photo.new_full((len(photo), 1, 4, 4), 0.5 * len(self.shown))


def test_the_discriminator_sees_outputs_beside_photos_of_others(own, config):
    labels = own.label.tolist()  # 0, 1, 1
    firsts = set()
    for seed in range(12):
        judge, lots = Judge(), torch.Generator().manual_seed(seed)
        loss = discriminator_loss(judge, own, own.wanted, config, lots)
        assert torch.equal(judge.shown[0], own.photo) and torch.equal(judge.shown[1], own.photo)
        met = [next(i for i in range(3) if torch.equal(own.photo[i], photo)) for photo in judge.shown[2]]
        assert all(labels[i] != labels[j] for i, j in enumerate(met))
        firsts.add(met[0])
        # real scores 0.5, the outputs 1 beside the own photo and 1.5 beside another's
        assert loss.item() == pytest.approx(0.5 * (0.5 * 0.25 + 0.5 * 1) + 0.5 * (0.5 * 0.25 + 0.5 * 2.25))
    assert firsts == {1, 2}


def test_who_is_alone_has_no_other(own, config):
    """All of one person, and the option that is off: the own pairs alone. One of two kinds: it is left out."""
    for batch, told in (
        (replace(own, label=torch.tensor([2, 2, 2])), config),
        (own, replace(config, other_pairs=False)),
    ):
        judge = Judge()
        loss = discriminator_loss(judge, batch, own.wanted, told)
        assert len(judge.shown) == 2 and loss.item() == pytest.approx(0.5 * 0.25 + 0.5 * 1)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 2**31))
def test_another_is_never_the_same_person(people, seed):
    label = torch.tensor(people)
    index, found = others(label, torch.Generator().manual_seed(seed))
    for i, person in enumerate(people):
        assert bool(found[i]) == any(other != person for other in people)
        assert not found[i] or people[int(index[i])] != person
    again, _ = others(label, torch.Generator().manual_seed(seed))
    assert torch.equal(index, again)


def test_everybody_else_is_drawn_alike():
    label, lots = torch.tensor([0, 0, 1, 2]), torch.Generator().manual_seed(0)
    first = torch.stack([others(label, lots)[0] for _ in range(900)])[:, 0]
    assert torch.bincount(first, minlength=4).tolist()[:2] == [0, 0] and (first == 2).sum().item() in range(380, 520)


@pytest.fixture
def identity(config, embedder_file) -> Identity:
    return Identity(load_embedder(embedder_file), replace(config, triplet_form="soft").triplet_rules(), {})


def test_the_triplet_loss_reaches_the_generator(networks, own, config, identity):
    generator, _ = networks
    told = replace(config, triplet_weight=3.0)
    plain, before, _ = losses_of(generator, None, own, told)
    total, terms, output = losses_of(generator, None, own, told, identity)
    assert set(terms) - set(before) == {"triplet", "identity/own", "identity/other", "identity/active"}
    torch.testing.assert_close(total, plain + terms["triplet"])  # what is only watched is not learnt from
    gradients = torch.autograd.grad(terms["triplet"], list(generator.parameters()), allow_unused=True)
    assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0
    assert all(p.grad is None for p in identity.embedder.parameters())
    # by hand: anchors against the photo and the wanted picture of each
    with torch.no_grad():
        anchors, photos, wanted = (identity.embedder(x).float() for x in (output.clamp(0, 1), own.photo, own.wanted))
    by_hand = triplet_loss(anchors, own.label, torch.cat([photos, wanted]), own.label.repeat(2), identity.rules)
    assert terms["triplet"].item() == pytest.approx(3 * by_hand.loss.item(), rel=1e-3)


def test_the_rivals_train_apart(networks, own, config):
    generator, judge = networks
    _, terms, output = losses_of(generator, judge, own, config)
    assert terms["adversarial"] > 0
    discriminator_loss(judge, own, output, config).backward()
    assert all(p.grad is not None for p in judge.parameters())
    assert all(p.grad is None for p in generator.parameters())


def test_the_rate_warms_up_and_falls():
    config = TrainConfig(steps=1000, warmup=100, rate=1e-3, final_rate=1e-5)
    rates = [rate_at(step, config) for step in range(1200)]
    assert rates[0] == pytest.approx(1e-5) and max(rates) == pytest.approx(1e-3)
    assert rates[:100] == sorted(rates[:100]) and rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[1000] == pytest.approx(1e-5) and rates[1199] == pytest.approx(1e-5)


def test_the_same_seed_builds_the_same_networks(config):
    for one, same, other in zip(built(config), built(config), built(replace(config, seed=9)), strict=True):
        states = [network.state_dict() for network in (one, same, other)]
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])
