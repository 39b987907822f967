"""What learns: the two networks, the generator's average, their optimisers; and their way to a file and back.

Nothing else needs to be kept: draws, flips, dropout and mining are pure functions of (seed, step, device), so seed and
step are the whole state of what is random.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.models.patch_discriminator import PatchDiscriminator
from mien.models.unet import UNet
from mien.training.checkpoint import (
    flatten,
    load_checkpoint,
    load_into,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from mien.training.paper.config import PaperConfig, from_dict

KIND = "mien paper run 1"
"""What the header of a checkpoint says of itself."""

MAY_CHANGE = ("optimiser.steps", "triplet.embedder")
"""What a resumed run may have otherwise, beside all of [log]."""


class Learner:
    """Fresh networks, the same for the same seed, on a device."""

    def __init__(self, config: PaperConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        run = config.optimiser
        self.config = config
        self.generator = UNet(config.generator_net())
        self.discriminator = PatchDiscriminator(config.discriminator_net())
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        for module in (self.generator, self.discriminator, self.average):
            module.to(device, memory_format=torch.channels_last)
        betas = (run.beta1, run.beta2)
        self.g_adam = torch.optim.Adam(self.generator.parameters(), lr=run.rate, betas=betas)
        self.d_adam = torch.optim.Adam(self.discriminator.parameters(), lr=run.rate, betas=betas)

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the average, BatchNorm's statistics included, towards the generator; faster in the first steps."""
        keep = min(self.config.optimiser.ema, (step + 1) / (step + 10))
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
        seed = self.config.seed
        state = {
            "kind": KIND,
            "step": step,
            "config": self.config.as_dict(),
            "random": {"seed": seed, "step": step},
        }
        try:
            save_checkpoint(folder, tensors, state)
        except Exception as error:  # safetensors has an exception class of its own
            (folder / "checkpoint.safetensors.part").unlink(missing_ok=True)  # what is cut off only fills the disk
            raise MienError(
                f"cannot write the checkpoint of step {step} in {folder}: {error}; the one before it is kept"
            ) from None

    def restore(self, folder: Path) -> int:
        """Load the checkpoint of `folder`; the step to go on from, 0 if there is none."""
        loaded = read_run(folder)
        if loaded is None:
            return 0
        tensors, state = loaded
        other = _difference(from_dict(state["config"]).as_dict(), self.config.as_dict())
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


def read_run(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and state of the run in `folder`, None if there is none."""
    loaded = load_checkpoint(folder)
    if loaded is not None and loaded[1].get("kind") != KIND:
        raise MienError(f"{folder} holds a run of another kind, not of the paper's system")
    return loaded


def load_generator(folder: Path) -> UNet:
    """The averaged generator of a run, for use: its `config` is the network's; categories are those of `run_config`."""
    loaded = read_run(folder)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {folder}")
    net = UNet(from_dict(loaded[1]["config"]).generator_net())
    load_into(net, "average", loaded[0])
    return net.requires_grad_(False).eval()


def run_config(folder: Path) -> PaperConfig:
    """The configuration of the run in `folder`."""
    loaded = read_run(folder)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {folder}")
    return from_dict(loaded[1]["config"])


def reseed(seed: int, step: int, rank: int) -> torch.Generator:
    """Set torch's own lots (dropout) for a step of a device; lots on the CPU for whoever wants some of their own."""
    lots = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> np.uint64(1))
    torch.manual_seed(lots)
    return torch.Generator().manual_seed(lots)


def hold(module: nn.Module, still: bool) -> None:
    """Keep a network's weights out of the next gradients, or let them in again."""
    for parameter in module.parameters():
        parameter.requires_grad_(not still)


def _difference(had: dict[str, Any], told: dict[str, Any], where: str = "") -> str:
    """The first key in which two configurations differ and may not; "" if there is none."""
    for name, value in told.items():
        key = where + name
        if key == "log" or key in MAY_CHANGE:
            continue
        if isinstance(value, dict) and isinstance(had.get(name), dict):
            found = _difference(had[name], value, f"{key}.") if value.keys() == had[name].keys() else key
            if found:
                return found
        elif value != had.get(name):
            return key
    return ""
