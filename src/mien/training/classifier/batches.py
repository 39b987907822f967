"""From pictures to batches: as many of each label, each varied; a pure function of (seed, step)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.evaluation.classifier import MEAN, STD
from mien.training.classifier.config import ClassifierConfig
from mien.training.classifier.pictures import Pictures

LUMA = (0.299, 0.587, 0.114)


class Batch(NamedTuple):
    """photos (N, 3, S, S), normalised; labels (N,) int64."""

    photos: Tensor
    labels: Tensor


class Draws:
    """Draws pictures: first a label, then one of its people, then one of their pictures, so that neither a frequent
    label nor somebody with many pictures counts more."""

    def __init__(self, pictures: Pictures) -> None:
        self.by_label: list[list[np.ndarray]] = []
        for label in np.unique(pictures.labels):
            mine = np.flatnonzero(pictures.labels == label)
            people = pictures.people[mine]
            self.by_label.append([mine[people == who] for who in np.unique(people)])

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """(count,) numbers of pictures, the labels as equal in number as can be."""
        order = rng.permutation(len(self.by_label))
        chosen = []
        for place in range(count):
            people = self.by_label[order[place % len(order)]]
            mine = people[rng.integers(len(people))]
            chosen.append(mine[rng.integers(len(mine))])
        return np.array(chosen, np.int64)


class Batches:
    """Batches from one or several sets of pictures; `shares` say how many of a batch come from each."""

    def __init__(
        self, config: ClassifierConfig, sets: Sequence[Pictures], shares: Sequence[float], device: torch.device
    ) -> None:
        self.config, self.device = config, device
        self.draws = [Draws(pictures) for pictures in sets]
        firsts = [round(share * config.batch) for share in shares[:-1]]
        self.counts = [*firsts, config.batch - sum(firsts)]
        self.images = torch.from_numpy(np.concatenate([p.images for p in sets]).transpose(0, 3, 1, 2).copy())
        self.labels = torch.from_numpy(np.concatenate([p.labels for p in sets]))
        self.starts = np.cumsum([0, *(len(p.images) for p in sets[:-1])])

    def at(self, step: int, lots: torch.Generator) -> Batch:
        """The batch of a step; `lots`, on the CPU, decide how its pictures are varied."""
        rng = np.random.default_rng((self.config.seed, step))
        numbers = np.concatenate(
            [
                start + draws.draw(rng, count)
                for start, draws, count in zip(self.starts, self.draws, self.counts, strict=True)
                if count
            ]
        )
        chosen = torch.from_numpy(numbers)
        photos = varied(self.images[chosen].float() / 255, self.config, lots)
        return Batch(normalised(photos).to(self.device), self.labels[chosen].to(self.device))


def normalised(photos: Tensor) -> Tensor:
    """(N, 3, S, S) in [0, 1] as the network takes them."""
    return (photos - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def varied(photos: Tensor, config: ClassifierConfig, lots: torch.Generator) -> Tensor:
    """Photos (N, 3, S, S) in [0, 1], each moved, mirrored, recoloured and blurred a little."""
    return recoloured(blurred(moved(photos, config, lots), config.blur, lots), config.colour, lots).clamp(0, 1)


def moved(photos: Tensor, config: ClassifierConfig, lots: torch.Generator) -> Tensor:
    """Turned, zoomed, shifted and perhaps mirrored: landmarks of other detectors align a little otherwise."""
    n = len(photos)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=lots) * 2 - 1

    angle = math.radians(config.turn) * uniform()
    scale = torch.exp(math.log1p(config.zoom) * uniform())
    mirror = torch.where(uniform() < 0, -1.0, 1.0) if config.flips else torch.ones(n)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = 2 * config.shift * uniform(2)
    linear = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    grid = functional.affine_grid(torch.cat([linear, shift[:, :, None]], 2), list(photos.shape), align_corners=False)
    return functional.grid_sample(photos, grid, padding_mode="reflection", align_corners=False)


def blurred(photos: Tensor, share: float, lots: torch.Generator) -> Tensor:
    """A share of the photos as if half as sharp: edited and photographed pictures differ in sharpness, and labels must
    not be read from that."""
    chosen = torch.rand(len(photos), 1, 1, 1, generator=lots) < share
    mix = torch.rand(len(photos), 1, 1, 1, generator=lots)
    soft = functional.avg_pool2d(functional.pad(photos, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return torch.where(chosen, photos + (soft - photos) * mix, photos)


def recoloured(photos: Tensor, much: float, lots: torch.Generator) -> Tensor:
    """Other exposure, contrast, white balance and saturation, and a little noise."""
    n = len(photos)

    def normal(*shape: int) -> Tensor:
        return much * torch.randn(n, *shape, generator=lots)

    gain = torch.exp(0.15 * normal(1, 1, 1)) * torch.exp(0.05 * normal(3, 1, 1))
    gamma = torch.exp(0.15 * normal(1, 1, 1))
    grey_share = (0.3 * normal(1, 1, 1)).clamp(-0.3, 1.0)
    noise = 0.01 * normal(1, 1, 1).abs() * torch.randn(photos.shape, generator=lots)
    photos = photos.clamp(1e-4, 1) ** gamma * gain
    grey = (photos * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return photos + (grey - photos) * grey_share + noise
