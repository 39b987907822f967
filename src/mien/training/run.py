"""`mien train`: of which model a configuration is, what can be wrong with the command, and the run itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from rich.progress import Progress

from mien.data.people import read_people
from mien.data.rigs import neutral_rigs, smile_rigs
from mien.errors import MienError
from mien.face import find_faces
from mien.models.baselines.registry import RIVALS
from mien.models.embedder import load_embedder
from mien.rig.facekit import FaceKit
from mien.training import warp
from mien.training.baselines import learner as baseline
from mien.training.baselines.config import BaselineConfig, configure
from mien.training.baselines.geometry import measure
from mien.training.baselines.system import Baseline
from mien.training.config import TrainConfig
from mien.training.devices import check_devices, launch
from mien.training.learner import Learner, read_run
from mien.training.paper import learner as paper
from mien.training.paper.config import PaperConfig
from mien.training.paper.data import Batches
from mien.training.paper.faces import Faces, check_sources, prepare
from mien.training.paper.system import Paper
from mien.training.progress import bar
from mien.training.settings import configured, read_table
from mien.training.source import Source
from mien.training.system import System
from mien.training.trainer import train


@dataclass(frozen=True)
class Options:
    """What the command was told beside the configuration (see `mien.cli.make.train`); None was not said. minutes 0: to
    the end."""

    out: Path
    shared: Path | None = None
    assets: Path | None = None
    resume: bool = False
    minutes: float = 0
    devices: int = 1
    nodes: int = 1
    accelerator: str = "cpu"
    threads: int = 1
    workers: int | None = None
    init: Path | None = None
    faces: Path | None = None


def read(path: Path, settings: Sequence[str] = ()) -> TrainConfig | PaperConfig | BaselineConfig:
    """The configuration in a TOML file, changed by `settings`; its key `model` says of what."""
    values = read_table(path, settings)
    model = values.get("model", "warp")
    if model == "unet":
        return configured(PaperConfig(), values, path)
    if model == "warp":
        return configured(TrainConfig(), values, path)
    if model in RIVALS:
        return configure(values, path)
    raise MienError(f"{path}: model is one of warp, unet, {', '.join(RIVALS)}, not {model!r}")


def run(config_path: Path, settings: Sequence[str], options: Options) -> None:
    """Train into a folder, or go on with the run found there. What can be wrong is found before anybody is rendered,
    which takes minutes."""
    config, progress = read(config_path, settings), bar()
    torch.set_num_threads(options.threads)
    if isinstance(config, PaperConfig):
        begun, begin = _check_paper(config, options), _paper(config, options, progress)
    elif isinstance(config, BaselineConfig):
        begun, begin = _check_baseline(config, options), _baseline(config, options, progress)
    else:
        begun, begin = _check_warp(config, options), _warp(config, options, progress)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {options.out}: {error.strerror}") from None
    with progress, begin as (system, fabric):
        torch.set_num_threads(options.threads)  # Fabric has its own idea
        task = progress.add_task("training", total=system.steps, completed=begun, loss="")

        def report(step: int, loss: float, values: dict[str, float]) -> None:
            progress.update(task, completed=step, loss=f"loss {loss:.3f}")

        stop_after = options.minutes * 60 if options.minutes else math.inf
        train(system, options.out, fabric, stop_after=stop_after, report=report)


def _check_paper(config: PaperConfig, options: Options) -> int:
    """Raise a `MienError` for what cannot be; the step to go on from."""
    _meaningless(config.model, {"--workers": options.workers, "--init": options.init})
    _check(options, config.optimiser.batch, config.triplet.embedder if config.loss.triplet_weight else "")
    check_sources(config, options.shared, options.assets)
    return _begun(paper.Learner(config, torch.device("cpu")), options)


@contextmanager
def _paper(config: PaperConfig, options: Options, progress: Progress) -> Iterator[tuple[System, Fabric]]:
    """The faces, from the cache or made by the first process; then a process for each device."""
    faces = _faces(config, options, progress)
    Batches(config, faces)  # says what is missing while there is but one process
    fabric = _launch(options, config.optimiser.batch, config.optimiser.precision)
    yield Paper(config, faces, fabric), fabric


def _check_baseline(config: BaselineConfig, options: Options) -> int:
    """Raise a `MienError` for what cannot be; the step to go on from."""
    _meaningless(config.model, {"--workers": options.workers, "--init": options.init})
    if options.devices * options.nodes > 1:
        raise MienError(f'model = "{config.model}" trains on one device: leave out --devices and --nodes')
    _check(options, config.optimiser.batch, config.embedder)
    check_sources(config.paper(), options.shared, options.assets)
    return _begun(baseline.Learner(config, torch.device("cpu")), options)


@contextmanager
def _baseline(config: BaselineConfig, options: Options, progress: Progress) -> Iterator[tuple[System, Fabric]]:
    """The faces of the paper's system, and what a rival is told of them beside."""
    told = config.paper()
    faces = _faces(told, options, progress)
    Batches(told, faces)
    guided, folder = config.rival().guided, options.faces or options.out
    geometry = measure(told, faces, guided, options.shared, options.assets, folder, find_landmarks)
    fabric = _launch(options, config.optimiser.batch, config.optimiser.precision)
    yield Baseline(config, faces, geometry, fabric), fabric


