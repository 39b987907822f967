"""The paper's system for the training loop: which batches, losses and sheets are its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.data.identity_pairs import pairs
from mien.training.identity import load_identity
from mien.training.paper.config import PaperConfig
from mien.training.paper.data import Batch, Batches
from mien.training.paper.faces import Faces
from mien.training.paper.learner import Learner
from mien.training.paper.sheet import sample_sheet
from mien.training.paper.step import discriminator_loss, generator_loss
from mien.training.system import System, Values


class Paper(System):
    """U-Net, conditional PatchGAN, other-identity pairs, triplet loss (Wang et al. 2018, 2019)."""

    learner: Learner

    def __init__(self, config: PaperConfig, faces: Faces, fabric: Fabric) -> None:
        self.config, self.held_out = config, faces.held_out
        self.steps = config.optimiser.steps
        self.save_every, self.sample_every = config.log.save_every, config.log.sample_every
        self.values_every = config.log.values_every
        self.rank, self.devices = fabric.global_rank, fabric.world_size
        self.kinds = pairs(config.pair_rules())
        self.source = Batches(config, faces, fabric.device)
        self.identity = None
        if config.loss.triplet_weight:
            self.identity = load_identity(fabric, config.triplet.embedder, config.triplet_rules())
        self.learner = Learner(config, fabric.device)

    def rate(self, step: int) -> float:
        return self.config.optimiser.rate

    def batches(self, start: int) -> Iterator[Batch]:
        return (self.source.at(step, self.rank, self.devices) for step in count(start))

    def make(self, generator: nn.Module, batch: Batch) -> Tensor:
        made: Tensor = generator(batch.source, batch.category)
        return made

    def discriminator_loss(
        self, discriminator: nn.Module, batch: Batch, made: Tensor, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        return discriminator_loss(discriminator, self.kinds, batch, made, self.config.loss.adversarial)

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, made: Tensor, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        assert discriminator is not None  # it is there from the first step
        identity = self.identity._replace(lots=lots) if self.identity else None
        return generator_loss(discriminator, batch, made, self.config.loss, identity)

    def sheet(self, path: Path) -> None:
        if len(self.held_out):
            sample_sheet(self.learner.average, self.held_out, path)
