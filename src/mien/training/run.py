"""`mien train`: stage the people, show progress, train."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mien.data.people import read_people
from mien.data.rigs import neutral_rigs, smile_rigs
from mien.errors import MienError
from mien.face import find_faces
from mien.rig.facekit import FaceKit
from mien.training.checkpoint import load_checkpoint
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
    init: Path | None = None,
) -> None:
    """Train into `folder`, or go on with the run found there. minutes 0: to the end of the configuration."""
    config = read_config(config_path)
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise MienError(f"there is no {device} device here: use --device cpu")
    # what can be wrong is found before the people are staged, which takes a while
    load_checkpoint(folder)
    kit = FaceKit.load(assets)
    read_people(shared)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {folder}: {error.strerror}") from None
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
        neutral = neutral_rigs(kit, shared, limit=config.people or None)
        if not neutral:
            raise MienError(f"nobody in {shared} is in the split 'train'")
        smiles = smile_rigs(kit, shared, neutral, _find)
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
            init=init,
        )


def _find(rgb: np.ndarray) -> np.ndarray:
    """The landmarks (68, 2) of a photo's largest face."""
    faces = find_faces(rgb)
    if not faces:
        raise MienError("no face found")
    return faces[0].landmarks
