"""The training loop, top to bottom: batch, generator step, discriminator step, average, log, save."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from mien.errors import MienError
from mien.models.discriminator import Discriminator
from mien.models.embedder import load_embedder
from mien.models.warp_unet import WarpUNet, WarpUNetConfig
from mien.rig.render import Rig
from mien.training.batch import recolour, to_device
from mien.training.checkpoint import (
    flatten,
    load_checkpoint,
    load_into,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from mien.training.config import TrainConfig
from mien.training.identity import Identity
from mien.training.samples import sample_sheet
from mien.training.source import Source
from mien.training.step import discriminator_loss, generator_losses

Report = Callable[[int, float, dict[str, float]], None]


def rate_at(step: int, config: TrainConfig) -> float:
    """Learning rate: linear warm-up, then a cosine down to the final rate."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    share = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.final_rate + (config.rate - config.final_rate) * 0.5 * (1 + math.cos(math.pi * share))


def build(config: TrainConfig) -> tuple[WarpUNet, Discriminator]:
    """Fresh networks, the same for the same seed."""
    torch.manual_seed(config.seed)
    return WarpUNet(WarpUNetConfig(widths=config.widths, head=config.head, inner=config.size)), Discriminator()


def train(
    config: TrainConfig,
    folder: Path,
    neutral: dict[str, Rig],
    smiles: dict[str, Rig],
    held_out: list[Rig],
    *,
    workers: int = 1,
    device: str = "cpu",
    save_every: int = 200,
    sample_every: int = 500,
    stop_after: float = math.inf,
    report: Report | None = None,
    init: Path | None = None,
) -> WarpUNet:
    """Train to `config.steps`, or for `stop_after` seconds; goes on from `folder`'s checkpoint. Returns the average.

    folder gets checkpoint.safetensors, samples/*.png and TensorBoard logs. held_out: rigs for the sheets only.
    init: folder of a run whose averaged weights a fresh run starts from.
    """
    began = time.monotonic()
    with Source(config, neutral, smiles, workers) as source:
        place = torch.device(device)
        generator, discriminator = build(config)
        if init is not None:
            _start_from(init, generator)
        average = copy.deepcopy(generator)
        g_adam = torch.optim.Adam(generator.parameters(), lr=config.rate, betas=(0.9, 0.99))
        d_adam = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.99))
        start = _restore(folder, config, generator, average, discriminator, g_adam, d_adam)
        identity = None
        if config.triplet_weight:
            identity = Identity(load_embedder(config.triplet_embedder).to(place), config.triplet_rules(), {})
        for module in (generator, average, discriminator):
            module.to(place, memory_format=torch.channels_last)
        for adam in (g_adam, d_adam):
            for values in adam.state.values():
                for key in ("exp_avg", "exp_avg_sq"):
                    values[key] = values[key].to(place)
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        log = SummaryWriter(str(folder / "logs"), purge_step=start)

        def save(step: int) -> None:
            tensors: dict[str, Tensor] = {
                **flatten("generator", generator.state_dict()),
                **flatten("average", average.state_dict()),
                **flatten("discriminator", discriminator.state_dict()),
                **optimizer_tensors("g_adam", g_adam),
                **optimizer_tensors("d_adam", d_adam),
            }
            save_checkpoint(folder, tensors, {"step": step, "config": config.as_dict()})

        step = start
        if start < config.steps:
            for step, packed in source.batches(start):
                random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
                batch = to_device(recolour(packed, random), place)
                for group in g_adam.param_groups:
                    group["lr"] = rate_at(step, config)
                rival = discriminator if step >= config.adversarial_from else None

                told = identity._replace(lots=random) if identity else None
                total, terms, output = generator_losses(generator, rival, batch, config, told)
                _check(total, step)  # before going backward: torch crashes on a grid of NaN
                g_adam.zero_grad(set_to_none=True)
                total.backward()
                _check(torch.nn.utils.clip_grad_norm_(generator.parameters(), 5.0), step)
                g_adam.step()

                if rival is not None:
                    d_loss = discriminator_loss(discriminator, batch, output, config, random)
                    d_adam.zero_grad(set_to_none=True)
                    d_loss.backward()
                    d_adam.step()
                    terms["discriminator"] = d_loss

                with torch.no_grad():
                    keep = min(config.ema, (step + 1) / (step + 10))
                    for mean, value in zip(average.parameters(), generator.parameters(), strict=True):
                        mean.lerp_(value, 1 - keep)

                done = step + 1
                if done % 20 == 0 or done == config.steps:
                    values = {name: float(value.detach()) for name, value in terms.items()}
                    for name, value in values.items():
                        log.add_scalar(name, value, done)
                    if report:
                        report(done, float(total.detach()), values)
                out_of_time = time.monotonic() - began > stop_after
                if done % save_every == 0 or done == config.steps or out_of_time:
                    save(done)
                if held_out and (done % sample_every == 0 or done == config.steps or out_of_time):
                    sample_sheet(average, held_out, folder / "samples" / f"{done:07d}.png", place, config.size)
                if done >= config.steps or out_of_time:
                    break
        log.close()
    return average


def _check(value: Tensor, step: int) -> None:
    """Stop, with the last checkpoint as it is, when a loss or a gradient is not finite."""
    if not torch.isfinite(value):
        raise MienError(f"the loss is not finite at step {step + 1}: lower the rate, or go on from the last checkpoint")


def _start_from(folder: Path, generator: WarpUNet) -> None:
    """Load the averaged weights of the run in `folder`. What an older network did not have yet starts fresh."""
    loaded = load_checkpoint(folder)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {folder}")
    fresh = flatten("average", generator.state_dict())
    newer = {name: value for name, value in fresh.items() if ".rows." in name}
    load_into(generator, "average", {**newer, **loaded[0]})


def _restore(
    folder: Path,
    config: TrainConfig,
    generator: WarpUNet,
    average: WarpUNet,
    discriminator: Discriminator,
    g_adam: torch.optim.Adam,
    d_adam: torch.optim.Adam,
) -> int:
    """Load the folder's checkpoint into everything; the step to go on from (0 if there is none)."""
    loaded = load_checkpoint(folder)
    if loaded is None:
        return 0
    tensors, state = loaded
    for name in ("widths", "head", "size"):
        had = state["config"].get(name)
        if (tuple(had) if isinstance(had, list) else had) != getattr(config, name):
            raise MienError(f"{folder} holds a run with other {name}: use another folder or the same configuration")
    load_into(generator, "generator", tensors)
    load_into(average, "average", tensors)
    load_into(discriminator, "discriminator", tensors)
    restore_optimizer("g_adam", g_adam, tensors)
    restore_optimizer("d_adam", d_adam, tensors)
    return int(state["step"])
