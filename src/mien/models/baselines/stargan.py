"""StarGAN: Y. Choi et al., "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image
Translation", CVPR 2018. One generator for all expressions, which never sees a pair.

    L_adv   = E D(x) - E D(G(x, c)) - lambda_gp E (|grad D(x^)| - 1)^2     eq. 8 (WGAN-GP)
    L_cls^r = E - log D_cls(c' | x)                                       eq. 2, real faces, for D
    L_cls^f = E - log D_cls(c | G(x, c))                                  eq. 3, made faces, for G
    L_rec   = E | x - G(G(x, c), c') |_1                                  eq. 4
    L_D     = - L_adv + lambda_cls L_cls^r                                eq. 5
    L_G     = L_adv + lambda_cls L_cls^f + lambda_rec L_rec               eq. 6; lambda_cls 1, lambda_rec 10, gp 10
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.baselines.base import Options, Rival, Step, Terms, Wanted
from mien.models.baselines.parts import Critic, Trunk, gradient_penalty, signed, unsigned


@dataclass(frozen=True)
class StarGANOptions(Options):
    """Weights as in the paper (sec. 7.2). blocks: residual blocks. critic_steps: updates of D for one of G (paper: 5).
    critic_width: channels of D's first layer, 0: as the generator's."""

    class_weight: float = 1.0
    cycle_weight: float = 10.0
    penalty_weight: float = 10.0
    blocks: int = 6
    critic_steps: int = 5
    critic_width: int = 0


class StarGenerator(nn.Module):
    """photo (N, 3, S, S) in [0, 1], category (N, K) -> made (N, 3, S, S) in [0, 1]."""

    def __init__(self, categories: int, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = Trunk(categories, width, blocks)
        self.paint = nn.Conv2d(width, 3, 7, 1, 3, bias=False)

    def forward(self, photo: Tensor, category: Tensor) -> Tensor:
        return unsigned(torch.tanh(self.paint(self.trunk(signed(photo), category))))


class StarGAN(Rival):
    """A generator told the category, a critic that also classifies, a cycle."""

    Own = StarGANOptions
    own: StarGANOptions

    def generator(self) -> nn.Module:
        return StarGenerator(self.nets.categories, self.nets.width, self.own.blocks)

    def discriminator(self) -> nn.Module:
        return Critic(self.nets.size, self.own.critic_width or self.nets.width, self.nets.categories)

    def make(self, generator: StarGenerator, step: Step, lots: torch.Generator) -> Tensor:
        return generator(step.source, step.category)

    def discriminator_terms(self, discriminator: Critic, step: Step, made: Tensor, lots: torch.Generator) -> Terms:
        own, real, false = self.own, signed(step.target), signed(made.detach())
        scores, reads = discriminator(real)
        return {
            "real": -scores.mean(),
            "made": discriminator(false)[0].mean(),
            "penalty": own.penalty_weight * gradient_penalty(lambda x: discriminator(x)[0], real, false, lots),
            "class": own.class_weight * functional.cross_entropy(reads, step.category.argmax(1)),
        }

    def generator_terms(
        self, generator: StarGenerator, discriminator: Critic, step: Step, made: Tensor, lots: torch.Generator
    ) -> Terms:
        own = self.own
        scores, reads = discriminator(signed(made))
        back = generator(made, step.source_category)
        return {
            "adversarial": -scores.mean(),
            "class": own.class_weight * functional.cross_entropy(reads, step.category.argmax(1)),
            "cycle": own.cycle_weight * 2 * functional.l1_loss(back, step.source),  # of images in [-1, 1]
        }

    def apply(self, generator: StarGenerator, photos: Tensor, wanted: Wanted) -> Tensor:
        return generator(photos, wanted.category)
