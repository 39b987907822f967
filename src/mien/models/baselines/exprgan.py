"""ExprGAN: H. Ding, K. Sricharan, R. Chellappa, "ExprGAN: Facial Expression Editing with Controllable Expression
Intensity", AAAI 2018. An autoencoder whose decoder is told an expression code made by a controller; it learns to
rebuild each photo from its own label, without pairs, and is edited by another code.

    c        = F_ctrl(z_y, y):  the block of y is |z_y|, the others are -|z_y|,  z_y uniform in [-1, 1]^d     eq. 1
    L_pixel  = |G_dec(G_enc(x), c) - x|_1                                                                     eq. 4
    L_id     = sum over levels of a pretrained face network of |phi(G) - phi(x)|_1                            eq. 5
    L_Q      = E |Q(G) - c|^2: the code can be read off the face (a lower bound of mutual information)        eq. 3
    L_adv^img, L_adv^z: D_img over (face, label), D_z over codes of a uniform prior                           eq. 6-8
    L        = L_pixel + l1 L_id + l2 L_Q + l3 L_adv^img + l4 L_adv^z + l5 L_tv;  1, 1, 0.01, 0.01, 0.001      eq. 9, 10

The equations are numbered by our memory of their order. The face network is dlib's here (VGG-Face there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import MienError
from mien.models.baselines.base import Options, Rival, Step, Terms, Wanted
from mien.models.baselines.cdaae import down, prior, up
from mien.models.baselines.parts import (
    Judge,
    LatentJudge,
    cross_entropy,
    feature_distance,
    signed,
    total_variation,
    unsigned,
)


@dataclass(frozen=True)
class ExprGANOptions(Options):
    """Weights as in the paper. code: length of G_enc's; block: d, numbers of the expression code a category. embedder:
    file of `python -m mien.models.embedder_convert`, "" only without identity_weight."""

    pixel_weight: float = 1.0
    identity_weight: float = 1.0
    read_weight: float = 1.0
    image_weight: float = 0.01
    code_weight: float = 0.01
    variation_weight: float = 0.001
    code: int = 50
    block: int = 5
    embedder: str = ""

    def check(self) -> None:
        super().check()
        if min(self.code, self.block) < 1:
            raise MienError("loss.code and loss.block start at 1")


class Made(NamedTuple):
    """face (N, 3, S, S) in [0, 1]; code (N, D) of G_enc; told (N, K d), the controller's."""

    face: Tensor
    code: Tensor
    told: Tensor


def control(intensity: Tensor, category: Tensor) -> Tensor:
    """F_ctrl: z_y (N, d), y (N, K) one-hot -> c (N, K d): |z_y| in the block of y, -|z_y| in the others."""
    sign = category * 2 - 1
    return (sign[:, :, None] * intensity.abs()[:, None]).flatten(1)


class Autoencoder(nn.Module):
    """G_enc: photo (N, 3, S, S) in [0, 1] -> code; G_dec: code and the controller's -> face."""

    def __init__(self, size: int, categories: int, width: int, own: ExprGANOptions) -> None:
        super().__init__()
        depth = size.bit_length() - 3  # halvings down to 4x4
        w = [min(2**i, 8) * width for i in range(depth)]
        self.encode = nn.Sequential(
            *(down(w[i - 1] if i else 3, w[i], norm=i > 0) for i in range(depth)),
            nn.Flatten(),
            nn.Linear(w[-1] * 16, own.code),
            nn.Tanh(),
        )
        self.grow = nn.Linear(own.code + categories * own.block, w[-1] * 16)
        self.paint = nn.Sequential(
            *(up(w[i], w[i - 1]) for i in range(depth - 1, 0, -1)), nn.ConvTranspose2d(w[0], 3, 4, 2, 1)
        )

    def forward(self, photo: Tensor, told: Tensor) -> Made:
        code = self.encode(signed(photo))
        x = functional.relu(self.grow(torch.cat([code, told], dim=1))).unflatten(1, (-1, 4, 4))
        return Made(unsigned(torch.tanh(self.paint(x))), code, told)


class ExprGANJudges(nn.Module):
    """D_img, D_z, and Q upon D_img's features."""

    def __init__(self, size: int, categories: int, width: int, own: ExprGANOptions) -> None:
        super().__init__()
        self.image = Judge(size, width, categories)
        self.code = LatentJudge(own.code)
        self.read = nn.Sequential(nn.Linear(8 * width, 64), nn.LeakyReLU(0.2), nn.Linear(64, categories * own.block))


class ExprGAN(Rival):
    """Rebuilds the target photo from its own label; the source photo is not looked at."""

    Own = ExprGANOptions
    own: ExprGANOptions
    steady = False

    def generator(self) -> nn.Module:
        return Autoencoder(self.nets.size, self.nets.categories, self.nets.width, self.own)

    def discriminator(self) -> nn.Module:
        return ExprGANJudges(self.nets.size, self.nets.categories, self.nets.width, self.own)

    def make(self, generator: Autoencoder, step: Step, lots: torch.Generator) -> Made:
        drawn = prior(step.category.new_zeros(len(step.target), self.own.block), lots)
        return generator(step.target, control(drawn, step.category))

    def discriminator_terms(self, discriminator: ExprGANJudges, step: Step, made: Made, lots: torch.Generator) -> Terms:
        score, features = discriminator.image(signed(made.face.detach()), step.category)
        return {
            "image_real": cross_entropy(discriminator.image(signed(step.target), step.category)[0], True),
            "image_made": cross_entropy(score, False),
            "code_prior": cross_entropy(discriminator.code(prior(made.code, lots)), True),
            "code_made": cross_entropy(discriminator.code(made.code.detach()), False),
            "read": self.own.read_weight * functional.mse_loss(discriminator.read(features), made.told),
        }

    def generator_terms(
        self, generator: Autoencoder, discriminator: ExprGANJudges, step: Step, made: Made, lots: torch.Generator
    ) -> Terms:
        own = self.own
        score, features = discriminator.image(signed(made.face), step.category)
        terms = {
            "pixel": own.pixel_weight * 2 * functional.l1_loss(made.face, step.target),  # of images in [-1, 1]
            "read": own.read_weight * functional.mse_loss(discriminator.read(features), made.told),
            "image": own.image_weight * cross_entropy(score, True),
            "code": own.code_weight * cross_entropy(discriminator.code(made.code), True),
            "variation": own.variation_weight * total_variation(signed(made.face)),
        }
        if self.embedder is not None and own.identity_weight:
            terms["identity"] = own.identity_weight * feature_distance(self.embedder, made.face, step.target)
        return terms

    def apply(self, generator: Autoencoder, photos: Tensor, wanted: Wanted) -> Tensor:
        if not 0 <= wanted.strength <= 1:
            raise MienError(f"ExprGAN's intensity is within 0 and 1, not {wanted.strength:g}")
        full = wanted.category.new_full((len(photos), self.own.block), wanted.strength)
        return generator(photos, control(full, wanted.category)).face
