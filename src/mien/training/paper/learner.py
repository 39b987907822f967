"""What learns in the paper's system: the U-Net and the conditional PatchGAN; and a run's generator, for use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mien.errors import MienError
from mien.models.patch_discriminator import PatchDiscriminator
from mien.models.unet import UNet
from mien.training import learner
from mien.training.checkpoint import load_into
from mien.training.paper.config import PaperConfig, from_dict

KIND = "mien paper run 1"
"""What the header of a checkpoint says of itself."""


class Learner(learner.Learner):
    """Fresh networks, the same for the same seed, on a device."""

    kind = KIND
    may_change = ("optimiser.steps", "triplet.embedder", "log")
    generator: UNet
    discriminator: PatchDiscriminator
    average: UNet

    def __init__(self, config: PaperConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        run = config.optimiser
        adam = learner.Adam(run.rate, run.beta1, run.beta2)
        generator, discriminator = UNet(config.generator_net()), PatchDiscriminator(config.discriminator_net())
        super().__init__(config, generator, discriminator, device, (adam, adam), run.ema)

    @classmethod
    def told(cls, values: dict[str, Any]) -> PaperConfig:
        return from_dict(values)


def read_run(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and state of the run in `folder`, None if there is none."""
    return learner.read_run(folder, KIND)


def load_generator(folder: Path) -> UNet:
    """The averaged generator of a run, for use: its `config` is the network's; categories are those of `run_config`."""
    tensors, state = _there(folder)
    net = UNet(from_dict(state["config"]).generator_net())
    load_into(net, "average", tensors)
    return net.requires_grad_(False).eval()


def run_config(folder: Path) -> PaperConfig:
    """The configuration of the run in `folder`."""
    return from_dict(_there(folder)[1]["config"])


def _there(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    loaded = read_run(folder)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {folder}")
    return loaded
