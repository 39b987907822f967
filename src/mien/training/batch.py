"""From pairs to tensors, and the colour changes that cost little on a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mien.data.pairs import Pair
from mien.models.warp_unet import MapTensors, apply_maps


@dataclass(frozen=True)
class Batch:
    """photo, wanted (N, 3, H, W) in [0, 1]; expression (N, 57); amount (N, 1); maps: the truth;
    known (N, 1, 1, 1): one where the maps are the rig's, zero for real pairs; label (N,) int64: the person."""

    photo: Tensor
    wanted: Tensor
    expression: Tensor
    amount: Tensor
    maps: MapTensors
    known: Tensor
    label: Tensor


def pack(pair: Pair, label: int = 0) -> tuple[np.ndarray, ...]:
    """A pair of the person `label` as small arrays (1 MB at 256 px): what workers send and the buffer keeps."""
    maps, teeth = pair.maps, pair.maps.teeth
    assert teeth is not None
    return (
        pair.source,
        pair.expression,
        np.asarray(pair.amount, np.float32),
        np.concatenate([maps.flow, maps.shading[..., None]], axis=-1).astype(np.float16),
        np.round(maps.paint * 255).astype(np.uint8),
        np.round(maps.alpha * 255).astype(np.uint8),
        np.concatenate([teeth.upper, teeth.lower], axis=-1).astype(np.float16),
        np.round(teeth.enamel * 255).astype(np.uint8),
        pair.real if pair.real is not None else np.zeros(0, np.uint8),
        np.asarray(label, np.int64),
    )


def collate(packed: Sequence[tuple[np.ndarray, ...]]) -> Batch:
    """Packed pairs as one float32 batch."""

    def image(arrays: list[np.ndarray]) -> Tensor:
        stacked = torch.from_numpy(np.ascontiguousarray(np.stack(arrays)))
        return stacked.permute(0, 3, 1, 2).float() / 255

    photo = image([p[0] for p in packed])
    moved = torch.from_numpy(np.stack([p[3] for p in packed])).permute(0, 3, 1, 2).float()
    rows = torch.from_numpy(np.stack([p[6] for p in packed])).permute(0, 3, 1, 2).float()
    alpha = torch.from_numpy(np.stack([p[5] for p in packed]))[:, None].float() / 255
    paint, enamel = image([p[4] for p in packed]), image([p[7] for p in packed])
    maps = MapTensors(moved[:, :2], moved[:, 2:], paint, alpha, rows[:, :2], rows[:, 2:], enamel)
    wanted = apply_maps(photo, maps).clamp(0, 1)
    known = torch.tensor([float(p[8].size == 0) for p in packed]).view(-1, 1, 1, 1)
    for i, p in enumerate(packed):
        if p[8].size:
            wanted[i] = image([p[8]])[0]
    return Batch(
        photo=photo,
        wanted=wanted,
        expression=torch.from_numpy(np.stack([p[1] for p in packed]).copy()),
        amount=torch.from_numpy(np.array([p[2] for p in packed], np.float32))[:, None],
        maps=maps,
        known=known,
        label=torch.from_numpy(np.array([p[9] for p in packed], np.int64)),
    )


def recolour(batch: Batch, generator: torch.Generator, rank: int = 0, devices: int = 1) -> Batch:
    """The same change of exposure, contrast, white balance and saturation on photo, wanted, paint and enamel. The batch
    is the share of device `rank`; `generator` draws for all of them."""
    n = len(batch.photo)
    mine = slice(rank * n, (rank + 1) * n)

    def normal(*shape: int) -> Tensor:
        return torch.randn(n * devices, *shape, generator=generator)[mine]

    gain = torch.exp(0.18 * normal(1, 1, 1)) * torch.exp(0.06 * normal(3, 1, 1))
    gamma = torch.exp(0.20 * normal(1, 1, 1))
    grey_share = (0.3 * normal(1, 1, 1)).clamp(-0.3, 1.0)
    full_grey = torch.rand(n * devices, 1, 1, 1, generator=generator)[mine] < 0.08
    grey_share = torch.where(full_grey, torch.ones_like(grey_share), grey_share)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)

    def change(x: Tensor) -> Tensor:
        x = (x.clamp(1e-4, 1) ** gamma) * gain
        grey = (x * luma).sum(1, keepdim=True)
        return (x + (grey - x) * grey_share).clamp(0, 1)

    maps = batch.maps._replace(paint=change(batch.maps.paint), enamel=change(batch.maps.enamel))
    return replace(batch, photo=change(batch.photo), wanted=change(batch.wanted), maps=maps)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on another device; images in channels-last order, which the processor's convolutions like."""

    def place(value: Tensor) -> Tensor:
        return value.to(device, memory_format=torch.channels_last) if value.dim() == 4 else value.to(device)

    moved = {name: place(value) for name, value in vars(batch).items() if name != "maps"}
    return Batch(maps=MapTensors(*map(place, batch.maps)), **moved)
