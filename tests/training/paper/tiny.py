"""Tiny runs of the paper's system on made-up faces, also in processes of their own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch import nn

from mien.training import devices as devices_of
from mien.training import trainer
from mien.training.paper.config import (
    DiscriminatorOptions,
    LogOptions,
    LossOptions,
    OptimiserOptions,
    PaperConfig,
)
from mien.training.paper.faces import Faces
from mien.training.paper.system import Paper
from training import tiny

NAMES = ("neutral", "happy", "sad")
TINY = PaperConfig(
    seed=3,
    size=64,
    width=4,
    categories=NAMES,
    condition_width=4,
    discriminator=DiscriminatorOptions(width=4, layers=1),
    loss=LossOptions(triplet_weight=0.0),
    optimiser=OptimiserOptions(steps=6, batch=4, rate=2e-3, precision="fp32"),
    log=LogOptions(save_every=100, sample_every=100, values_every=2, faces=2),
)


def made_up(people: int = 4, seed: int = 0) -> Faces:
    """Each person is a colour and a grain, each category a bar somewhere."""
    rng = np.random.default_rng(seed)
    images, identities, categories = [], [], []
    for person in range(people):
        ground = rng.uniform(60, 190, 3) + rng.normal(0, 12, (64, 64, 3))
        for number, name in enumerate(NAMES):
            image = ground.copy()
            image[12 + 16 * number : 20 + 16 * number, 12:40] += 50
            images.append(np.clip(image, 0, 255).astype(np.uint8))
            identities.append(f"p{person}")
            categories.append(name)
    listed = np.arange(len(images))
    return Faces(np.stack(images), np.array(identities), np.array(categories), listed, np.stack(images[:2]))


def with_run(config: PaperConfig, **changes: object) -> PaperConfig:
    """The configuration with another [optimiser]."""
    return replace(config, optimiser=replace(config.optimiser, **changes))


def launch(config: PaperConfig, devices: int = 1) -> Fabric:
    """As many processes as devices, on the processor."""
    return devices_of.launch(config.optimiser.batch, config.optimiser.precision, devices=devices)


def train(config: PaperConfig, faces: Faces, folder: Path, fabric: Fabric, **more: Any) -> nn.Module:
    """Train into `folder`; the average."""
    return trainer.train(Paper(config, faces, fabric), folder, fabric, **more)


def start(runs: list[tuple[PaperConfig, Path]], devices: int = 1) -> subprocess.Popen:
    """Train each configuration into its folder, on `made_up()`, in processes that can be killed; see `drive.py`."""
    task = [(config.as_dict(), str(folder)) for config, folder in runs]
    return tiny.start(Path(__file__).with_name("drive.py"), json.dumps(task), devices)
