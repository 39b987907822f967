"""`mien.synthesis.dentition.lay` for tensors, so that losses see the picture with its teeth."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional

from mien.synthesis.dentition import ENAMEL, LEFT, LOWER, UPPER, WIDTH, atlas

DENSITY = 2  # atlas px a crop px of 256: training works at 192 px and below


@functools.lru_cache(maxsize=4)
def _rows(device: torch.device) -> tuple[Tensor, Tensor]:
    upper, lower = (torch.from_numpy(row.copy()).permute(2, 0, 1)[None] for row in atlas(DENSITY))
    return upper.to(device), lower.to(device)


def lay_teeth(paint: Tensor, upper: Tensor, lower: Tensor, enamel: Tensor) -> Tensor:
    """Paint (N, 3, S, S) in [0, 1] with the rows before it; upper, lower (N, 2, S, S) in px of the S px crop,
    enamel (N, 3, S, S) in [0, 1]."""
    n, _, size, _ = paint.shape
    k = 256 / size
    steps = (torch.arange(size, dtype=paint.dtype, device=paint.device) + 0.5) * k - 0.5
    light = enamel / torch.from_numpy(ENAMEL).to(paint).view(1, 3, 1, 1)
    out = paint
    pictures = _rows(paint.device)
    for picture, (top, height), flow in ((pictures[1], LOWER, lower), (pictures[0], UPPER, upper)):
        x = steps.view(1, 1, size) + flow[:, 0] * k
        y = steps.view(1, size, 1) + flow[:, 1] * k
        place = torch.stack([(x - LEFT + 0.5) * (2 / WIDTH) - 1, (y - top + 0.5) * (2 / height) - 1], dim=-1)
        drawn = functional.grid_sample(picture.to(paint).expand(n, -1, -1, -1), place, align_corners=False)
        out = out * (1 - drawn[:, 3:]) + drawn[:, :3] * light
    return out.clamp(0, 1)
