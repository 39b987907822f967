"""GANimation: A. Pumarola et al., "GANimation: Anatomically-aware Facial Animation from a Single Image", ECCV 2018.
A continuous condition y in place of categories: action units there, the 57 shape weights of our rig here.

    I_yo   = (1 - A) C + A I_yr                                           eq. 1: attention A, colour C
    L_I    = E D_I(G(I, y)) - E D_I(I) + lambda_gp E (|grad D_I| - 1)^2    eq. 2
    L_A    = lambda_TV sum of squared differences of A + |A|_2            eq. 3
    L_y    = E |D_y(G(I, y_f)) - y_f|^2 + E |D_y(I) - y_r|^2               eq. 4
    L_idt  = E |G(G(I, y_f), y_r) - I|_1                                  eq. 5
    L      = L_I + lambda_y L_y + lambda_A L_A (made and back) + lambda_idt L_idt      eq. 6
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.expression import SHAPES
from mien.models.baselines.base import Options, Rival, Step, Terms, Wanted
from mien.models.baselines.parts import (
    Critic,
    Trunk,
    critic_terms,
    fooled,
    noisy,
    signed,
    total_variation,
    unsigned,
)


@dataclass(frozen=True)
class GANimationOptions(Options):
    """Weights as in the paper (sec. 6). adversarial: "wasserstein" as in the paper, or "least-squares".
    adversarial_weight: of all of L_I, the penalty included (1). blocks: residual blocks. critic_steps: updates of D for
    one of G (paper: 5). critic_width: channels of D's first layer, 0: as the generator's. patches: halvings before D
    scores, 0: all, as in the paper.
    noise: deviation of the noise on what D reads in a face, which is in [-1, 1] (0)."""

    adversarial: str = "wasserstein"
    adversarial_weight: float = 1.0
    condition_weight: float = 4000.0
    cycle_weight: float = 10.0
    penalty_weight: float = 10.0
    attention_weight: float = 0.1
    variation_weight: float = 1e-4
    blocks: int = 6
    critic_steps: int = 5
    critic_width: int = 0
    patches: int = 0
    noise: float = 0.0


class Painted(NamedTuple):
    """face (N, 3, S, S) in [0, 1]; attention (N, 1, S, S) in [0, 1], 1 where the photo stays as it is."""

    face: Tensor
    attention: Tensor


def blend(photo: Tensor, colour: Tensor, attention: Tensor) -> Tensor:
    """Eq. 1: the photo where attention is 1, the colour where it is 0."""
    return (1 - attention) * colour + attention * photo


def attention_loss(attention: Tensor, variation_weight: float) -> Tensor:
    """Eq. 3 as means over pixels: smooth, and not 1 everywhere, or nothing would be painted."""
    return variation_weight * total_variation(attention) * attention[0].numel() + attention.square().mean()


class Animator(nn.Module):
    """photo (N, 3, S, S) in [0, 1], weights (N, 57) -> `Painted`."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = Trunk(len(SHAPES), width, blocks)
        self.colour = nn.Conv2d(width, 3, 7, 1, 3, bias=False)
        self.attend = nn.Conv2d(width, 1, 7, 1, 3, bias=False)

    def forward(self, photo: Tensor, weights: Tensor) -> Painted:
        x = self.trunk(signed(photo), weights)
        attention = torch.sigmoid(self.attend(x))
        return Painted(blend(photo, unsigned(torch.tanh(self.colour(x))), attention), attention)


class GANimation(Rival):
    """Attention and colour; a critic that also reads the weights; a cycle."""

    Own = GANimationOptions
    own: GANimationOptions
    steady = False

    def generator(self) -> nn.Module:
        return Animator(self.nets.width, self.own.blocks)

    def discriminator(self) -> nn.Module:
        return Critic(self.nets.size, self.own.critic_width or self.nets.width, len(SHAPES), self.own.patches)

    def make(self, generator: Animator, step: Step, lots: torch.Generator) -> Painted:
        return generator(step.source, step.weights)

    def discriminator_terms(self, discriminator: Critic, step: Step, made: Painted, lots: torch.Generator) -> Terms:
        own, real, false = self.own, signed(step.target), signed(made.face.detach())
        reads = discriminator(noisy(real, own.noise, lots))[1]
        terms = critic_terms(own.adversarial, lambda x: discriminator(x)[0], real, false, own.penalty_weight, lots)
        return {name: own.adversarial_weight * term for name, term in terms.items()} | {
            "condition": own.condition_weight * functional.mse_loss(reads, step.weights),
        }

    def generator_terms(
        self, generator: Animator, discriminator: Critic, step: Step, made: Painted, lots: torch.Generator
    ) -> Terms:
        own = self.own
        face = signed(made.face)
        scores, reads = discriminator(face)[0], discriminator(noisy(face, own.noise, lots))[1]
        back = generator(made.face, step.source_weights)
        masks = sum(attention_loss(shown.attention, own.variation_weight) for shown in (made, back))
        return {
            "adversarial": own.adversarial_weight * fooled(own.adversarial, scores),
            "condition": own.condition_weight * functional.mse_loss(reads, step.weights),
            "cycle": own.cycle_weight * 2 * functional.l1_loss(back.face, step.source),  # of images in [-1, 1]
            "attention": own.attention_weight * torch.as_tensor(masks),
        }

    def apply(self, generator: Animator, photos: Tensor, wanted: Wanted) -> Tensor:
        return generator(photos, wanted.weights * wanted.strength).face
