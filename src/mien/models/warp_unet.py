"""The generator: a conditional U-Net that moves and relights the photo instead of repainting it.

A U-Net (Ronneberger et al. 2015; pix2pix, Isola et al. 2017) with a category condition, as in Wang et al. 2019, whose
last layer gives flow, shading, paint and alpha rather than colours, and where the rows of teeth lie. The body works at
half the crop's resolution, where flow and shading have all their detail; a light head at full resolution sharpens lips
and lids.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.lay_teeth import lay_teeth
from mien.rig.flowfield import window
from mien.synthesis.dentition import REACH


class MapTensors(NamedTuple):
    """How square crops (N, ., S, S) change; as `mien.synthesis.maps.Maps` and `mien.synthesis.dentition.Teeth`."""

    flow: Tensor  # (N, 2, S, S) crop px
    shading: Tensor  # (N, 1, S, S) log ratio
    paint: Tensor  # (N, 3, S, S) in [0, 1]
    alpha: Tensor  # (N, 1, S, S) in [0, 1]
    upper: Tensor  # (N, 2, S, S) crop px
    lower: Tensor  # (N, 2, S, S) crop px
    enamel: Tensor  # (N, 3, S, S) in [0, 1]


@dataclass(frozen=True)
class WarpUNetConfig:
    """widths: channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the inner size; head: channels at the inner size itself.

    inner: pixels of the square that the network works on; a crop of another size is brought to it, and its maps back.
    """

    shapes: int = 57
    widths: tuple[int, ...] = (16, 32, 64, 128, 224)
    head: int = 12
    condition: int = 128
    inner: int = 192
    flow_scale: float = 16.0  # crop pixels of 256

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Modulated(nn.Module):
    """3x3 convolution, group norm, a scale and shift from the condition (FiLM, Perez et al. 2018), SiLU."""

    def __init__(self, inputs: int, outputs: int, condition: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.GroupNorm(max(1, outputs // 16), outputs)
        self.film = nn.Linear(condition, 2 * outputs)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.film(condition)[:, :, None, None].chunk(2, dim=1)
        return functional.silu(self.norm(self.conv(x)) * (1 + scale) + shift)


class WarpUNet(nn.Module):
    """photo (N, 3, 256, 256), expression (N, 57), amount (N, 1) -> `MapTensors`."""

    window: Tensor

    def __init__(self, config: WarpUNetConfig = WarpUNetConfig()) -> None:
        super().__init__()
        self.config = config
        w, c = config.widths, config.condition
        self.embed = nn.Sequential(nn.Linear(config.shapes + 1, c), nn.SiLU(), nn.Linear(c, c), nn.SiLU())
        self.stem = nn.Conv2d(3 + 2, w[0], 3, 1, 1)
        self.down = nn.ModuleList(Modulated(a, b, c, stride=2) for a, b in pairwise(w))
        self.same = nn.ModuleList(Modulated(b, b, c) for b in w[1:])
        self.middle = nn.ModuleList([Modulated(w[-1], w[-1], c), Modulated(w[-1], w[-1], c)])
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(w[-2::-1], w[:0:-1], strict=False))
        self.up = nn.ModuleList(Modulated(a, a, c) for a in w[-2::-1])
        self.coarse = nn.Conv2d(w[0], 7, 3, 1, 1)
        self.rows = nn.Conv2d(w[0], 7, 3, 1, 1)
        self.spread = nn.Conv2d(w[0], 4 * 8, 1)
        self.fine = nn.Conv2d(8 + 3 + 7, config.head, 3, 1, 1)
        self.last = nn.Conv2d(config.head, 7, 3, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.normal_(self.coarse.weight, std=1e-3)
        nn.init.normal_(self.rows.weight, std=1e-3)
        with torch.no_grad():
            assert self.rows.bias is not None
            self.rows.bias.copy_(torch.tensor([0.0, 0, 0, 0, 1.4, 1.3, 1.0]))
            self.coarse.bias.copy_(torch.tensor([0, 0, 0, 0.3, -1.0, -1.0, -4.0]))
            assert self.last.bias is not None
            self.last.bias.zero_()
        self.register_buffer("window", torch.from_numpy(np.array(window(256)))[None, None], persistent=False)

    def forward(self, photo: Tensor, expression: Tensor, amount: Tensor) -> MapTensors:
        size, inner = photo.shape[-1], self.config.inner
        if size == inner:
            return self.finish(self.raw(photo, expression, amount), inner)
        small = functional.interpolate(photo, size=(inner, inner), mode="bilinear", align_corners=False)
        maps = self.finish(self.raw(small, expression, amount), inner)
        large = MapTensors(
            *(functional.interpolate(m, size=(size, size), mode="bilinear", align_corners=False) for m in maps)
        )
        k = size / inner
        return large._replace(flow=large.flow * k, upper=large.upper * k, lower=large.lower * k)

    def raw(self, photo: Tensor, expression: Tensor, amount: Tensor) -> Tensor:
        """The fourteen channels before their ranges: (N, 14, H, W)."""
        condition = self.embed(torch.cat([expression, amount], dim=1))
        centred = photo * 2 - 1
        half = functional.avg_pool2d(centred, 2)
        x = self.stem(torch.cat([half, self._position(half)], dim=1))  # (N, 16, 128, 128)
        skips = [x]
        for down, same in zip(self.down, self.same, strict=True):
            x = down(x, condition)
            x = x + same(x, condition)
            skips.append(x)  # 32 at 64, 64 at 32, 128 at 16, 224 at 8
        for block in self.middle:
            x = x + block(x, condition)
        for narrow, up, skip in zip(self.narrow, self.up, skips[-2::-1], strict=True):
            x = functional.interpolate(narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False) + skip
            x = x + up(x, condition)
        coarse = functional.interpolate(self.coarse(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        detail = functional.pixel_shuffle(self.spread(x), 2)
        fine = functional.silu(self.fine(torch.cat([detail, centred, coarse], dim=1)))
        rows = functional.interpolate(self.rows(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([coarse + self.last(fine), rows], dim=1)

    def finish(self, maps: Tensor, size: int) -> MapTensors:
        """Ranges, and the window that makes every edit end before the crop does."""
        edge = self.edge(size)
        flow = maps[:, 0:2] * (self.config.flow_scale * size / 256) * edge
        shading = torch.tanh(maps[:, 2:3]) * edge
        paint = torch.sigmoid(maps[:, 3:6])
        alpha = torch.sigmoid(maps[:, 6:7]) * edge
        rows = REACH * size / 256 * torch.tanh(maps[:, 7:11] / 3)
        return MapTensors(flow, shading, paint, alpha, rows[:, :2], rows[:, 2:], torch.sigmoid(maps[:, 11:14]))

    def edge(self, size: int) -> Tensor:
        """(1, 1, size, size) in [0, 1]: where the generator may change anything at all."""
        if size == self.window.shape[-1]:
            return self.window
        return functional.interpolate(self.window, size=(size, size), mode="bilinear", align_corners=False)

    def _position(self, half: Tensor) -> Tensor:
        """(N, 2, h, w) coordinates in [-1, 1]: crops are aligned, so place means something."""
        n, _, h, w = half.shape
        y = torch.linspace(-1, 1, h, dtype=half.dtype, device=half.device).view(1, 1, h, 1).expand(n, 1, h, w)
        x = torch.linspace(-1, 1, w, dtype=half.dtype, device=half.device).view(1, 1, 1, w).expand(n, 1, h, w)
        return torch.cat([x, y], dim=1)


def apply_maps(photo: Tensor, maps: MapTensors) -> Tensor:
    """The output crop (N, 3, H, W): photo(p + flow(p)) * exp(shading) * (1 - alpha) + paint * alpha, teeth on paint."""
    h, w = photo.shape[-2:]
    y = torch.arange(h, dtype=photo.dtype, device=photo.device).view(1, h, 1)
    x = torch.arange(w, dtype=photo.dtype, device=photo.device).view(1, 1, w)
    at_x, at_y = x + maps.flow[:, 0], y + maps.flow[:, 1]
    grid = torch.stack([at_x * (2 / (w - 1)) - 1, at_y * (2 / (h - 1)) - 1], dim=-1)
    moved = functional.grid_sample(photo, grid, mode="bilinear", padding_mode="border", align_corners=True)
    paint = lay_teeth(maps.paint, maps.upper, maps.lower, maps.enamel)
    return moved * torch.exp(maps.shading) * (1 - maps.alpha) + paint * maps.alpha
