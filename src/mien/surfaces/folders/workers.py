"""Work done in several processes. One that dies costs its task, not the run: a photo may crash a decoder."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from mien.processes import begin_worker, cores

Task = TypeVar("Task")
Done = TypeVar("Done")

MOST = 8
"""At most so many processes unless more are asked for: each holds a photo of its own."""

DIED = "the process that worked on it ended without a word (out of memory, or a damaged file)"

_ONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def count(wanted: int | None) -> int:
    """Processes to use: as many as there are cores, at most `MOST`, unless another number is `wanted`."""
    if wanted is not None:
        return wanted
    return min(cores(), MOST)


def work(
    tasks: Sequence[Task],
    make: Callable[[Task], Done],
    start: Callable[..., None],
    told: tuple[Any, ...],
    lost: Callable[[Task, str], Done],
    workers: int,
) -> Iterator[tuple[Task, Done]]:
    """Tasks and what `make` made of them, as they are done; few at a time are under way, so memory stays what it is.

    Each process begins with `start(*told)`. What was under way when a process died is done again, one at a time in a
    process of its own; a task that kills this one too is given what `lost` says.
    """
    todo = iter(tasks)
    suspects: list[Task] = []
    with _one_thread_each():
        while True:
            suspects = yield from _shared(todo, make, start, told, workers)
            if not suspects:
                return
            for task in suspects:
                try:
                    with _pool(1, start, told) as alone:
                        done = alone.submit(make, task).result()
                except BrokenProcessPool:
                    done = lost(task, DIED)
                yield task, done


def _shared(
    todo: Iterator[Task], make: Callable[[Task], Done], start: Callable[..., None], told: tuple[Any, ...], workers: int
) -> Generator[tuple[Task, Done], None, list[Task]]:
    """Work until all is done, which returns nothing, or until a process dies, which returns what was under way."""
    pool = _pool(workers, start, told)
    under_way: dict[Future[Done], Task] = {}
    try:
        while True:
            for task in islice(todo, 2 * workers - len(under_way)):
                under_way[_submitted(pool, make, task)] = task
            if not under_way:
                return []
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                done = future.result()
                yield under_way.pop(future), done
    except BrokenProcessPool:
        finished = [future for future in under_way if future.done() and future.exception() is None]
        for future in finished:
            yield under_way.pop(future), future.result()
        return list(under_way.values())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, make: Callable[[Task], Done], task: Task) -> Future[Done]:
    try:
        return pool.submit(make, task)
    except BrokenProcessPool as error:
        future: Future[Done] = Future()
        future.set_exception(error)
        return future


def _pool(workers: int, start: Callable[..., None], told: tuple[Any, ...]) -> ProcessPoolExecutor:
    # clean processes: threads of OpenCV and ONNX Runtime do not survive a fork
    return ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(start, told)
    )


def _begin(start: Callable[..., None], told: tuple[Any, ...]) -> None:
    begin_worker()
    start(*told)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes begun meanwhile do linear algebra in one thread: the others have the other cores."""
    before = {name: os.environ.get(name) for name in _ONE}
    os.environ.update(_ONE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
