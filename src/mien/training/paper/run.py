"""`python -m mien.training.paper.run`: check, make the faces, show progress, train."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mien.data.people import read_people
from mien.errors import MienError
from mien.face import find_faces
from mien.models.embedder import load_embedder
from mien.rig.facekit import FaceKit
from mien.training.paper.config import PaperConfig, read_config
from mien.training.paper.data import Batches
from mien.training.paper.faces import prepare
from mien.training.paper.learner import Learner, read_run
from mien.training.paper.trainer import launch, train

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    config: Annotated[Path, typer.Option("--config", help="TOML file, such as configs/uc_gan.toml.")],
    shared: Annotated[Path, typer.Option("--shared", help="Folder with data/london (see DATA_CARD.md).")],
    assets: Annotated[Path, typer.Option("--assets", help="Folder with ict-facekit.npz (see DATA_CARD.md).")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, if there is one.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the file, such as loss.triplet_weight=0.")
    ] = None,
    faces: Annotated[Path | None, typer.Option("--faces", help="Folder that runs share their faces in; --out.")] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0, help="Stop after this time; 0: at the end.")] = 0,
    devices: Annotated[int, typer.Option("--devices", min=1, help="Devices, or processes on a CPU.")] = 1,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="Hosts, each started with this command.")] = 1,
    accelerator: Annotated[str, typer.Option("--accelerator", help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of torch, a process.")] = 1,
) -> None:
    """Train the paper's system (Wang et al. 2019) on the open set."""
    run(
        read_config(config, settings or ()),
        shared,
        assets,
        out,
        resume=resume,
        faces=faces,
        stop_after=minutes * 60 if minutes else math.inf,
        devices=devices,
        nodes=nodes,
        accelerator=accelerator,
        threads=threads,
    )


def run(
    config: PaperConfig,
    shared: Path,
    assets: Path,
    out: Path,
    *,
    resume: bool = False,
    faces: Path | None = None,
    stop_after: float = math.inf,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "cpu",
    threads: int = 1,
) -> None:
    """Train into `out`. What can be wrong is found before the faces are made, which takes minutes."""
    torch.set_num_threads(threads)
    read_people(shared)
    FaceKit.load(assets)
    if config.loss.triplet_weight:
        load_embedder(config.triplet.embedder)
    found = read_run(out)
    if found is not None and not resume:
        raise MienError(f"{out} holds a run at step {found[1]['step']}: add --resume, or use another folder")
    if found is not None:
        Learner(config, torch.device("cpu")).restore(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {out}: {error.strerror}") from None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
    )
    with Progress(*columns, disable=not _first()) as progress:
        making = progress.add_task("faces", total=None, loss="")
        made = prepare(
            config,
            shared,
            assets,
            faces or out,
            find_landmarks,
            lambda done, total: progress.update(making, completed=done, total=total),
        )
        progress.update(making, total=len(set(made.identities)), completed=len(set(made.identities)))
        Batches(config, made)  # says what is missing while there is but one process
        fabric = launch(config, accelerator, devices, nodes)
        torch.set_num_threads(threads)  # Fabric has its own idea
        begun = int(found[1]["step"]) if found else 0
        task = progress.add_task("training", total=config.optimiser.steps, completed=begun, loss="")

        def report(step: int, values: dict[str, float]) -> None:
            progress.update(task, completed=step, loss=f"L1 {values['generator/l1']:.2f}")

        train(config, made, out, fabric, stop_after=stop_after, report=report)


def find_landmarks(rgb: np.ndarray) -> np.ndarray:
    """The landmarks (68, 2) of a photo's largest face."""
    faces = find_faces(rgb)
    if not faces:
        raise MienError("no face found")
    return faces[0].landmarks


def _first() -> bool:
    """Whether this is the process that shows and says things, also before Fabric knows."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process: 0, or 2 with one line for what the user can put right."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="python -m mien.training.paper.run")
    except MienError as error:
        if _first():
            print(f"mien: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("mien: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
