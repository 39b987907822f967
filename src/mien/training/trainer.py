"""The training loop, top to bottom: batch, discriminator step, generator step, average, log, save, sheet.

It runs on Lightning Fabric: precision, devices and hosts are its configuration and change no line here. What differs
from model to model is behind `System`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.tensorboard import SummaryWriter

from mien.errors import MienError
from mien.training.devices import agree, check_finite, late
from mien.training.learner import Learner, hold, reseed
from mien.training.system import System, Values

Report = Callable[[int, float, dict[str, float]], None]
"""Told now and then: steps done, the generator's loss, and the latest values."""


def train(
    system: System,
    folder: Path,
    fabric: Fabric,
    *,
    stop_after: float = math.inf,
    report: Report | None = None,
) -> nn.Module:
    """Train to `system.steps`, or for `stop_after` seconds, going on from `folder`'s checkpoint if it has one.
    Returns the average. `fabric` is launched.

    folder gets checkpoint.safetensors, samples/*.png and TensorBoard's logs.
    """
    began = time.monotonic()
    learner, rank = system.learner, fabric.global_rank
    start = learner.restore(folder)
    generator, g_adam = fabric.setup(learner.generator, learner.g_adam, move_to_device=False)
    discriminator, d_adam = fabric.setup(learner.discriminator, learner.d_adam, move_to_device=False)
    for name in system.forwards:
        generator.mark_forward_method(name)
    log = SummaryWriter(str(folder / "logs"), purge_step=start) if rank == 0 else None
    shown: float | Tensor = math.nan  # the generator's latest loss

    for step, batch in zip(range(start, system.steps), system.batches(start), strict=False):
        lots = reseed(learner.config.seed, step, rank)
        joined = step >= system.rivals_from
        turn = (step + 1) % system.critic_steps == 0  # the generator's
        with torch.set_grad_enabled(turn):
            made = system.make(generator, batch)

        values: Values = {}
        if joined:
            d_loss, values = system.discriminator_loss(discriminator, batch, made, lots)
            check_finite(fabric, d_loss, step)
            d_adam.zero_grad()
            fabric.backward(d_loss)
            d_adam.step()

        if turn:
            hold(learner.discriminator, True)  # the generator's gradients pass through it and leave none there
            with fabric.autocast():
                g_loss, more = system.generator_loss(learner.discriminator if joined else None, batch, made, lots)
            check_finite(fabric, g_loss, step)  # before going backward: torch crashes on a grid of NaN
            g_adam.zero_grad()
            fabric.backward(g_loss)
            if math.isfinite(system.clip):
                check_finite(fabric, clip_grad_norm_(learner.generator.parameters(), system.clip), step)
            for group in learner.g_adam.param_groups:
                group["lr"] = system.rate(step)
            g_adam.step()
            hold(learner.discriminator, False)
            values |= more
            shown = g_loss.detach()

        agree(fabric, learner.generator, learner.discriminator)
        learner.follow(step)

        done = step + 1
        last = done == system.steps or late(fabric, began, stop_after)
        if log and (done % system.values_every == 0 or last):
            numbers = {name: float(value.detach()) for name, value in values.items()}
            for name, number in numbers.items():
                log.add_scalar(name, number, done)
            if report:
                report(done, float(shown), numbers)
        if done % system.save_every == 0 or last:
            _save(fabric, learner, folder, done)
            if log:
                log.flush()
        if log and (done % system.sample_every == 0 or last):
            system.sheet(folder / "samples" / f"{done:07d}.png")
        if last:
            break
    if log:
        log.close()
    return learner.average


def _save(fabric: Fabric, learner: Learner, folder: Path, step: int) -> None:
    """The first device writes; all stop if it cannot."""
    problem = ""
    if fabric.global_rank == 0:
        try:
            learner.save(folder, step)
        except MienError as error:
            problem = str(error)
    problem = fabric.broadcast(problem)
    if problem:
        raise MienError(problem)
