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
from mien.models.baselines.parts import Critic, Trunk, critic_terms, fooled, noisy, signed, unsigned


@dataclass(frozen=True)
class StarGANOptions(Options):
    """Weights as in the paper (sec. 7.2). adversarial: "wasserstein" as in the paper, or "least-squares".
    adversarial_weight: of all of L_adv, the penalty included (1). same_weight: of |G(x, c') - x|, which CycleGAN has
    (Zhu et al. 2017, sec. 5.2) and StarGAN has not (0): told what the face shows already, G changes nothing. blocks:
    residual blocks. critic_steps: updates of D for one of G (paper: 5). critic_width: channels of D's first layer, 0:
    as the generator's. patches: halvings before D scores, 0: all, as in the paper.
    noise: deviation of the noise on what D reads in a face, which is in [-1, 1] (0)."""

    adversarial: str = "wasserstein"
    adversarial_weight: float = 1.0
    class_weight: float = 1.0
    cycle_weight: float = 10.0
    penalty_weight: float = 10.0
    same_weight: float = 0.0
    blocks: int = 6
    critic_steps: int = 5
    critic_width: int = 0
    patches: int = 0
    noise: float = 0.0


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
        return Critic(self.nets.size, self.own.critic_width or self.nets.width, self.nets.categories, self.own.patches)

    def make(self, generator: StarGenerator, step: Step, lots: torch.Generator) -> Tensor:
        return generator(step.source, step.category)

    def discriminator_terms(self, discriminator: Critic, step: Step, made: Tensor, lots: torch.Generator) -> Terms:
        own, real, false = self.own, signed(step.target), signed(made.detach())
        reads = discriminator(noisy(real, own.noise, lots))[1]
        terms = critic_terms(own.adversarial, lambda x: discriminator(x)[0], real, false, own.penalty_weight, lots)
        return {name: own.adversarial_weight * term for name, term in terms.items()} | {
            "class": own.class_weight * functional.cross_entropy(reads, step.category.argmax(1)),
        }

    def generator_terms(
        self, generator: StarGenerator, discriminator: Critic, step: Step, made: Tensor, lots: torch.Generator
    ) -> Terms:
        own = self.own
        face = signed(made)
        scores, reads = discriminator(face)[0], discriminator(noisy(face, own.noise, lots))[1]
        back = generator(made, step.source_category)
        terms = {  # distances are of images in [-1, 1]
            "adversarial": own.adversarial_weight * fooled(own.adversarial, scores),
            "class": own.class_weight * functional.cross_entropy(reads, step.category.argmax(1)),
            "cycle": own.cycle_weight * 2 * functional.l1_loss(back, step.source),
        }
        if own.same_weight:
            same = generator(step.source, step.source_category)
            terms["same"] = own.same_weight * 2 * functional.l1_loss(same, step.source)
        return terms

    def apply(self, generator: StarGenerator, photos: Tensor, wanted: Wanted) -> Tensor:
        return generator(photos, wanted.category)
