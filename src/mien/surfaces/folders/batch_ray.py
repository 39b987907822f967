"""The batch's photos on a Ray cluster: Ray Data hands them out, each actor holds one editor.

Every machine must have mien, and see IN, OUT and the weights under the same paths (a shared file system). An actor or a
machine that is lost costs nothing but time: Ray gives what it was doing to another one.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import ray
import ray.data

from mien.surfaces.folders.batch import Edits, Job, Worker
from mien.surfaces.folders.runs import Made, failed
from mien.surfaces.folders.workers import DIED

TRIES = 3
"""A photo that ends so many actors is given up: Ray would try it for ever."""

BLOCKS = 50
"""Parts that the photos are handed out in, an actor: what is lost with one is done again."""


class Actor:
    """One editor, on whichever machine Ray puts it."""

    def __init__(self, job: Job) -> None:
        self.worker = Worker(job)

    def __call__(self, row: dict[str, str]) -> dict[str, str]:
        """{"task": JSON} -> {"made": JSON}: plain text, as file names need not be Unicode and Arrow's text must."""
        task, job = Edits(**json.loads(row["task"])), self.worker.job
        name = hashlib.sha256(row["task"].encode()).hexdigest()[:16]
        tries = job.out / f".{name}.tries.part"  # of a run that is killed, the next one removes them
        with tries.open("ab") as file:
            file.write(b".")
        given_up = tries.stat().st_size > TRIES
        made = failed(task.path, job.root, DIED) if given_up else self.worker.make(task)
        tries.unlink(missing_ok=True)
        return {"made": json.dumps(asdict(made))}


def on_ray(todo: Sequence[Edits], job: Job, workers: int | None) -> Iterator[Made]:
    """The photos as they are done, by at most `workers` actors: as many as the cluster has cores.

    The cluster is that of RAY_ADDRESS, or one on this machine that ends with the run.
    """
    if not todo:
        return
    begun = not ray.is_initialized()
    if begun:
        ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    try:
        _quiet()
        size = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        tasks: list[Any] = [{"task": json.dumps(asdict(task))} for task in todo]
        data = ray.data.from_items(tasks, override_num_blocks=min(len(tasks), BLOCKS * size))
        pool = ray.data.ActorPoolStrategy(min_size=1, max_size=size)
        made = data.map(Actor, fn_constructor_args=(job,), compute=pool, num_cpus=1)
        for row in made.iter_rows():
            yield Made(**json.loads(row["made"]))
    finally:
        if begun:
            ray.shutdown()


def _quiet() -> None:
    """The progress shown is mien's own."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)
