"""A small conditional PatchGAN (Isola et al. 2017): photo, candidate and expression in, a score a patch out.

Wang et al. 2019 also show it pairs with other identities; `mien.training.step` makes those pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Discriminator(nn.Module):
    """photo, candidate (N, 3, H, W) in [0, 1], expression (N, 57) -> scores (N, 1, H/16, W/16)."""

    def __init__(self, shapes: int = 57, width: int = 24) -> None:
        super().__init__()
        w = width
        self.body = nn.Sequential(
            nn.Conv2d(6, w, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(w, 2 * w, 4, 2, 1),
            nn.GroupNorm(4, 2 * w),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * w, 4 * w, 4, 2, 1),
            nn.GroupNorm(4, 4 * w),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * w, 4 * w, 4, 2, 1),
            nn.LeakyReLU(0.2),
        )
        self.score = nn.Conv2d(4 * w, 1, 3, 1, 1)
        self.project = nn.Linear(shapes, 4 * w)

    def forward(self, photo: Tensor, candidate: Tensor, expression: Tensor) -> Tensor:
        x = self.body(torch.cat([photo, candidate], dim=1) * 2 - 1)
        # projection of the condition (Miyato & Koyama 2018)
        return self.score(x) + (x * self.project(expression)[:, :, None, None]).mean(1, keepdim=True)
