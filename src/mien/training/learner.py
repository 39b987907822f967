"""What learns: the two networks, the generator's average, their optimisers; and their way to a file and back.

Nothing else needs to be kept: draws, flips, dropout and mining are pure functions of (seed, step, device), so seed and
step are the whole state of what is random.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.training.checkpoint import (
    flatten,
    load_checkpoint,
    load_into,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    within,
)

WARP = "mien warp run 1"
"""The kind of a default generator's checkpoint, also of those that name none: when they were written, there was one."""


class RunConfig(Protocol):
    """What a learner needs to know of its configuration."""

    @property
    def seed(self) -> int: ...

    def as_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Adam:
    """Learning rate and momenta (Kingma & Ba 2015) of one network's optimiser."""

    rate: float
    beta1: float
    beta2: float


class Learner:
    """Networks on a device, with all that a run has learnt. kind: what the header of a checkpoint says of itself;
    may_change: keys of the configuration that a resumed run may have otherwise."""

    kind: ClassVar[str]
    may_change: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        config: RunConfig,
        generator: nn.Module,
        discriminator: nn.Module,
        device: torch.device,
        rules: tuple[Adam, Adam],
        ema: float,
    ) -> None:
        self.config, self.ema = config, ema
        self.generator, self.discriminator = generator, discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False).eval()
        for module in (self.generator, self.discriminator, self.average):
            module.to(device, memory_format=torch.channels_last)
        self.g_adam, self.d_adam = (
            torch.optim.Adam(module.parameters(), lr=rule.rate, betas=(rule.beta1, rule.beta2))
            for module, rule in zip((generator, discriminator), rules, strict=True)
        )

    @classmethod
    def told(cls, values: dict[str, Any]) -> RunConfig:
        """The configuration that `as_dict` gave, after a way through JSON."""
        raise NotImplementedError

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the average, BatchNorm's statistics included, towards the generator; faster in the first steps."""
        keep = min(self.ema, (step + 1) / (step + 10))
        now = self.generator.state_dict()
        for name, mean in self.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(now[name], 1 - keep)
            else:
                mean.copy_(now[name])  # BatchNorm's count

    def save(self, folder: Path, step: int) -> None:
        """Write the checkpoint; what stops that, a full disk say, leaves the one before as it is."""
        tensors = self._tensors()
        if not all(bool(torch.isfinite(t).all()) for t in tensors.values() if t.is_floating_point()):
            raise MienError(f"the weights are not finite at step {step}: lower the rate; the last checkpoint is kept")
        state = {
            "kind": self.kind,
            "step": step,
            "config": self.config.as_dict(),
            "random": {"seed": self.config.seed, "step": step},
        }
        try:
            save_checkpoint(folder, tensors, state)
        except Exception as error:  # safetensors has an exception class of its own
            raise MienError(
                f"cannot write the checkpoint of step {step} in {folder}: {error}; the one before it is kept"
            ) from None

    def restore(self, folder: Path) -> int:
        """Load the checkpoint of `folder`; the step to go on from, 0 if there is none."""
        loaded = read_run(folder, self.kind)
        if loaded is None:
            return 0
        tensors, state = loaded
        if not within("generator", tensors):
            raise MienError(f"{folder} holds averaged weights alone, which no run can go on from: name it as --init")
        other = _difference(self.told(state["config"]).as_dict(), self.config.as_dict(), self.may_change)
        if other:
            raise MienError(f"{folder} holds a run with other {other}: use another folder or the same configuration")
        load_into(self.generator, "generator", tensors)
        load_into(self.average, "average", tensors)
        load_into(self.discriminator, "discriminator", tensors)
        restore_optimizer("g_adam", self.g_adam, tensors)
        restore_optimizer("d_adam", self.d_adam, tensors)
        return int(state["step"])

    def _tensors(self) -> dict[str, Tensor]:
        return {
            **flatten("generator", self.generator.state_dict()),
            **flatten("average", self.average.state_dict()),
            **flatten("discriminator", self.discriminator.state_dict()),
            **optimizer_tensors("g_adam", self.g_adam),
            **optimizer_tensors("d_adam", self.d_adam),
        }


def read_run(folder: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and state of the run of this kind in `folder`, None if there is none."""
    loaded = load_checkpoint(folder)
    if loaded is not None and loaded[1].get("kind", WARP) != kind:
        raise MienError(f"{folder} holds a run of another kind, {loaded[1].get('kind', WARP)!r}, not {kind!r}")
    return loaded


def reseed(seed: int, step: int, rank: int) -> torch.Generator:
    """Set torch's own lots (dropout) for a step of a device; lots on the CPU for whoever wants some of their own."""
    lots = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> np.uint64(1))
    torch.manual_seed(lots)
    return torch.Generator().manual_seed(lots)


def hold(module: nn.Module, still: bool) -> None:
    """Keep a network's weights out of the next gradients, or let them in again."""
    for parameter in module.parameters():
        parameter.requires_grad_(not still)


def _difference(had: Mapping[str, Any], told: Mapping[str, Any], free: tuple[str, ...], where: str = "") -> str:
    """The first key in which two configurations differ and may not; "" if there is none."""
    for name, value in told.items():
        key = where + name
        if key in free:
            continue
        if isinstance(value, dict) and isinstance(had.get(name), dict):
            found = _difference(had[name], value, free, f"{key}.") if value.keys() == had[name].keys() else key
            if found:
                return found
        elif value != had.get(name):
            return key
    return ""
