"""The run of the paper's system: check, make the faces, show progress, train.

`python -m mien.training.paper.run --config FILE ...` is what `mien train FILE ...` is: the way to start it of old.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from mien.data.people import read_people
from mien.errors import MienError
from mien.face import find_faces
from mien.models.embedder import load_embedder
from mien.rig.facekit import FaceKit
from mien.training.paper.config import PaperConfig
from mien.training.paper.data import Batches
from mien.training.paper.faces import prepare
from mien.training.paper.learner import Learner, read_run
from mien.training.paper.trainer import launch, train
from mien.training.progress import bar


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
    with bar() as progress:
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


def main(arguments: Sequence[str] | None = None) -> None:
    """`mien train`, with the configuration as an option."""
    from mien.cli import main as command

    words = list(sys.argv[1:] if arguments is None else arguments)
    command(["train", *(word.removeprefix("--config=") for word in words if word != "--config")])


if __name__ == "__main__":
    main()
