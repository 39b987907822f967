"""Tasks done in several processes, few at a time under way, so that memory stays what it is however many there are."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

import cv2

from mien.data.crops import Made, Task
from mien.errors import MienError
from mien.processes import begin_worker, cores

WORKERS, WITH_RIG = 6, 3
"""At most so many processes unless more are asked for, about 0.1 GiB each; and of those that hold the face model."""

Maker = Callable[[Task], list[Made]]


def count_workers(wanted: int | None, most: int = WORKERS) -> int:
    """Processes to use: as many as there are cores, and no more than `most`, unless another number is `wanted`."""
    if wanted is not None:
        return wanted
    return min(cores(), most)


def work(tasks: list[Task], maker: Maker, workers: int) -> Iterator[tuple[Task, list[Made]]]:
    """Tasks and what was made, as they are done; few at a time are under way, so memory stays what it is."""
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, maker(task)
        return
    # a server that has loaded everything forks clean copies of itself: they share its memory, and no thread is copied
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload([maker.__module__])
    with ProcessPoolExecutor(workers, context, initializer=_quiet) as pool:
        todo = iter(tasks)
        under_way: dict[Future[list[Made]], Task] = {}
        try:
            while True:
                for task in islice(todo, 4 * workers - len(under_way)):
                    under_way[pool.submit(maker, task)] = task
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    yield under_way.pop(future), future.result()
        except BrokenProcessPool:
            raise MienError("a process ended without a word (out of memory?): run it again to go on") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _quiet() -> None:
    begin_worker()
    cv2.setNumThreads(1)
