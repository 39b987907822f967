"""`mien train`: which model a configuration is of, what can be wrong with the command, and the run itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from mien.data.people import read_people
from mien.data.rigs import neutral_rigs, smile_rigs
from mien.errors import MienError
from mien.face import find_faces
from mien.models.embedder import load_embedder
from mien.rig.facekit import FaceKit
from mien.training.checkpoint import load_checkpoint
from mien.training.config import TrainConfig
from mien.training.paper import run as paper
from mien.training.paper.config import PaperConfig
from mien.training.progress import bar
from mien.training.settings import configured, read_table
from mien.training.trainer import train


def read(path: Path, settings: Sequence[str] = ()) -> TrainConfig | PaperConfig:
    """The configuration in a TOML file, changed by `settings`; its key `model` says of what."""
    values = read_table(path, settings)
    model = values.get("model", "warp")
    if model == "unet":
        return configured(PaperConfig(), values, path)
    if model == "warp":
        return configured(TrainConfig(), values, path)
    raise MienError(f'{path}: model is "warp" or "unet", not {model!r}')


def run(
    config_path: Path,
    shared: Path,
    assets: Path,
    out: Path,
    *,
    settings: Sequence[str] = (),
    resume: bool = False,
    faces: Path | None = None,
    minutes: float = 0,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "cpu",
    threads: int = 1,
    workers: int | None = None,
    init: Path | None = None,
) -> None:
    """Train into `out`, or go on with the run found there (`resume`). minutes 0: to the end of the configuration.
    What is None was not said; see `mien.cli.make.train` for what the options mean."""
    config = read(config_path, settings)
    others = {"--workers": workers, "--init": init} if isinstance(config, PaperConfig) else {"--faces": faces}
    for name, value in others.items():
        if value is not None:
            raise MienError(f'{name} means nothing for model = "{config.model}" ({config_path})')
    stop_after = minutes * 60 if minutes else math.inf
    if isinstance(config, PaperConfig):
        return paper.run(
            config,
            shared,
            assets,
            out,
            resume=resume,
            faces=faces,
            stop_after=stop_after,
            devices=devices,
            nodes=nodes,
            accelerator=accelerator,
            threads=threads,
        )
    if accelerator not in ("cpu", "cuda"):
        raise MienError(f"the accelerator is cpu or cuda, not {accelerator!r}")
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise MienError("there is no cuda device here: use --accelerator cpu")
    if devices * nodes > 1:
        raise MienError(f'model = "{config.model}" trains on one device as yet, not on {devices * nodes}')
    # what can be wrong is found before the people are staged, which takes a while
    found = load_checkpoint(out)
    if found is not None and not resume:
        raise MienError(f"{out} holds a run at step {found[1]['step']}: add --resume, or use another folder")
    kit = FaceKit.load(assets)
    trained_on = [person for person in read_people(shared) if person.split == "train"][: config.people or None]
    if not trained_on:
        raise MienError(f"nobody in {shared} is in the split 'train'")
    if config.compares() and len(trained_on) < 2:
        raise MienError("other-identity pairs and the triplet loss need photos of two people, but there is one")
    if config.triplet_weight:
        load_embedder(config.triplet_embedder)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {out}: {error.strerror}") from None
    torch.set_num_threads(threads)
    with bar() as progress:
        staging = progress.add_task("staging people", total=None, loss="")
        neutral = neutral_rigs(kit, shared, limit=config.people or None)
        smiles = smile_rigs(kit, shared, neutral, _find)
        held_out = list(neutral_rigs(kit, shared, "val", limit=4).values())
        progress.update(staging, total=1, completed=1)
        task = progress.add_task("training", total=config.steps, loss="")

        def report(step: int, total: float, terms: dict[str, float]) -> None:
            progress.update(task, completed=step, loss=f"loss {total:.3f}")

        train(
            config,
            out,
            neutral,
            smiles,
            held_out,
            workers=1 if workers is None else workers,
            device=accelerator,
            stop_after=stop_after,
            report=report,
            init=init,
        )


def _find(rgb: np.ndarray) -> np.ndarray:
    """The landmarks (68, 2) of a photo's largest face."""
    faces = find_faces(rgb)
    if not faces:
        raise MienError("no face found")
    return faces[0].landmarks
