"""Tiny runs of the rivals on made-up faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mien.training import trainer
from mien.training.baselines.config import BaselineConfig
from mien.training.baselines.geometry import Geometry, face_weights
from mien.training.baselines.system import Baseline
from mien.training.paper.config import DataOptions, LogOptions, OptimiserOptions
from mien.training.run import read
from training.paper.tiny import NAMES, made_up

CONFIGS = Path(__file__).parents[3] / "configs" / "baselines"
LIGHT = {"stargan": ("loss.blocks=1", "loss.critic_steps=2"), "ganimation": ("loss.blocks=1",)}


def tiny(name: str, embedder: str = "") -> BaselineConfig:
    """The published configuration, as small as it can be."""
    settings = list(LIGHT.get(name, ()))
    if name in ("exprgan", "g2gan"):
        settings += [f"loss.embedder={embedder}"] if embedder else ["loss.identity_weight=0"]
    config = read(CONFIGS / f"{name}.toml", settings)
    assert isinstance(config, BaselineConfig)
    return replace(
        config,
        width=4,
        categories=NAMES,
        optimiser=OptimiserOptions(steps=2, batch=2, rate=2e-3, precision="fp32"),
        data=DataOptions(variants=1),
        log=LogOptions(save_every=1, sample_every=2, values_every=1, faces=2),
    )


def geometry(config: BaselineConfig) -> Geometry:
    """Of `made_up()`: landmarks lie somewhere, in each category a little lower."""
    faces = made_up()
    base = np.random.default_rng(5).uniform(0.2, 0.8, (68, 2))
    drop = np.array([NAMES.index(name) for name in faces.categories])[:, None, None] * 0.02
    points = (base + drop * (0, 1)).astype(np.float32)
    return Geometry(face_weights(config.paper(), faces), points, points[:2])


def train(config: BaselineConfig, folder: Path, fabric: Any, **more: Any) -> nn.Module:
    """Train into `folder`; the average."""
    system = Baseline(config, made_up(), geometry(config), fabric)
    return trainer.train(system, folder, fabric, **more)
