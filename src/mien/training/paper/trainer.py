"""The loop of the paper's system, top to bottom: batch, discriminator step, generator step, average, log, save.

It runs on Lightning Fabric: precision, devices and hosts are its configuration and change no line here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from mien.data.identity_pairs import pairs
from mien.errors import MienError
from mien.models.embedder import load_embedder
from mien.models.unet import UNet
from mien.training.paper.config import PaperConfig
from mien.training.paper.data import Batches
from mien.training.paper.faces import Faces
from mien.training.paper.learner import Learner, hold, reseed
from mien.training.paper.sheet import sample_sheet
from mien.training.paper.step import Identity, discriminator_loss, generator_loss

Report = Callable[[int, dict[str, float]], None]
"""Told now and then: steps done, and the latest values."""


def train(
    config: PaperConfig,
    faces: Faces,
    folder: Path,
    fabric: Fabric,
    *,
    stop_after: float = math.inf,
    report: Report | None = None,
) -> UNet:
    """Train to `optimiser.steps`, or for `stop_after` seconds, going on from `folder`'s checkpoint if it has one.
    Returns the average. `fabric` is launched.

    folder gets checkpoint.safetensors, samples/*.png and TensorBoard's logs.
    """
    began = time.monotonic()
    rank, devices, run = fabric.global_rank, fabric.world_size, config.optimiser
    batches = Batches(config, faces, fabric.device)
    identity = _identity(config, fabric)
    kinds = pairs(config.pair_rules())
    learner = Learner(config, fabric.device)
    start = learner.restore(folder)
    generator, g_adam = fabric.setup(learner.generator, learner.g_adam, move_to_device=False)
    discriminator, d_adam = fabric.setup(learner.discriminator, learner.d_adam, move_to_device=False)
    log = SummaryWriter(str(folder / "logs"), purge_step=start) if rank == 0 else None

    for step in range(start, run.steps):
        lots = reseed(config.seed, step, rank)
        batch = batches.at(step, rank, devices)
        made = generator(batch.source, batch.category)

        d_loss, values = discriminator_loss(discriminator, kinds, batch, made, config.loss.adversarial)
        _check(fabric, d_loss, step)
        d_adam.zero_grad()
        fabric.backward(d_loss)
        d_adam.step()

        hold(learner.discriminator, True)  # the generator's gradients pass through it and leave none there
        told = identity._replace(lots=lots) if identity else None
        with fabric.autocast():
            g_loss, more = generator_loss(learner.discriminator, batch, made, config.loss, told)
        _check(fabric, g_loss, step)
        g_adam.zero_grad()
        fabric.backward(g_loss)
        g_adam.step()
        hold(learner.discriminator, False)

        _agree(fabric, learner.generator, learner.discriminator)
        learner.follow(step)

        done = step + 1
        last = done == run.steps or _late(fabric, began, stop_after)
        if log and (done % config.log.values_every == 0 or last):
            numbers = {name: float(value.detach()) for name, value in (values | more).items()}
            for name, number in numbers.items():
                log.add_scalar(name, number, done)
            if report:
                report(done, numbers)
        if done % config.log.save_every == 0 or last:
            _save(fabric, learner, folder, done)
            if log:
                log.flush()
        if log and len(faces.held_out) and (done % config.log.sample_every == 0 or last):
            sample_sheet(learner.average, faces.held_out, folder / "samples" / f"{done:07d}.png")
        if last:
            break
    if log:
        log.close()
    return learner.average


def launch(config: PaperConfig, accelerator: str = "cpu", devices: int = 1, nodes: int = 1) -> Fabric:
    """Fabric for these devices, launched: from here on each device has its own process."""
    if accelerator not in ("cpu", "cuda"):
        raise MienError(f"the accelerator is cpu or cuda, not {accelerator!r}")
    found = torch.cuda.device_count()
    if accelerator == "cuda" and found < devices:
        raise MienError(f"there are {found} cuda devices here, not {devices}: use --accelerator cpu")
    if config.optimiser.batch % (devices * nodes):
        raise MienError(f"a batch of {config.optimiser.batch} cannot be shared evenly by {devices * nodes} devices")
    half = config.optimiser.precision == "bf16"
    if config.optimiser.precision == "auto":
        half = accelerator == "cuda" or torch.cpu._is_amx_tile_supported()
    # the discriminator passes several times before it goes backward: its statistics must not be overwritten meanwhile
    together = DDPStrategy(
        forward_sync_buffers=False, process_group_backend="nccl" if accelerator == "cuda" else "gloo"
    )
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=together if devices * nodes > 1 else "auto",
        precision="bf16-mixed" if half else "32-true",
    )
    fabric.launch()
    return fabric


def _identity(config: PaperConfig, fabric: Fabric) -> Identity | None:
    """What the triplet loss takes, if it has a weight."""
    if config.loss.triplet_weight == 0:
        return None
    embedder = load_embedder(config.triplet.embedder).to(fabric.device)

    def gather(tensor: Tensor) -> Tensor:
        if fabric.world_size == 1:
            return tensor
        everybody = fabric.all_gather(tensor)  # (devices, M, ...)
        assert isinstance(everybody, Tensor)
        return everybody.flatten(0, 1)

    return Identity(embedder, config.triplet_rules(), {}, gather)


def _check(fabric: Fabric, loss: Tensor, step: int) -> None:
    """Stop on all devices, with the last checkpoint as it is, when a loss is not finite on one."""
    if not torch.isfinite(fabric.all_reduce(loss.detach().clone(), reduce_op="sum")):
        raise MienError(f"the loss is not finite at step {step + 1}: lower the rate, or go on from the last checkpoint")


@torch.no_grad()
def _agree(fabric: Fabric, *modules: nn.Module) -> None:
    """Where each device has its own batch statistics, all go on with their mean."""
    if fabric.world_size == 1:
        return
    buffers = [b for module in modules for b in module.buffers() if b.is_floating_point()]
    if not buffers:
        return
    mean = fabric.all_reduce(torch.cat([b.flatten() for b in buffers]), reduce_op="mean")
    assert isinstance(mean, Tensor)
    for buffer, part in zip(buffers, mean.split([b.numel() for b in buffers]), strict=True):
        buffer.copy_(part.view_as(buffer))


def _late(fabric: Fabric, began: float, stop_after: float) -> bool:
    """Whether the time is over, by the first device's clock."""
    if math.isinf(stop_after):
        return False
    return bool(fabric.broadcast(time.monotonic() - began > stop_after))


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
