"""A residual network that names an expression: the ResNet-18 kind, as narrow as two cores ask for.

He et al. 2016 (CVPR), table 1 and figure 5: four stages of two basic blocks. For aligned crops of 64 to 128 px the stem
is one 3x3 convolution with stride 2, in place of their 7x7 and pooling for 224 px.

    photo --> stem 1/2 --> stage 1/2 --> stage 1/4 --> stage 1/8 --> stage 1/16 --> mean --> a score a label
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import MienError


@dataclass(frozen=True)
class ResNetConfig:
    """labels: length of the scores. widths: channels of each stage (ResNet-18: 64, 128, 256, 512). blocks: of each
    stage. dropout: before the last layer."""

    labels: int = 7
    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    dropout: float = 0.2

    def check(self) -> None:
        """Raise a `MienError` for what cannot be built."""
        for sound, what in (
            (len(self.widths) == len(self.blocks) > 0, "widths and blocks are of equal length: one number a stage"),
            (min(*self.widths, *self.blocks, self.labels, 1) > 0, "widths, blocks and labels start at 1"),
            (0 <= self.dropout < 1, "dropout is from 0 to below 1"),
        ):
            if not sound:
                raise MienError(f"classifier: {what}")


class ResNet(nn.Module):
    """photo (N, 3, S, S), normalised as its card says -> logits (N, labels)."""

    def __init__(self, config: ResNetConfig = ResNetConfig()) -> None:
        super().__init__()
        config.check()
        self.config = config
        widths = (config.widths[0], *config.widths)
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.stages = nn.Sequential(
            *(
                Block(widths[stage] if block == 0 else width, width, 2 if stage and block == 0 else 1)
                for stage, (width, count) in enumerate(zip(config.widths, config.blocks, strict=True))
                for block in range(count)
            )
        )
        self.dropout = nn.Dropout(config.dropout)
        self.score = nn.Linear(config.widths[-1], config.labels)
        self.apply(_start)
        for block in self.stages:  # each block begins as the identity (Goyal et al. 2017): steadier first steps
            assert isinstance(block, Block)
            nn.init.zeros_(block.second[1].weight)

    def forward(self, photo: Tensor) -> Tensor:
        x = self.stages(self.stem(photo))
        scores: Tensor = self.score(self.dropout(x.mean(dim=(2, 3))))
        return scores


class Block(nn.Module):
    """Two 3x3 convolutions beside a way past them: a basic block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        same = stride == 1 and inputs == outputs
        self.past = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.past(x) + self.second(self.first(x)))


def _start(module: nn.Module) -> None:
    """He et al. 2015: convolutions by their fan-out."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)


def scores(network: ResNet, photos: Tensor) -> Tensor:
    """The logits (N, labels) of normalised photos (N, 3, S, S), in evaluation mode and without gradients."""
    with torch.no_grad():
        out: Tensor = network.eval()(photos)
    return out
