"""The losses by hand, which pairs the discriminator sees, and where gradients go."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from mien.data.identity_pairs import PairConfig, pairs
from mien.models.embedder import load_embedder
from mien.training.paper.config import LossOptions
from mien.training.paper.data import Batch
from mien.training.paper.step import Identity, discriminator_loss, gallery, generator_loss, judged
from mien.training.triplet import TripletConfig

GREYS = {"source": 0.1, "target": 0.2, "other": 0.3, "made": 0.4}


def flat(name: str) -> torch.Tensor:
    return torch.full((2, 3, 8, 8), GREYS[name])


@pytest.fixture
def batch() -> Batch:
    """Every picture is one grey of its own; persons 0 and 1, each the other's other."""
    labels = torch.tensor([0, 1])
    return Batch(
        flat("source"), flat("target"), flat("other"), torch.eye(2), labels, labels.flip(0), torch.arange(6).view(2, 3)
    )


def test_judged_by_hand():
    zero = torch.zeros(2, 1, 3, 3)
    assert judged(zero, True, "cross-entropy").item() == pytest.approx(math.log(2))
    assert judged(zero + 2, False, "cross-entropy").item() == pytest.approx(math.log(1 + math.e**2))
    assert judged(zero + 3, True, "least-squares").item() == pytest.approx(4)
    assert judged(zero + 3, False, "least-squares").item() == pytest.approx(9)


@pytest.mark.parametrize("other_generated", [False, True])
@pytest.mark.parametrize("other_real", [False, True])
def test_the_discriminator_sees_the_pairs_one_pass_each(batch, other_generated, other_real):
    seen = []

    def scorer(condition, candidate, category):
        names = {round(value, 1): name for name, value in GREYS.items()}
        seen.append((names[round(condition.mean().item(), 1)], names[round(candidate.mean().item(), 1)]))
        assert torch.equal(category, batch.category) and not candidate.requires_grad
        return torch.full((2, 1, 1, 1), float(len(seen)))  # 1, 2, 3, 4 in the order of passes

    kinds = pairs(PairConfig(other_generated=other_generated, other_real=other_real))
    made = flat("made").requires_grad_()
    loss, parts = discriminator_loss(scorer, kinds, batch, made, "least-squares")
    false = [("source", "made")] + [("other", "made")] * other_generated + [("other", "target")] * other_real
    assert seen == [("source", "target"), *false]
    squares = [(number + 2) ** 2 for number in range(len(false))]
    assert loss.item() == pytest.approx(0.5 * (0 + sum(squares) / len(squares)))
    assert set(parts) == {f"discriminator/{a}_{b}" for a, b in seen}


def test_the_generator_by_hand(batch):
    def scorer(condition, candidate, category):
        assert torch.equal(condition, batch.source)  # the own pair alone
        return candidate.mean(dim=(1, 2, 3), keepdim=True)

    weights = LossOptions(adversarial="least-squares", adversarial_weight=3, l1_weight=100, triplet_weight=0)
    loss, parts = generator_loss(scorer, batch, flat("made"), weights, None)
    assert parts["generator/adversarial"].item() == pytest.approx(3 * 0.6**2, rel=1e-4)
    assert parts["generator/l1"].item() == pytest.approx(100 * 2 * 0.2, rel=1e-4)  # in [-1, 1] apart by 0.4
    assert loss.item() == pytest.approx(sum(part.item() for part in parts.values()))


def test_the_triplet_term_reaches_the_generator_and_not_the_photos(batch, embedder_file):
    torch.manual_seed(1)
    photos = {name: torch.rand(2, 3, 8, 8, requires_grad=True) for name in ("source", "target", "other")}
    batch = replace(batch, **photos)
    identity = Identity(load_embedder(embedder_file), TripletConfig(form="soft"), {})
    descriptors, labels = gallery(batch, identity)
    assert descriptors.shape == (6, 128) and not descriptors.requires_grad and labels.tolist() == [0, 1, 0, 1, 1, 0]
    alone = identity.embedder(torch.cat([batch.source, batch.target, batch.other]))
    assert torch.allclose(descriptors, alone, atol=1e-5)
    again = gallery(replace(batch, source=batch.target), identity)[0]  # met before: not looked at a second time
    assert torch.equal(again, descriptors)
    made = torch.rand(2, 3, 8, 8, requires_grad=True)
    weights = LossOptions(adversarial_weight=0, l1_weight=0, triplet_weight=5)
    loss, parts = generator_loss(lambda x, y, c: y.mean(dim=1, keepdim=True), batch, made, weights, identity)
    assert loss.item() == pytest.approx(parts["generator/triplet"].item())
    loss.backward()
    assert made.grad is not None and made.grad.abs().sum() > 0
    assert all(photo.grad is None or not photo.grad.any() for photo in photos.values())
    assert all(parameter.grad is None for parameter in identity.embedder.parameters())
