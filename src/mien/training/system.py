"""What the training loop asks of a model: the same loop trains the default generator and the paper's system."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mien.training.learner import Learner

Values = dict[str, Tensor]
"""Weighted terms of a loss and what is worth watching, by name: scalars for the log."""


class System(ABC):
    """A model with its data and losses, on this process's device.

    steps: batches, and updates of the discriminator. critic_steps: how many of these there are for one of the
    generator. rivals_from: step at which the discriminator joins. clip: largest norm of the
    generator's gradient. forwards: methods of the generator, beside `forward`, that `make` calls on it.
    save_every, sample_every, values_every: steps between checkpoints, sample sheets and written values.
    """

    learner: Learner
    steps: int
    save_every: int
    sample_every: int
    values_every: int
    critic_steps: int = 1
    rivals_from: int = 0
    clip: float = math.inf
    forwards: tuple[str, ...] = ()

    @abstractmethod
    def rate(self, step: int) -> float:
        """The generator's learning rate."""

    @abstractmethod
    def batches(self, start: int) -> Iterator[Any]:
        """This device's share of the batches from step `start` on, without end: a pure function of seed and step."""

    @abstractmethod
    def make(self, generator: nn.Module, batch: Any) -> Any:
        """What the generator makes of a batch."""

    @abstractmethod
    def discriminator_loss(
        self, discriminator: nn.Module, batch: Any, made: Any, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        """(loss, values) of a batch and of what was made of it, which gets no gradient. `lots` are on the CPU."""

    @abstractmethod
    def generator_loss(
        self, discriminator: nn.Module | None, batch: Any, made: Any, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        """(loss, values). The discriminator's weights are held still; None where it has not joined."""

    @abstractmethod
    def sheet(self, path: Path) -> None:
        """Write a sample sheet (PNG) of the average, if there are faces for one."""
