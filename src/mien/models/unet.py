"""The paper's generator: a U-Net that paints the face anew, told a category of expression at its bottleneck.

Wang et al. 2018 (ICMR) and 2019 (TOMM): a U-Net keeps identity and details by its skips, and a category condition makes
one network do all expressions. The text is silent on the rest; the layers are those of pix2pix (Isola et al. 2017).

    photo --> 64 --> 128 --> 256 --> 512 --> ... --> 1x1 <-- category
                |      |       |       |               |
    made <-- 64 <-- 128 <-- 256 <-- 512 <-- ... <------+
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from mien.errors import MienError

SIZES = (64, 128, 256)
DEEPEST = 8
"""The widest layers have this many times `width` channels."""


@dataclass(frozen=True)
class UNetConfig:
    """size: pixels of the square photo. categories: length of the one-hot vector. width: channels of the first layer
    (the paper's family has 64). skips: without them, the encoder-decoder of the ablation.

    condition: where the category enters, "bottleneck" or "every" (the bottleneck and each decoder layer).
    condition_width: channels that it is projected to. norm: "batch", "instance", "group" or "none"; only "batch" lets
    the faces of a batch see each other. dropout: of the three layers after the bottleneck (pix2pix: 0.5).
    """

    size: int = 128
    categories: int = 7
    width: int = 64
    condition: str = "bottleneck"
    condition_width: int = 64
    skips: bool = True
    norm: str = "batch"
    dropout: float = 0.0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def check(self) -> None:
        """Raise a `MienError` for what cannot be built."""
        for sound, what in (
            (self.size in SIZES, f"size is one of {', '.join(map(str, SIZES))}"),
            (self.condition in ("bottleneck", "every"), 'condition is "bottleneck" or "every"'),
            (min(self.categories, self.width, self.condition_width) > 0, "categories and widths start at 1"),
            (0 <= self.dropout < 1, "dropout is from 0 to below 1"),
        ):
            if not sound:
                raise MienError(f"U-Net: {what}")
        normalise(self.norm, self.width)


class UNet(nn.Module):
    """photo (N, 3, S, S) in [0, 1], category (N, K) one-hot -> the same face with that expression, (N, 3, S, S) in
    [0, 1]: a tanh, brought to the range of photos."""

    def __init__(self, config: UNetConfig = UNetConfig()) -> None:
        super().__init__()
        config.check()
        self.config = config
        depth = config.size.bit_length() - 1  # halvings down to one pixel: 7 for 128 px
        w = [config.width * min(2**i, DEEPEST) for i in range(depth)]
        told = [config.condition_width if i == 0 or config.condition == "every" else 0 for i in range(depth)]
        self.enter = nn.Conv2d(3, w[0], 4, 2, 1)
        self.down = nn.ModuleList(
            Down(w[i], w[i + 1], config.norm if i + 2 < depth else "none")  # one pixel has no statistics
            for i in range(depth - 1)
        )
        self.tell = nn.ModuleList(Tell(config.categories, width) for width in told)
        self.rise = Up(w[-1] + told[0], w[-2], config.norm, config.dropout)
        self.up = nn.ModuleList(
            Up(
                w[i] * (2 if config.skips else 1) + told[depth - 1 - i],
                w[i - 1] if i else 3,
                config.norm if i else "none",
                config.dropout if i + 3 >= depth and i else 0.0,
            )
            for i in reversed(range(depth - 1))
        )
        self.apply(start)

    def forward(self, photo: Tensor, category: Tensor) -> Tensor:
        x = self.enter(photo * 2 - 1)
        skips = []
        for down in self.down:
            skips.append(x)  # 64 at 1/2, 128 at 1/4, 256 at 1/8, then 512
            x = down(x)
        x = self.rise(self.tell[0](x, category))  # from one pixel to 2x2
        for up, tell in zip(self.up, self.tell[1:], strict=True):
            skip = skips.pop()
            x = torch.cat([x, skip], dim=1) if self.config.skips else x
            x = up(tell(x, category))
        return (torch.tanh(x) + 1) / 2


class Tell(nn.Module):
    """The category, projected, as planes behind x (N, C, H, W); of width 0: x as it is."""

    def __init__(self, categories: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(categories, width) if width else None
        if self.project is not None:  # as large as features are: from 0.02 it would take thousands of steps to be heard
            nn.init.normal_(self.project.weight)

    def forward(self, x: Tensor, category: Tensor) -> Tensor:
        return x if self.project is None else torch.cat([x, planes(self.project(category), x)], dim=1)


class Down(nn.Sequential):
    """LeakyReLU 0.2, 4x4 convolution with stride 2, norm: half the size."""

    def __init__(self, inputs: int, outputs: int, norm: str) -> None:
        super().__init__(
            nn.LeakyReLU(0.2),
            nn.Conv2d(inputs, outputs, 4, 2, 1, bias=norm != "batch"),
            normalise(norm, outputs),
        )


class Up(nn.Sequential):
    """ReLU, transposed 4x4 convolution with stride 2, norm, dropout: twice the size."""

    def __init__(self, inputs: int, outputs: int, norm: str, dropout: float) -> None:
        super().__init__(
            nn.ReLU(),
            nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=norm != "batch"),
            normalise(norm, outputs),
            nn.Dropout(dropout) if dropout else nn.Identity(),
        )


def planes(values: Tensor, like: Tensor) -> Tensor:
    """(N, C) as constant planes (N, C, H, W) of `like`'s size."""
    return values[:, :, None, None].expand(-1, -1, like.shape[2], like.shape[3])


def normalise(norm: str, channels: int) -> nn.Module:
    """The layer of that name: "batch", "instance" (needs more than one pixel), "group" (16 channels each) or "none"."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if norm == "group":
        groups = max(1, channels // 16)
        return nn.GroupNorm(groups if channels % groups == 0 else 1, channels)
    if norm == "none":
        return nn.Identity()
    raise MienError(f'norm is "batch", "instance", "group" or "none", not {norm!r}')


def start(module: nn.Module) -> None:
    """pix2pix's first weights: convolutions N(0, 0.02), norms around 1, biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d | nn.GroupNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)
