"""What a rival is to the training loop and to whoever applies it: networks, losses, and a face with an expression."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.models.embedder import Embedder

ADVERSARIAL = ("wasserstein", "least-squares")
"""What a rival's option `adversarial` may be, where it has one."""

Terms = dict[str, Tensor]
"""Weighted terms of a loss by name; their sum is the loss."""


class Step(NamedTuple):
    """What a step is shown: two photos of one person, source and target (N, 3, S, S) in [0, 1]; what each shows as
    one-hot category (N, K), shape weights (N, 57) and landmarks (N, 68, 2), (x, y) as shares of the crop's side."""

    source: Tensor
    target: Tensor
    source_category: Tensor
    category: Tensor
    source_weights: Tensor
    weights: Tensor
    source_points: Tensor
    points: Tensor


class Wanted(NamedTuple):
    """What to make of N faces: category (N, K) one-hot, its shape weights (N, 57) at full strength, landmarks of the
    faces as they are (N, 68, 2), the strength, and what neutral is (N, K), None where no category is."""

    category: Tensor
    weights: Tensor
    points: Tensor
    strength: float = 1.0
    neutral: Tensor | None = None


@dataclass(frozen=True)
class Options:
    """A rival's own options; weights must not be negative."""

    def check(self) -> None:
        """Raise a `MienError` for what has no meaning."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, int | float) and value < 0:
                raise MienError(f"loss.{f.name} must not be negative")
        kind = getattr(self, "adversarial", ADVERSARIAL[0])
        if kind not in ADVERSARIAL:
            raise MienError(f'loss.adversarial is "wasserstein" or "least-squares", not {kind!r}')


@dataclass(frozen=True)
class Nets:
    """The same for all rivals: side of the faces, channels of the first layer, number of categories."""

    size: int = 64
    width: int = 64
    categories: int = 7


class Rival(ABC):
    """A published method. `steady`: it knows no strength but 1. `paired`: its targets are photos of one person beside
    the same person's neutral one, so `sources` must be neutral alone. `guided`: it needs landmarks."""

    Own: ClassVar[type[Options]]
    steady: ClassVar[bool] = True
    paired: ClassVar[bool] = False
    guided: ClassVar[bool] = False
    embedder: Embedder | None = None
    """The frozen embedder of its identity loss, given by whoever trains it."""

    def __init__(self, nets: Nets, own: Options) -> None:
        self.nets, self.own = nets, own

    @property
    def critic_steps(self) -> int:
        """Updates of the discriminator for one of the generator, each with a batch of its own."""
        return int(getattr(self.own, "critic_steps", 1))

    @abstractmethod
    def generator(self) -> nn.Module:
        """Fresh: all that is needed to make faces."""

    @abstractmethod
    def discriminator(self) -> nn.Module:
        """Fresh: all that judges."""

    @abstractmethod
    def make(self, generator: Any, step: Step, lots: torch.Generator) -> Any:
        """What the generator makes of a step, for the losses."""

    @abstractmethod
    def discriminator_terms(self, discriminator: Any, step: Step, made: Any, lots: torch.Generator) -> Terms:
        """The discriminator's loss; no gradient goes into what was made."""

    @abstractmethod
    def generator_terms(
        self, generator: Any, discriminator: Any, step: Step, made: Any, lots: torch.Generator
    ) -> Terms:
        """The generator's loss; the discriminator's weights are held still."""

    @abstractmethod
    def apply(self, generator: Any, photos: Tensor, wanted: Wanted) -> Tensor:
        """Faces (N, 3, S, S) in [0, 1] -> the same with the expression."""

    def learn(self, generator: Any, shown: Step) -> None:  # noqa: B027  most have nothing to keep
        """Keep with the generator what all faces to train on, as one step, say beside their pixels."""
