"""The paper's discriminator: a conditional PatchGAN over (condition face, candidate face, category).

Wang et al. 2019: beside real against generated it learns same against other identity, because generated faces are also
shown beside condition faces of other people (`mien.data.identity_pairs` draws them). Layers as in pix2pix (Isola et al.
2017): with three strided layers each score sees 70x70 px.

    condition --+
    candidate --+--> 64 --> 128 --> 256 --> 512 --> a score a patch
    category  --+ (planes; or projected onto the last layer)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import MienError
from mien.models.unet import DEEPEST, normalise, planes, start


@dataclass(frozen=True)
class PatchDiscriminatorConfig:
    """categories: length of the one-hot vector. width: channels of the first layer. layers: strided layers (1: patches
    of 16 px, 2: 34, 3: 70). norm: as in `UNetConfig`. condition: how the category enters, "planes" beside the faces or
    "projection" (Miyato & Koyama 2018)."""

    categories: int = 7
    width: int = 64
    layers: int = 3
    norm: str = "batch"
    condition: str = "planes"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def check(self) -> None:
        """Raise a `MienError` for what cannot be built."""
        for sound, what in (
            (self.condition in ("planes", "projection"), 'condition is "planes" or "projection"'),
            (min(self.categories, self.width, self.layers) > 0, "categories, width and layers start at 1"),
        ):
            if not sound:
                raise MienError(f"discriminator: {what}")
        normalise(self.norm, self.width)


class PatchDiscriminator(nn.Module):
    """condition, candidate (N, 3, S, S) in [0, 1], category (N, K) one-hot -> scores (N, 1, h, w): logits, high where a
    patch looks like a real photo of the condition's person with that expression."""

    def __init__(self, config: PatchDiscriminatorConfig = PatchDiscriminatorConfig()) -> None:
        super().__init__()
        config.check()
        self.config = config
        tiled = config.categories if config.condition == "planes" else 0
        widths = [config.width * min(2**i, DEEPEST) for i in range(config.layers + 1)]
        self.first = nn.Sequential(nn.Conv2d(6 + tiled, widths[0], 4, 2, 1), nn.LeakyReLU(0.2))
        self.body = nn.Sequential(
            *(
                Layer(widths[i - 1], widths[i], stride=2 if i < config.layers else 1, norm=config.norm)
                for i in range(1, config.layers + 1)
            )
        )
        self.score = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        self.project = None if tiled else nn.Linear(config.categories, widths[-1])
        self.apply(start)

    def forward(self, condition: Tensor, candidate: Tensor, category: Tensor) -> Tensor:
        faces = torch.cat([condition, candidate], dim=1) * 2 - 1
        if self.project is None:
            faces = torch.cat([faces, planes(category, faces)], dim=1)
        x = self.body(self.first(faces))
        scores = self.score(x)
        if self.project is not None:
            fit = (x * planes(self.project(category), x)).mean(1, keepdim=True)
            scores = scores + functional.avg_pool2d(fit, 2, 1)  # a score lies between four places of x
        return scores


class Layer(nn.Sequential):
    """4x4 convolution, norm, LeakyReLU 0.2."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: str) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 4, stride, 1, bias=norm != "batch"),
            normalise(norm, outputs),
            nn.LeakyReLU(0.2),
        )
