"""`mien classifier train`: what can be wrong with it, then pictures, training, export and the measured figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mien.errors import MienError
from mien.evaluation.classifier import Classifier, Measured, measure
from mien.training.classifier.config import ClassifierConfig
from mien.training.classifier.export import export
from mien.training.classifier.learner import KIND, Learner, train
from mien.training.classifier.pictures import Lesson, lesson, read_pictures
from mien.training.devices import check_devices, launch
from mien.training.learner import read_run
from mien.training.progress import bar

CHECKED = 32
"""So many of the training crops are what torch and ONNX are compared on, beside noise."""


@dataclass(frozen=True)
class Result:
    """difference: of torch and ONNX, of a logit. measured: by the part of the split that was kept out."""

    lesson: Lesson
    difference: float
    measured: dict[str, Measured]


def run(
    folder: Path,
    output: Path,
    config: ClassifierConfig,
    resume: bool = False,
    accelerator: str = "cpu",
    threads: int = 1,
) -> Result:
    """Train on a prepared folder, write `output` (.onnx) and its card, and measure it on the people who were kept out.
    The run itself lies in a folder beside `output`."""
    _check_output(output)
    check_devices(config.batch, accelerator)
    runs = output.with_suffix(".run")
    found = read_run(runs, KIND) if runs.exists() else None
    if found is not None and not resume:
        raise MienError(f"{runs} holds a run at step {found[1]['step']}: add --resume, or use another output")
    learnt = lesson(folder, config)
    pictures = read_pictures(folder, learnt.rows, learnt.labels, config.size)
    torch.set_num_threads(threads)
    progress = bar()
    with progress:
        fabric = launch(config.batch, "fp32", accelerator)
        torch.set_num_threads(threads)  # Fabric has its own idea
        learner = Learner(config, pictures, learnt.labels, device=fabric.device)
        begun = learner.restore(runs)
        try:
            runs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MienError(f"cannot make the folder {runs}: {error.strerror}") from None
        task = progress.add_task("training", total=config.steps, completed=begun, loss="")
        network = train(
            learner, fabric, runs, lambda step, loss: progress.update(task, completed=step, loss=f"loss {loss:.3f}")
        )
        progress.update(task, completed=config.steps)
    worst = export(network, config, learnt, pictures.images[:CHECKED], output)
    classifier = Classifier(output)
    return Result(learnt, worst, {part: measure(classifier, folder, rows) for part, rows in learnt.held.items()})


def _check_output(output: Path) -> None:
    if output.suffix != ".onnx":
        raise MienError(f"{output}: the weights' file must end in .onnx")
    if not output.parent.is_dir():
        raise MienError(f"there is no folder {output.parent}")
    for path in (output, output.with_suffix(".json")):
        if path.is_dir():
            raise MienError(f"cannot write {path}: it is a folder")
    if output.with_suffix(".run").is_file():
        raise MienError(f"{output.with_suffix('.run')} is a file: the run's folder would be there")
