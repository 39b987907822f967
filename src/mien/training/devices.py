"""One device or several: how they are started, and what they must do together."""

from __future__ import annotations

import math
import time

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from mien.errors import MienError


def check_devices(batch: int, accelerator: str = "cpu", devices: int = 1, nodes: int = 1) -> None:
    """Raise a `MienError` if there are no such devices, or if they cannot share a batch."""
    if accelerator not in ("cpu", "cuda"):
        raise MienError(f"the accelerator is cpu or cuda, not {accelerator!r}")
    found = torch.cuda.device_count()
    if accelerator == "cuda" and found < devices:
        raise MienError(f"there are {found} cuda devices here, not {devices}: use --accelerator cpu")
    if batch % (devices * nodes):
        raise MienError(f"a batch of {batch} cannot be shared evenly by {devices * nodes} devices")


def launch(batch: int, precision: str, accelerator: str = "cpu", devices: int = 1, nodes: int = 1) -> Fabric:
    """Fabric for these devices, launched: from here on each device has its own process."""
    check_devices(batch, accelerator, devices, nodes)
    # the discriminator passes several times before it goes backward: its statistics must not be overwritten meanwhile
    together = DDPStrategy(
        forward_sync_buffers=False, process_group_backend="nccl" if accelerator == "cuda" else "gloo"
    )
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=together if devices * nodes > 1 else "auto",
        precision="bf16-mixed" if half(precision, accelerator) else "32-true",
    )
    fabric.launch()
    return fabric


def half(precision: str, accelerator: str) -> bool:
    """Whether networks run in bf16: "bf16", "fp32", or "auto" for where the hardware multiplies it (GPU, AMX)."""
    if precision == "auto":
        return accelerator == "cuda" or bool(torch.cpu._is_amx_tile_supported())
    return precision == "bf16"


def gather(fabric: Fabric, tensor: Tensor) -> Tensor:
    """A tensor (M, ...) of this device -> those of all devices, (devices * M, ...)."""
    if fabric.world_size == 1:
        return tensor
    everybody = fabric.all_gather(tensor)  # (devices, M, ...)
    assert isinstance(everybody, Tensor)
    return everybody.flatten(0, 1)


def check_finite(fabric: Fabric, value: Tensor, step: int) -> None:
    """Stop on all devices, with the last checkpoint as it is, when a loss or a gradient is not finite on one."""
    if not torch.isfinite(fabric.all_reduce(value.detach().clone(), reduce_op="sum")):
        raise MienError(f"the loss is not finite at step {step + 1}: lower the rate, or go on from the last checkpoint")


@torch.no_grad()
def agree(fabric: Fabric, *modules: nn.Module) -> None:
    """Where each device has its own batch statistics, all go on with their mean."""
    if fabric.world_size == 1:
        return
    learnt = [(module.state_dict(), dict(module.named_buffers())) for module in modules]
    buffers = [b for state, named in learnt for name, b in named.items() if name in state and b.is_floating_point()]
    if not buffers:
        return
    mean = fabric.all_reduce(torch.cat([b.flatten() for b in buffers]), reduce_op="mean")
    assert isinstance(mean, Tensor)
    for buffer, part in zip(buffers, mean.split([b.numel() for b in buffers]), strict=True):
        buffer.copy_(part.view_as(buffer))


def late(fabric: Fabric, began: float, stop_after: float) -> bool:
    """Whether `stop_after` seconds since `began` are over, by the first device's clock."""
    if math.isinf(stop_after):
        return False
    return bool(fabric.broadcast(time.monotonic() - began > stop_after))
