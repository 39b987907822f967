"""The default generator for the training loop: which networks, batches, losses and sheets are its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.errors import MienError
from mien.models.discriminator import Discriminator
from mien.models.warp_unet import WarpUNet, WarpUNetConfig
from mien.rig.render import Rig
from mien.training import learner
from mien.training.batch import Batch, recolour, to_device
from mien.training.checkpoint import flatten, load_checkpoint, load_into
from mien.training.config import TrainConfig, from_dict
from mien.training.identity import load_identity
from mien.training.samples import sample_sheet
from mien.training.source import Source
from mien.training.step import Made, discriminator_loss, generator_loss, make
from mien.training.system import System, Values


class Learner(learner.Learner):
    """Fresh networks, the same for the same seed, on a device; or a generator that starts from the average of the run
    in the folder `init`."""

    kind = learner.WARP
    may_change = ("steps", "triplet_embedder", "save_every", "sample_every", "values_every")
    generator: WarpUNet
    discriminator: Discriminator
    average: WarpUNet

    def __init__(self, config: TrainConfig, device: torch.device, init: Path | None = None) -> None:
        torch.manual_seed(config.seed)
        generator = WarpUNet(WarpUNetConfig(widths=config.widths, head=config.head, inner=config.size))
        discriminator = Discriminator()
        if init is not None:
            start_from(init, generator)
        rules = learner.Adam(config.rate, 0.9, 0.99), learner.Adam(2e-4, 0.5, 0.99)
        super().__init__(config, generator, discriminator, device, rules, config.ema)

    @classmethod
    def told(cls, values: dict[str, Any]) -> TrainConfig:
        return from_dict(values)


def start_from(folder: Path, generator: WarpUNet) -> None:
    """Load the averaged weights of the run in `folder`. What an older network did not have yet starts fresh."""
    loaded = load_checkpoint(folder)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {folder}")
    fresh = flatten("average", generator.state_dict())
    newer = {name: value for name, value in fresh.items() if ".rows." in name}
    load_into(generator, "average", {**newer, **loaded[0]})


def rate_at(step: int, config: TrainConfig) -> float:
    """Learning rate: linear warm-up, then a cosine down to the final rate."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    share = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.final_rate + (config.rate - config.final_rate) * 0.5 * (1 + math.cos(math.pi * share))


class Warp(System):
    """Flow, shading, paint and alpha against the rig's; the discriminator joins late. held_out: rigs for the sheets."""

    learner: Learner
    clip = 5.0
    forwards = ("raw",)

    def __init__(
        self, config: TrainConfig, source: Source, held_out: list[Rig], fabric: Fabric, init: Path | None = None
    ) -> None:
        self.config, self.source, self.held_out = config, source, held_out
        self.steps, self.rivals_from = config.steps, config.adversarial_from
        self.save_every, self.sample_every = config.save_every, config.sample_every
        self.values_every = config.values_every
        self.fabric, self.device = fabric, fabric.device
        self.identity = None
        if config.triplet_weight:
            self.identity = load_identity(fabric, config.triplet_embedder, config.triplet_rules())
        self.learner = Learner(config, fabric.device, init)

    def rate(self, step: int) -> float:
        return rate_at(step, self.config)

    def batches(self, start: int) -> Iterator[Batch]:
        for step, packed in self.source.batches(start):
            random = torch.Generator().manual_seed(self.config.seed * 1_000_003 + step)
            yield to_device(recolour(packed, random, self.fabric.global_rank, self.fabric.world_size), self.device)

    def make(self, generator: nn.Module, batch: Batch) -> Made:
        with self.fabric.autocast():  # on one device, Fabric leaves methods other than `forward` as they are
            return make(generator, batch)

    def discriminator_loss(
        self, discriminator: nn.Module, batch: Batch, made: Made, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        loss = discriminator_loss(discriminator, batch, made.output, self.config, lots)
        return loss, {"discriminator": loss}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, made: Made, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        identity = self.identity._replace(lots=lots) if self.identity else None
        return generator_loss(discriminator, batch, made, self.config, identity)

    def sheet(self, path: Path) -> None:
        if self.held_out:
            sample_sheet(self.learner.average, self.held_out, path, self.device, self.config.size)