def _faces(config: PaperConfig, options: Options, progress: Progress) -> Faces:
    """From the cache, or made."""
    task = progress.add_task("faces", total=None, loss="")
    faces = prepare(
        config,
        options.shared,
        options.assets,
        options.faces or options.out,
        find_landmarks,
        lambda done, total: progress.update(task, completed=done, total=total),
    )
    people = len(set(faces.identities))
    progress.update(task, total=people, completed=people)
    return faces


def _check_warp(config: TrainConfig, options: Options) -> int:
    """Raise a `MienError` for what cannot be; the step to go on from."""
    _meaningless(config.model, {"--faces": options.faces})
    _check(options, config.batch, config.triplet_embedder if config.triplet_weight else "")
    shared, assets = _open_set(options)
    FaceKit.load(assets)
    people = [person for person in read_people(shared) if person.split == "train"]
    if not people:
        raise MienError(f"nobody in {shared} is in the split 'train'")
    if config.compares() and len(people[: config.people or None]) < 2:
        raise MienError("other-identity pairs and the triplet loss need photos of two people, but there is one")
    if config.compares() and config.batch < 2 * options.devices * options.nodes:
        raise MienError("other-identity pairs and the triplet loss need a batch of two or more a device")
    return _begun(warp.Learner(config, torch.device("cpu"), options.init), options)


@contextmanager
def _warp(config: TrainConfig, options: Options, progress: Progress) -> Iterator[tuple[System, Fabric]]:
    """A process for each device, which lays everybody on the rig."""
    fabric = _launch(options, config.batch, config.precision)
    task = progress.add_task("staging people", total=None, loss="")
    shared, assets = _open_set(options)
    kit = FaceKit.load(assets)
    neutral = neutral_rigs(kit, shared, limit=config.people or None)
    smiles = smile_rigs(kit, shared, neutral, find_landmarks)
    held_out = list(neutral_rigs(kit, shared, "val", limit=4).values())
    progress.update(task, total=len(neutral), completed=len(neutral))
    workers = 1 if options.workers is None else options.workers
    with Source(config, neutral, smiles, workers, fabric.global_rank, fabric.world_size) as source:
        yield warp.Warp(config, source, held_out, fabric, options.init), fabric


def _meaningless(model: str, options: dict[str, object]) -> None:
    """Refuse options that were given and mean nothing for the model."""
    for name, value in options.items():
        if value is not None:
            raise MienError(f'{name} means nothing for model = "{model}"')


def _check(options: Options, batch: int, embedder: str) -> None:
    """Refuse devices that are not there and a file that is no embedder."""
    check_devices(batch, options.accelerator, options.devices, options.nodes)
    if embedder:
        load_embedder(embedder)


def _open_set(options: Options) -> tuple[Path, Path]:
    """The folders of the photographs and of the face model."""
    if options.shared is None or options.assets is None:
        raise MienError("the default generator trains on the open set: give --shared and --assets (see DATA_CARD.md)")
    return options.shared, options.assets


def _begun(learner: Learner, options: Options) -> int:
    """The step to go on from; a run is gone on with only if that was said."""
    found = read_run(options.out, learner.kind)
    if found is not None and not options.resume:
        raise MienError(f"{options.out} holds a run at step {found[1]['step']}: add --resume, or use another folder")
    return learner.restore(options.out)


def _launch(options: Options, batch: int, precision: str) -> Fabric:
    return launch(batch, precision, options.accelerator, options.devices, options.nodes)


def find_landmarks(rgb: np.ndarray) -> np.ndarray:
    """The landmarks (68, 2) of a photo's largest face."""
    faces = find_faces(rgb)
    if not faces:
        raise MienError("no face found")
    return faces[0].landmarks
