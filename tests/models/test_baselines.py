"""The rivals' networks and losses: shapes, known answers, and that gradients arrive."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from mien.errors import MienError
from mien.models.baselines import exprgan, ganimation, parts
from mien.models.baselines.base import Nets, Step, Wanted
from mien.models.baselines.cdaae import CDAAEOptions, prior
from mien.models.baselines.g2gan import heatmap
from mien.models.baselines.pix2pix import Experts
from mien.models.baselines.registry import RIVALS
from mien.models.embedder import Embedder

NETS = Nets(size=64, width=4, categories=3)
LIGHT = {"stargan": {"blocks": 1}, "ganimation": {"blocks": 1}, "pix2pix": {"layers": 1}, "g2gan": {"layers": 1}}


def rival(name: str):
    torch.manual_seed(0)
    method = RIVALS[name]
    return method(NETS, method.Own(**LIGHT.get(name, {})))


def step(n: int = 2) -> Step:
    """Neutral to happy, neutral to sad, and so on, of noise."""
    lots = torch.Generator().manual_seed(1)
    photos = torch.rand(2, n, 3, 64, 64, generator=lots)
    before, after = torch.eye(3)[[0] * n], torch.eye(3)[[1 + i % 2 for i in range(n)]]
    weights, points = torch.rand(2, n, 57, generator=lots), torch.rand(2, n, 68, 2, generator=lots)
    return Step(*photos, before, after, *weights, *points)


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(2)


@pytest.mark.parametrize("name", RIVALS)
def test_a_face_comes_out_and_the_losses_reach_every_weight(name):
    method, shown = rival(name), step()
    generator, discriminator = method.generator(), method.discriminator()
    made = method.make(generator, shown, draws())
    for who, terms, net in (
        ("D", method.discriminator_terms(discriminator, shown, made, draws()), discriminator),
        ("G", method.generator_terms(generator, discriminator, shown, made, draws()), generator),
    ):
        assert all(term.dim() == 0 and torch.isfinite(term) for term in terms.values()), who
        for other in (generator, discriminator):
            other.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        used = {n for n, p in net.named_parameters() if p.grad is not None and p.grad.any()}
        idle = {n for n, p in net.named_parameters() if p.grad is None}
        unseen = {n for n in idle if name == "pix2pix" and n.startswith("0.")}  # nobody was to become neutral
        assert idle == unseen and used, who
        if who == "D":
            assert all(p.grad is None for p in generator.parameters())  # what was made is held fixed
    generator.eval()
    wanted = Wanted(torch.eye(3)[[1, 1]], shown.weights, shown.points)
    with torch.no_grad():
        faces = method.apply(generator, shown.source, wanted)
        assert faces.shape == (2, 3, 64, 64) and faces.min() >= 0 and faces.max() <= 1
        alone = method.apply(generator, shown.source[:1], Wanted(*(value[:1] for value in wanted[:3])))
    assert torch.allclose(faces[:1], alone, atol=1e-4)  # a face does not depend on its company


def test_the_penalty_of_a_linear_critic():
    """A critic w . x has slope w everywhere; patches that are means of k scores count as one score."""
    weight = torch.tensor([3.0, 4.0])
    real, false = torch.rand(5, 2), torch.rand(5, 2)
    found = parts.gradient_penalty(lambda x: x @ weight[:, None], real, false, draws())
    assert found.item() == pytest.approx((5 - 1) ** 2)
    patches = parts.gradient_penalty(lambda x: (x @ weight[:, None]).expand(-1, 4), real, false, draws())
    assert patches.item() == pytest.approx((5 - 1) ** 2)
    unit = parts.gradient_penalty(lambda x: x @ weight[:, None] / 5, real, false, draws())
    assert unit.item() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("kind", "real", "made", "fooled"), [("wasserstein", -3, -1, 1), ("least-squares", 2, 0.5, 4)])
def test_what_a_critic_and_the_generator_learn_by_hand(kind, real, made, fooled):
    """Scores of 3 for real faces, -1 for made ones."""
    faces = torch.cat([torch.full((2, 3, 4, 4), 3.0), torch.full((2, 3, 4, 4), -1.0)])
    terms = parts.critic_terms(kind, lambda x: x.mean((1, 2, 3))[:, None], faces[:2], faces[2:], 10, draws())
    assert terms["real"].item() == pytest.approx(real) and terms["made"].item() == pytest.approx(made)
    if kind == "wasserstein":
        assert terms["penalty"].item() == pytest.approx(10 * (48**-0.5 - 1) ** 2, rel=1e-4)
    assert parts.fooled(kind, torch.tensor([[-1.0]])).item() == pytest.approx(fooled)


def test_finer_patches():
    scores, reads = parts.Critic(64, 4, 7, patches=3)(torch.rand(2, 3, 64, 64))
    assert scores.shape == (2, 1, 8, 8) and reads.shape == (2, 7)
    assert parts.Critic(64, 4, 7)(torch.rand(2, 3, 64, 64))[0].shape == (2, 1, 2, 2)


def test_told_what_the_face_shows_already():
    method, shown = rival("stargan"), step()
    generator, discriminator = method.generator(), method.discriminator()
    made = method.make(generator, shown, draws())
    assert "same" not in method.generator_terms(generator, discriminator, shown, made, draws())
    method.own = replace(method.own, same_weight=5.0)
    same = method.generator_terms(generator, discriminator, shown, made, draws())["same"]
    with torch.no_grad():
        wanted = 5 * 2 * (generator(shown.source, shown.source_category) - shown.source).abs().mean()
    assert same.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_cross_entropy_and_variation_by_hand():
    assert parts.cross_entropy(torch.zeros(3, 1), True).item() == pytest.approx(math.log(2))
    assert parts.cross_entropy(torch.full((3, 1), 2.0), False).item() == pytest.approx(math.log(1 + math.e**2))
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)  # 1 to the right, 0 down
    assert parts.total_variation(ramp).item() == pytest.approx(1)


def test_attention_blends_and_costs_by_hand():
    photo, colour = torch.full((1, 3, 4, 4), 0.2), torch.full((1, 3, 4, 4), 0.8)
    attention = torch.zeros(1, 1, 4, 4)
    attention[..., 2:] = 1  # the right half stays as it is
    face = ganimation.blend(photo, colour, attention)
    assert torch.allclose(face[..., :2], colour[..., :2]) and torch.allclose(face[..., 2:], photo[..., 2:])
    assert ganimation.attention_loss(attention, 0).item() == pytest.approx(0.5)
    edge = 4 / 12  # of 12 steps to the right, 4 cross the edge
    assert ganimation.attention_loss(attention, 2).item() == pytest.approx(0.5 + 2 * edge * 16)


def test_the_controllers_code():
    code = exprgan.control(torch.tensor([[0.5, -0.25]]), torch.tensor([[0.0, 1.0, 0.0]]))
    assert code.tolist() == [[-0.5, -0.25, 0.5, 0.25, -0.5, -0.25]]


def test_the_heatmap_is_bright_at_its_landmarks():
    points = torch.full((1, 68, 2), -5.0)  # far outside
    points[0, 7] = torch.tensor([(10 + 0.5) / 64, (40 + 0.5) / 64])
    heat = heatmap(points, 64, 0.015)
    assert heat.shape == (1, 1, 64, 64) and heat[0, 0, 40, 10] == 1 == heat.max()
    assert heat[0, 0, 40, 11].item() == pytest.approx(math.exp(-((1 / 64) ** 2) / (2 * 0.015**2)), rel=1e-4)
    assert heat[0, 0, 10, 40] < 1e-6


def test_each_item_goes_to_the_network_of_its_target():
    class Constant(nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def forward(self, photo, nothing):
            return photo + self.value

    experts = Experts(Constant(10.0 * i) for i in range(3))
    photos = torch.arange(4.0).view(4, 1)
    assert experts(photos, torch.eye(3)[[2, 0, 2, 1]]).flatten().tolist() == [20, 1, 22, 13]


def test_strength_where_there_is_one():
    shown = step()
    for name in ("ganimation", "cdaae", "exprgan", "g2gan"):
        method = rival(name)
        assert not method.steady
        generator = method.generator().eval()
        method.learn(generator, shown)
        wanted = Wanted(torch.eye(3)[[1, 1]], shown.weights, shown.points)
        with torch.no_grad():
            full, half, again = (
                method.apply(generator, shown.source, wanted._replace(strength=s)) for s in (1.0, 0.5, 0.5)
            )
        assert torch.equal(half, again) and (full - half).abs().max() > 1e-6, name
    for name in ("pix2pix", "stargan"):
        assert RIVALS[name].steady


def test_landmarks_move_as_those_of_training_did():
    method, shown = rival("g2gan"), step(4)
    generator = method.generator().eval()
    method.learn(generator, shown)
    apart = shown.points - shown.source_points
    assert torch.allclose(generator.shifts[1], apart[[0, 2]].mean(0)) and not generator.shifts[0].any()
    neutral = Wanted(torch.eye(3)[[0] * 4], shown.weights, shown.points, 0.5)
    with pytest.raises(MienError, match="strength towards neutral is 1"):
        method.apply(generator, shown.source, neutral)
    with pytest.raises(MienError, match=r"within 0 and 1, not 1\.5"):
        rival("exprgan").apply(None, shown.source, neutral._replace(strength=1.5))


def test_the_features_of_the_identity_loss():
    torch.manual_seed(0)
    embedder = Embedder().eval()
    faces = torch.rand(2, 3, 64, 64)
    found = parts.features(embedder, faces)
    assert len(found) == 6 and torch.allclose(found[-1], embedder(faces), atol=1e-5)
    assert parts.feature_distance(embedder, faces, faces).item() == 0
    made = torch.rand(2, 3, 64, 64, requires_grad=True)
    parts.feature_distance(embedder, made, faces).backward()
    assert made.grad is not None and made.grad.abs().sum() > 0


def test_identity_terms_are_there_with_an_embedder_alone():
    shown = step()
    for name in ("exprgan", "g2gan"):
        method = rival(name)
        generator, discriminator = method.generator(), method.discriminator()
        made = method.make(generator, shown, draws())
        assert "identity" not in method.generator_terms(generator, discriminator, shown, made, draws())
        method.embedder = Embedder().eval()
        assert "identity" in method.generator_terms(generator, discriminator, shown, made, draws())


def test_the_prior_is_uniform():
    codes = prior(torch.zeros(2000, 5), draws())
    assert codes.min() >= -1 and codes.max() <= 1
    assert codes.mean().abs() < 0.05 and codes.var().item() == pytest.approx(1 / 3, rel=0.05)


def test_options_that_mean_nothing():
    with pytest.raises(MienError, match=r"loss\.path is 1 or 2"):
        replace(CDAAEOptions(), path=3).check()
    with pytest.raises(MienError, match=r"loss\.cycle_weight must not be negative"):
        RIVALS["stargan"].Own(cycle_weight=-1).check()
