"""The triplet loss: known answers, mining against a plain loop, and gradients that reach the generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.models.embedder import Embedder
from mien.models.unet import UNet, UNetConfig
from mien.training.triplet import TripletConfig, by_lot, distances, triplet_loss

PLAIN = TripletConfig(normalise=False)


def line(*places: float) -> torch.Tensor:
    """Descriptors on a line (N, 2): distances can be read off."""
    return torch.tensor([(place, 0.0) for place in places])


def labels(*values: int) -> torch.Tensor:
    return torch.tensor(values)


@pytest.mark.parametrize(
    ("config", "loss"),
    [
        (TripletConfig(1.0, distance="euclidean", normalise=False), 2 - 3 + 1.0),
        (TripletConfig(1.5, distance="euclidean", normalise=False), 2 - 3 + 1.5),
        (TripletConfig(0.2, normalise=False), 0.0),  # 4 - 9 + 0.2 is below zero
        (TripletConfig(6.0, normalise=False), 4 - 9 + 6.0),
        (TripletConfig(9.0, distance="euclidean", normalise=False, form="soft"), np.log1p(np.exp(2 - 3))),
    ],
)
def test_batch_hard_takes_the_farthest_own_and_the_nearest_other(config, loss):
    photos, owners = line(1, -2, 3, 10), labels(0, 0, 1, 2)
    got = triplet_loss(line(0), labels(0), photos, owners, config)
    assert got.loss.item() == pytest.approx(loss, abs=1e-5)
    own, other = (2, 3) if config.distance == "euclidean" else (4, 9)
    assert (got.own.item(), got.other.item()) == pytest.approx((own, other), abs=1e-5)


def test_on_the_unit_sphere_length_does_not_count():
    anchor, photos = torch.tensor([[3.0, 0]]), torch.tensor([[0.1, 0.1], [0, 7.0]])
    got = triplet_loss(anchor, labels(4), photos, labels(4, 9), TripletConfig(2.0))
    own, other = 2 - 2 * np.sqrt(0.5), 2.0  # squared chords of 45 and 90 degrees
    assert got.loss.item() == pytest.approx(own - other + 2, abs=1e-5)
    assert got.active.item() == 1


def test_the_loss_is_the_mean_over_anchors_that_have_a_triplet():
    photos, owners = line(0, 2), labels(0, 1)
    # 0: 0 - 4 + 6; 1: 0 - 4 + 6 from the other side; 5 is on no photo
    got = triplet_loss(line(0, 2, 1), labels(0, 1, 5), photos, owners, TripletConfig(6.0, normalise=False))
    assert got.loss.item() == pytest.approx(2.0)
    far = triplet_loss(line(0, 3), labels(0, 0), photos, owners, TripletConfig(5.0, normalise=False))
    assert far.loss.item() == pytest.approx((0 - 4 + 5 + 9 - 1 + 5) / 2) and far.active.item() == 1


@pytest.mark.parametrize("mining", ["batch-hard", "random"])
@pytest.mark.parametrize("owners", [(0, 0), (1, 2)])
def test_without_an_own_or_another_photo_it_is_zero_and_still_has_a_gradient(mining, owners):
    anchor = line(0.5).requires_grad_()
    config = TripletConfig(mining=mining)
    got = triplet_loss(anchor, labels(0), line(1, 2), labels(*owners), config)
    assert got.loss.item() == 0 and got.active.item() == 0
    got.loss.backward()
    assert anchor.grad is not None and not anchor.grad.any()


@given(st.integers(0, 2**32 - 1), st.sampled_from(["squared", "euclidean"]), st.booleans(), st.floats(0, 2))
def test_batch_hard_is_a_plain_loop(seed, distance, normalise, margin):
    random = torch.Generator().manual_seed(seed)
    anchors, photos = torch.randn(4, 3, generator=random), torch.randn(7, 3, generator=random)
    whose, owners = (torch.randint(0, 3, (n,), generator=random) for n in (4, 7))
    config = TripletConfig(margin, distance=distance, normalise=normalise)
    apart = distances(anchors, photos, config)
    terms = []
    for a, row in zip(whose, apart, strict=True):
        own = [d.item() for d, o in zip(row, owners, strict=True) if o == a]
        other = [d.item() for d, o in zip(row, owners, strict=True) if o != a]
        if own and other:
            terms.append(max(0.0, max(own) - min(other) + margin))
    wanted = np.mean(terms) if terms else 0.0
    assert triplet_loss(anchors, whose, photos, owners, config).loss.item() == pytest.approx(wanted, abs=1e-4)


def test_random_mining_draws_every_allowed_photo_and_no_other():
    allowed = torch.tensor([[True, False, True, True], [False, True, False, False]])
    random = torch.Generator().manual_seed(3)
    picks = torch.stack([by_lot(allowed, random) for _ in range(600)])
    counts = torch.bincount(picks[:, 0], minlength=4)
    assert counts[1] == 0 and (counts[[0, 2, 3]] - 200).abs().max() < 60
    assert (picks[:, 1] == 1).all()


def test_random_mining_is_what_its_generator_says_and_never_harder_than_the_hardest():
    anchors, photos = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    whose, owners = labels(0, 1, 2, 0, 1), labels(0, 0, 1, 1, 2)
    config = TripletConfig(0.5, mining="random")
    first, again, later = (
        triplet_loss(anchors, whose, photos, owners, config, torch.Generator().manual_seed(s)).loss for s in (1, 1, 2)
    )
    assert first == again and first != later
    assert first <= triplet_loss(anchors, whose, photos, owners, TripletConfig(0.5)).loss


def test_an_anchor_upon_its_photo_has_a_finite_gradient():
    for distance in ("squared", "euclidean"):
        anchor = torch.tensor([[1.0, 0.0]], requires_grad=True)
        config = TripletConfig(5.0, distance=distance)
        triplet_loss(anchor, labels(0), torch.tensor([[1.0, 0], [0, 1]]), labels(0, 1), config).loss.backward()
        assert anchor.grad is not None and anchor.grad.isfinite().all()


def test_gradients_reach_the_generator_and_a_step_lowers_the_loss():
    torch.manual_seed(0)
    generator = UNet(UNetConfig(size=64, width=4, condition_width=4, norm="group"))
    embedder = Embedder()
    random = torch.Generator().manual_seed(5)
    photos, category = torch.rand(3, 3, 64, 64, generator=random), torch.eye(7)[[1, 4, 6]]
    who, config = labels(0, 1, 2), TripletConfig(2.0)
    with torch.no_grad():
        known = embedder(photos)

    def loss() -> torch.Tensor:
        return triplet_loss(embedder(generator(photos, category)), who, known, who, config).loss

    first = loss()
    first.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in generator.parameters())
    assert all(p.grad is None for p in embedder.parameters())
    with torch.no_grad():
        length = sum(p.grad.square().sum() for p in generator.parameters()).sqrt()
        for p in generator.parameters():
            p -= 1e-2 * p.grad / length
        assert loss() < first


def test_a_margin_that_holds_pulls_no_more():
    anchor = line(0.1).requires_grad_()
    triplet_loss(anchor, labels(0), line(0, 5), labels(0, 1), PLAIN).loss.backward()
    assert not anchor.grad.any()


@pytest.mark.parametrize(
    "options", [{"mining": "hardest"}, {"distance": "cosine"}, {"form": "log"}, {"margin": -1.0}, {"margin": np.nan}]
)
def test_what_has_no_meaning_is_said_in_one_line(options):
    with pytest.raises(MienError, match=next(iter(options))):
        triplet_loss(line(0), labels(0), line(0), labels(0), TripletConfig(**options))


def test_labels_must_fit():
    with pytest.raises(ValueError, match="fit together"):
        triplet_loss(line(0, 1), labels(0), line(0), labels(0))
