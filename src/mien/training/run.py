"""`mien train`: stage the people, show progress, train."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mien.data.rigs import neutral_rigs, smile_rigs
from mien.errors import MienError
from mien.face import find_faces
from mien.rig.facekit import FaceKit
from mien.training.config import read_config
from mien.training.trainer import train


def run(
    folder: Path,
    shared: Path,
    assets: Path,
    config_path: Path,
    *,
    workers: int = 1,
    threads: int = 1,
    device: str = "cpu",
    minutes: float = 0,
) -> None:
    """Train into `folder`, or go on with the run found there. minutes 0: to the end of the configuration."""
    config = read_config(config_path)
    if device != "cpu" and not torch.cuda.is_available():
        raise MienError(f"there is no {device} device here: use --device cpu")
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
    )
    with Progress(*columns) as progress:
        staging = progress.add_task("staging people", total=None, loss="")
        kit = FaceKit.load(assets)
        neutral = neutral_rigs(kit, shared, limit=config.people or None)
        smiles = smile_rigs(kit, shared, neutral, lambda rgb: find_faces(rgb)[0].landmarks)
        held_out = list(neutral_rigs(kit, shared, "val", limit=4).values())
        progress.update(staging, total=1, completed=1)
        task = progress.add_task("training", total=config.steps, loss="")

        def report(step: int, total: float, terms: dict[str, float]) -> None:
            progress.update(task, completed=step, loss=f"loss {total:.3f}")

        train(
            config,
            folder,
            neutral,
            smiles,
            held_out,
            workers=workers,
            device=device,
            stop_after=minutes * 60 if minutes else math.inf,
            report=report,
        )
