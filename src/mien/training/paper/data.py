"""From faces to batches: which photos meet is drawn by `mien.data.identity_pairs`, a pure function of (seed, step)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.data.identity_pairs import IdentityPairs
from mien.training.paper.config import PaperConfig
from mien.training.paper.faces import Faces

FLIPS = 1
"""Marks the random numbers of the flips, which must not be those of the draws."""


@dataclass(frozen=True)
class Batch:
    """source x_i, target y_i^c, other x_j: (N, 3, S, S) in [0, 1]; category (N, K) one-hot c; label, other_label (N,)
    int64: persons i and j; shown (N, 3) int64, on the CPU: 2 * image + mirrored of source, target and other."""

    source: Tensor
    target: Tensor
    other: Tensor
    category: Tensor
    label: Tensor
    other_label: Tensor
    shown: Tensor


class Batches:
    """Batches of a run on one device; with several, each takes its share of the same draws."""

    def __init__(self, config: PaperConfig, faces: Faces, device: torch.device | str = "cpu") -> None:
        self.config = config
        self.place = torch.device(device)
        categories = [config.categories.index(name) for name in faces.categories[faces.listed]]
        self.pairs = IdentityPairs(
            faces.identities[faces.listed].tolist(), categories, config.pair_rules(), config.pairs.aliases
        )
        # every category but one that is only ever a source: nothing teaches a generator to arrive there
        reached = [c for c, name in enumerate(config.categories) if (name,) != config.pairs.sources]
        self.pairs.need(reached, config.categories)
        self.listed = faces.listed
        self.images = torch.from_numpy(np.ascontiguousarray(faces.images.transpose(0, 3, 1, 2))).to(self.place)

    def at(self, step: int, rank: int = 0, devices: int = 1) -> Batch:
        """The share of device `rank` in the batch of a step."""
        config = self.config
        draws = self.pairs.draw(config.seed, step, config.optimiser.batch)
        lots = np.random.default_rng((config.seed, step, FLIPS)).random((2, len(draws))) < 0.5
        own, other = lots if config.optimiser.flips else np.zeros_like(lots)
        mine = slice(rank * len(draws) // devices, (rank + 1) * len(draws) // devices)
        draws, own, other = draws[mine], own[mine], other[mine]
        images = self.listed[[(d.source, d.target, d.other) for d in draws]]
        mirrored = np.stack([own, own, other], axis=1)
        category = functional.one_hot(torch.tensor([d.category for d in draws]), len(config.categories)).float()
        return Batch(
            source=self._photos(images[:, 0], own),
            target=self._photos(images[:, 1], own),
            other=self._photos(images[:, 2], other),
            category=category.to(self.place),
            label=torch.tensor([d.label for d in draws]).to(self.place),
            other_label=torch.tensor([d.other_label for d in draws]).to(self.place),
            shown=torch.from_numpy(2 * images + mirrored),
        )

    def _photos(self, numbers: np.ndarray, mirrored: np.ndarray) -> Tensor:
        chosen = torch.from_numpy(numbers).to(self.place)
        photos = self.images[chosen].float() / 255
        flip = torch.from_numpy(mirrored).to(self.place).view(-1, 1, 1, 1)
        return torch.where(flip, photos.flip(3), photos).contiguous(memory_format=torch.channels_last)
