"""Tiny runs of the default generator on made-up people, also in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mien.rig.render import Rig
from mien.training import trainer
from mien.training.config import TrainConfig
from mien.training.devices import launch
from mien.training.source import Source
from mien.training.warp import Warp

TESTS = Path(__file__).parents[1]


def train(
    config: TrainConfig,
    folder: Path,
    neutral: dict[str, Rig],
    smiles: dict[str, Rig],
    held_out: Sequence[Rig] = (),
    init: Path | None = None,
    **more: Any,
) -> nn.Module:
    """Train into `folder`, in this process; the average."""
    fabric = launch(config.batch, config.precision)
    torch.set_num_threads(1)  # the order of sums, and so every bit, depends on it
    with Source(config, neutral, smiles, 0) as source:
        return trainer.train(Warp(config, source, list(held_out), fabric, init), folder, fabric, **more)


def start(*arguments: object) -> subprocess.Popen:
    """Run a Python program, or a module of it, as one of which there may be several and which may be killed."""
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    environment = {k: v for k, v in os.environ.items() if k not in ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE")}
    environment |= {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
