"""G2-GAN: L. Song, Z. Lu, R. He, Z. Sun, T. Tan, "Geometry Guided Adversarial Facial Expression Synthesis", ACM MM
2018. Landmarks as a heatmap H guide two generators that undo each other: G_E puts an expression on a neutral face, G_N
takes it off.

    L_adv    D_E over (H, face) for G_E(n, H), D_N for G_N(e, H)
    L_pixel  = |G_E(n, H) - e|_1 + |G_N(e, H) - n|_1
    L_cyc    = |G_N(G_E(n, H), H) - n|_1 + |G_E(G_N(e, H), H) - e|_1
    L_id     = |phi(G_E(n, H)) - phi(n)| + |phi(G_N(e, H)) - phi(e)|      phi: a pretrained face network
    L        = adversarial + pixel + cycle + identity, weighted

We read the abstract and others' accounts of the paper, not its tables: the weights, the heatmap's width and the layers
(pix2pix's) are our reading. phi is dlib's network here (Light CNN there). At use the target's landmarks are the face's
own plus the mean displacement of that expression over the people of training, which the weights carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import MienError
from mien.models.baselines.base import Options, Rival, Step, Terms, Wanted
from mien.models.baselines.parts import cross_entropy
from mien.models.patch_discriminator import PatchDiscriminator, PatchDiscriminatorConfig
from mien.models.unet import UNet, UNetConfig, start


@dataclass(frozen=True)
class G2GANOptions(Options):
    """spread: standard deviation of a landmark's dot, as a share of the side. embedder: file of `python -m
    mien.models.embedder_convert`, "" only without identity_weight. layers: strided layers of the PatchGANs."""

    adversarial_weight: float = 1.0
    pixel_weight: float = 100.0
    cycle_weight: float = 10.0
    identity_weight: float = 1.0
    spread: float = 0.015
    layers: int = 3
    embedder: str = ""


def heatmap(points: Tensor, size: int, spread: float) -> Tensor:
    """Landmarks (N, 68, 2), (x, y) as shares of the side -> (N, 1, size, size) in [0, 1]: a dot each, the brightest
    counts."""
    centres = (torch.arange(size, device=points.device) + 0.5) / size
    x, y = (torch.exp(-((centres - points[..., i, None]) ** 2) / (2 * spread**2)) for i in (0, 1))  # (N, 68, size)
    return (y[..., :, None] * x[..., None, :]).amax(dim=1, keepdim=True)


class Guided(UNet):
    """photo (N, 3, S, S) in [0, 1] and heatmap (N, 1, S, S) -> face (N, 3, S, S) in [0, 1]: pix2pix's U-Net with a
    fourth channel."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__(UNetConfig(size=size, categories=1, width=width, condition_width=1))
        self.enter = nn.Conv2d(4, width, 4, 2, 1)
        self.enter.apply(start)

    def guide(self, photo: Tensor, heat: Tensor) -> Tensor:
        nothing = photo.new_ones(len(photo), 1)  # there is no category
        return self(torch.cat([photo, heat], dim=1), nothing)


class Pair(nn.Module):
    """G_E and G_N; shifts (K, 68, 2): the mean displacement of landmarks from neutral to each category."""

    shifts: Tensor

    def __init__(self, size: int, width: int, categories: int) -> None:
        super().__init__()
        self.put_on, self.take_off = Guided(size, width), Guided(size, width)
        self.register_buffer("shifts", torch.zeros(categories, 68, 2))


class Judges(nn.Module):
    """D_E and D_N over (heatmap, face)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        net = PatchDiscriminatorConfig(categories=1, width=width, layers=layers)
        self.expression, self.neutral = PatchDiscriminator(net), PatchDiscriminator(net)


class Made(NamedTuple):
    """heat (N, 1, S, S); expression G_E(n, H) and neutral G_N(e, H), (N, 3, S, S) in [0, 1]."""

    heat: Tensor
    expression: Tensor
    neutral: Tensor


def judged(net: PatchDiscriminator, heat: Tensor, face: Tensor) -> Tensor:
    """Patch scores of a face beside a heatmap."""
    return net(heat.expand(-1, 3, -1, -1), face, heat.new_ones(len(heat), 1))


class G2GAN(Rival):
    """Sources are neutral, targets show something else: each draw trains both ways."""

    Own = G2GANOptions
    own: G2GANOptions
    steady = False
    paired = True
    guided = True

    def generator(self) -> nn.Module:
        return Pair(self.nets.size, self.nets.width, self.nets.categories)

    def discriminator(self) -> nn.Module:
        return Judges(self.nets.width, self.own.layers)

    def learn(self, generator: Pair, shown: Step) -> None:
        for number in range(self.nets.categories):
            rows = shown.category[:, number] > 0
            if rows.any():
                generator.shifts[number] = (shown.points - shown.source_points)[rows].mean(0)

    def make(self, generator: Pair, step: Step, lots: torch.Generator) -> Made:
        heat = heatmap(step.points, self.nets.size, self.own.spread)
        return Made(heat, generator.put_on.guide(step.source, heat), generator.take_off.guide(step.target, heat))

    def discriminator_terms(self, discriminator: Judges, step: Step, made: Made, lots: torch.Generator) -> Terms:
        on, off = discriminator.expression, discriminator.neutral
        return {
            "expression_real": 0.5 * cross_entropy(judged(on, made.heat, step.target), True),
            "expression_made": 0.5 * cross_entropy(judged(on, made.heat, made.expression.detach()), False),
            "neutral_real": 0.5 * cross_entropy(judged(off, made.heat, step.source), True),
            "neutral_made": 0.5 * cross_entropy(judged(off, made.heat, made.neutral.detach()), False),
        }

    def generator_terms(
        self, generator: Pair, discriminator: Judges, step: Step, made: Made, lots: torch.Generator
    ) -> Terms:
        own = self.own
        scores = (
            judged(discriminator.expression, made.heat, made.expression),
            judged(discriminator.neutral, made.heat, made.neutral),
        )
        off = generator.take_off.guide(made.expression, made.heat)
        on = generator.put_on.guide(made.neutral, made.heat)
        l1 = functional.l1_loss
        terms = {  # photos are in [0, 1] here, the weights are for [-1, 1]
            "adversarial": own.adversarial_weight * (cross_entropy(scores[0], True) + cross_entropy(scores[1], True)),
            "pixel": own.pixel_weight * 2 * (l1(made.expression, step.target) + l1(made.neutral, step.source)),
            "cycle": own.cycle_weight * 2 * (l1(off, step.source) + l1(on, step.target)),
        }
        if self.embedder is not None and own.identity_weight:
            ours = self.embedder(torch.cat([made.expression, made.neutral]))
            with torch.no_grad():
                theirs = self.embedder(torch.cat([step.source, step.target]))
            terms["identity"] = own.identity_weight * (ours - theirs).square().sum(1).mean()
        return terms

    def apply(self, generator: Pair, photos: Tensor, wanted: Wanted) -> Tensor:
        """To neutral, the face's own landmarks tell what to take off; else its landmarks, moved."""
        points, size, spread = wanted.points, self.nets.size, self.own.spread
        shift = torch.einsum("nk,kpc->npc", wanted.category, generator.shifts)
        if not shift.any():
            if wanted.strength != 1:
                raise MienError("G2-GAN takes an expression off whole: its strength towards neutral is 1")
            return generator.take_off.guide(photos, heatmap(points, size, spread))
        return generator.put_on.guide(photos, heatmap(points + wanted.strength * shift, size, spread))
