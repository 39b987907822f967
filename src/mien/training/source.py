"""Where batches come from: chunks of pairs that worker processes render ahead of the training."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.pool import AsyncResult
from types import TracebackType

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from mien.data.pairs import make_pair, real_pair
from mien.rig.render import Rig
from mien.training.batch import Batch, collate, pack
from mien.training.config import TrainConfig

Packed = tuple[np.ndarray, ...]

_neutral: dict[str, Rig] = {}
_smiles: dict[str, Rig] = {}


def make_packed(config: TrainConfig, number: int) -> Packed:
    """The pair of this number, packed; a pure function of the configuration's seed and the number. Persons are counted
    in the order of their keys."""
    rng, size, labels = np.random.default_rng((config.seed, number, 7)), config.size, sorted(_neutral)
    if _smiles and rng.random() < config.real_share:
        key = sorted(_smiles)[rng.integers(len(_smiles))]
        neutral, smile = _neutral[key], _smiles[key]
        if rng.random() < 0.5:
            return pack(real_pair(neutral, smile, smile.fit.weights, rng, size), labels.index(key))
        return pack(real_pair(smile, neutral, neutral.fit.weights, rng, size), labels.index(key))
    rigs = _smiles if _smiles and rng.random() < config.smile_share else _neutral
    pair = make_pair(list(rigs.values()), config.seed, number, size)
    return pack(pair, labels.index(list(rigs)[pair.person]))


def _work(task: tuple[TrainConfig, int]) -> Packed:
    return make_packed(*task)


def _start() -> None:
    threadpool_limits(1)  # several workers share the cores: more threads each would only wait for one another


class Source:
    """Batches by step number; of several devices, each has a source of its own, which renders what its share needs.
    Use as a context manager: it owns worker processes.

    Workers are forked before torch starts its threads, so that the rigs (about a gigabyte) are shared, not copied.
    """

    def __init__(
        self,
        config: TrainConfig,
        neutral: dict[str, Rig],
        smiles: dict[str, Rig],
        workers: int,
        rank: int = 0,
        devices: int = 1,
    ) -> None:
        self.config, self.rank, self.share = config, rank, config.batch // devices
        _neutral.clear()
        _neutral.update(neutral)
        _smiles.clear()
        _smiles.update(smiles)
        self.steps_a_chunk = config.chunk * config.repeats // config.batch
        cv2.setNumThreads(1)  # here, for a worker that ends the threads which it has not inherited waits for ever
        self._pool = multiprocessing.get_context("fork").Pool(workers, initializer=_start) if workers else None
        self._ahead: dict[int, AsyncResult[list[Packed]]] = {}

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.terminate()

    def _plan(self, chunk: int) -> np.ndarray:
        """(steps of the chunk, share) numbers of pairs: which of them this device's share of each batch has."""
        config = self.config
        rng = np.random.default_rng((config.seed, chunk, 11))
        order = np.concatenate([rng.permutation(config.chunk) for _ in range(config.repeats)])
        batches = order[: self.steps_a_chunk * config.batch].reshape(self.steps_a_chunk, config.batch)
        return chunk * config.chunk + batches[:, self.rank * self.share : (self.rank + 1) * self.share]

    def _request(self, chunk: int) -> None:
        if self._pool and chunk not in self._ahead:
            tasks = [(self.config, int(number)) for number in np.unique(self._plan(chunk))]
            self._ahead[chunk] = self._pool.map_async(_work, tasks, chunksize=4)

    def _chunk(self, chunk: int) -> dict[int, Packed]:
        """By number, the pairs of a chunk that this device needs."""
        needed = np.unique(self._plan(chunk)).tolist()
        if not self._pool:
            return {number: make_packed(self.config, number) for number in needed}
        self._request(chunk)
        self._request(chunk + 1)
        return dict(zip(needed, self._ahead.pop(chunk).get(), strict=True))

    def batches(self, start: int) -> Iterator[tuple[int, Batch]]:
        """(step, batch) from step `start` on, without end; the same whether or not the run was broken before."""
        chunk, within = divmod(start, self.steps_a_chunk)
        while True:
            pairs = self._chunk(chunk)
            for k, numbers in enumerate(self._plan(chunk)[within:], within):
                yield chunk * self.steps_a_chunk + k, collate([pairs[number] for number in numbers.tolist()])
            chunk, within = chunk + 1, 0
