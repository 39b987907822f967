"""CDAAE: Y. Zhou, B. E. Shi, "Photorealistic Facial Expression Synthesis by the Conditional Difference Adversarial
Autoencoder", ACII 2017. The face's low-level features go straight to the decoder; the code and the target's label make
only the difference that the expression makes to them.

    h = E_low(x),   z = E(h),   made = G_out(h + G(z, c))
    min over E, G, max over D_z, D_img:
        lambda |y - made|  +  E log D_z(z*) + E log(1 - D_z(E(x)))              z* of the uniform prior
                           +  E log D_img(y, c) + E log(1 - D_img(made, c))

We read the abstract and the family (the conditional adversarial autoencoder, Zhang et al. 2017), not the paper's
tables: weights, the norm of the first term (L1 here) and the level of the path are our reading, and options. A strength
mixes the label with neutral's, which is ours too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import MienError
from mien.models.baselines.base import Options, Rival, Step, Terms, Wanted
from mien.models.baselines.parts import Judge, LatentJudge, cross_entropy, signed, unsigned


@dataclass(frozen=True)
class CDAAEOptions(Options):
    """l1_weight: lambda. code: length of z. path: halvings before the path leaves the encoder, 1 or 2."""

    l1_weight: float = 100.0
    image_weight: float = 1.0
    code_weight: float = 1.0
    code: int = 50
    path: int = 2

    def check(self) -> None:
        super().check()
        if self.path not in (1, 2) or self.code < 1:
            raise MienError("loss.path is 1 or 2, and loss.code starts at 1")


class Made(NamedTuple):
    """face (N, 3, S, S) in [0, 1]; code (N, D) in (-1, 1)."""

    face: Tensor
    code: Tensor


class DifferenceAutoencoder(nn.Module):
    """photo (N, 3, S, S) in [0, 1], category (N, K) -> `Made`."""

    def __init__(self, size: int, categories: int, width: int, own: CDAAEOptions) -> None:
        super().__init__()
        depth = size.bit_length() - 3  # halvings down to 4x4
        w = [min(2**i, 8) * width for i in range(depth)]
        path = own.path
        self.low = nn.Sequential(*(down(w[i - 1] if i else 3, w[i], norm=i > 0) for i in range(path)))
        self.encode = nn.Sequential(
            *(down(w[i - 1], w[i]) for i in range(path, depth)),
            nn.Flatten(),
            nn.Linear(w[-1] * 16, own.code),
            nn.Tanh(),
        )
        self.grow = nn.Linear(own.code + categories, w[-1] * 16)
        nn.init.normal_(self.grow.weight[:, own.code :], 0.0, 0.3)  # the label must be heard among 50 numbers
        self.differ = nn.Sequential(
            *(up(w[i], w[i - 1]) for i in range(depth - 1, path, -1)),
            nn.ConvTranspose2d(w[path], w[path - 1], 4, 2, 1),
        )
        self.paint = nn.Sequential(
            *(up(w[i], w[i - 1]) for i in range(path - 1, 0, -1)), nn.ConvTranspose2d(w[0], 3, 4, 2, 1)
        )

    def forward(self, photo: Tensor, category: Tensor) -> Made:
        low = self.low(signed(photo))
        code = self.encode(low)
        x = functional.relu(self.grow(torch.cat([code, category], dim=1)))
        difference = self.differ(x.unflatten(1, (-1, 4, 4)))
        return Made(unsigned(torch.tanh(self.paint(low + difference))), code)


def down(inputs: int, outputs: int, norm: bool = True) -> nn.Sequential:
    """Half the size: 4x4 convolution, batch norm, LeakyReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, 2, 1),
        nn.BatchNorm2d(outputs) if norm else nn.Identity(),
        nn.LeakyReLU(0.2),
    )


def up(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the size: transposed 4x4 convolution, batch norm, ReLU."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU())


class CDAAEJudges(nn.Module):
    """D_img over (face, label) and D_z over codes."""

    def __init__(self, size: int, categories: int, width: int, code: int) -> None:
        super().__init__()
        self.image = Judge(size, width, categories)
        self.code = LatentJudge(code)


def prior(like: Tensor, lots: torch.Generator) -> Tensor:
    """Codes by lot, uniform in [-1, 1], as many and as long as `like` (N, D)."""
    return (torch.rand(like.shape, generator=lots) * 2 - 1).to(like.device)


class CDAAE(Rival):
    """An autoencoder of differences, its code held to a prior."""

    Own = CDAAEOptions
    own: CDAAEOptions
    steady = False

    def generator(self) -> nn.Module:
        return DifferenceAutoencoder(self.nets.size, self.nets.categories, self.nets.width, self.own)

    def discriminator(self) -> nn.Module:
        return CDAAEJudges(self.nets.size, self.nets.categories, self.nets.width, self.own.code)

    def make(self, generator: DifferenceAutoencoder, step: Step, lots: torch.Generator) -> Made:
        return generator(step.source, step.category)

    def discriminator_terms(self, discriminator: CDAAEJudges, step: Step, made: Made, lots: torch.Generator) -> Terms:
        image, code = discriminator.image, discriminator.code
        return {
            "image_real": 0.5 * cross_entropy(image(signed(step.target), step.category)[0], True),
            "image_made": 0.5 * cross_entropy(image(signed(made.face.detach()), step.category)[0], False),
            "code_prior": 0.5 * cross_entropy(code(prior(made.code, lots)), True),
            "code_made": 0.5 * cross_entropy(code(made.code.detach()), False),
        }

    def generator_terms(
        self,
        generator: DifferenceAutoencoder,
        discriminator: CDAAEJudges,
        step: Step,
        made: Made,
        lots: torch.Generator,
    ) -> Terms:
        own = self.own
        score = discriminator.image(signed(made.face), step.category)[0]
        return {
            "l1": own.l1_weight * 2 * functional.l1_loss(made.face, step.target),  # of images in [-1, 1]
            "image": own.image_weight * cross_entropy(score, True),
            "code": own.code_weight * cross_entropy(discriminator.code(made.code), True),
        }

    def apply(self, generator: DifferenceAutoencoder, photos: Tensor, wanted: Wanted) -> Tensor:
        still = torch.zeros_like(wanted.category) if wanted.neutral is None else wanted.neutral
        return generator(photos, torch.lerp(still, wanted.category, wanted.strength)).face
