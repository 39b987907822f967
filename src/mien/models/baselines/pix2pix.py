"""pix2pix: P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017. It knows no categories: each expression has a generator and a discriminator of its own, and each
face of a batch goes to those of its target.

    L_cGAN(G, D) = E log D(x, y) + E log(1 - D(x, G(x)))       eq. 1
    L_L1(G)      = E |y - G(x)|_1                               eq. 3
    G*           = arg min_G max_D L_cGAN + lambda L_L1         eq. 4, lambda = 100; D's loss is halved (sec. 3.3)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.baselines.base import Options, Rival, Step, Terms, Wanted
from mien.models.baselines.parts import cross_entropy
from mien.models.patch_discriminator import PatchDiscriminator, PatchDiscriminatorConfig
from mien.models.unet import UNet, UNetConfig


@dataclass(frozen=True)
class Pix2PixOptions(Options):
    """l1_weight: lambda. dropout: of the first decoder layers, the noise of sec. 3.2; the averaged network at use has
    none. layers: strided layers of the PatchGAN (3: 70 px)."""

    adversarial_weight: float = 1.0
    l1_weight: float = 100.0
    dropout: float = 0.5
    layers: int = 3


class Experts(nn.ModuleList):
    """K networks of (..., category): each item of a batch goes to the one of its category. Batches of one are the
    paper's, so the norm is that of instances."""

    def forward(self, *inputs: Tensor) -> Tensor:
        *photos, category = inputs
        chosen = category.argmax(dim=1)
        parts, order = [], []
        for number in chosen.unique().tolist():
            rows = (chosen == number).nonzero()[:, 0]
            nothing = torch.ones(len(rows), 1, device=category.device)
            parts.append(self[number](*(photo[rows] for photo in photos), nothing))
            order.append(rows)
        return torch.cat(parts)[torch.cat(order).argsort()]


class Pix2Pix(Rival):
    """One U-Net and one PatchGAN an expression."""

    Own = Pix2PixOptions
    own: Pix2PixOptions

    def generator(self) -> nn.Module:
        net = UNetConfig(
            size=self.nets.size, categories=1, width=self.nets.width, condition_width=1, norm="instance",
            dropout=self.own.dropout,
        )  # fmt: skip
        return Experts(UNet(net) for _ in range(self.nets.categories))

    def discriminator(self) -> nn.Module:
        net = PatchDiscriminatorConfig(categories=1, width=self.nets.width, layers=self.own.layers, norm="instance")
        return Experts(PatchDiscriminator(net) for _ in range(self.nets.categories))

    def make(self, generator: Experts, step: Step, lots: torch.Generator) -> Tensor:
        return generator(step.source, step.category)

    def discriminator_terms(self, discriminator: Experts, step: Step, made: Tensor, lots: torch.Generator) -> Terms:
        return {
            "real": 0.5 * cross_entropy(discriminator(step.source, step.target, step.category), True),
            "made": 0.5 * cross_entropy(discriminator(step.source, made.detach(), step.category), False),
        }

    def generator_terms(
        self, generator: Experts, discriminator: Experts, step: Step, made: Tensor, lots: torch.Generator
    ) -> Terms:
        scores = discriminator(step.source, made, step.category)
        return {
            "adversarial": self.own.adversarial_weight * cross_entropy(scores, True),
            "l1": self.own.l1_weight * 2 * functional.l1_loss(made.float(), step.target),  # of images in [-1, 1]
        }

    def apply(self, generator: Experts, photos: Tensor, wanted: Wanted) -> Tensor:
        return generator(photos, wanted.category)
