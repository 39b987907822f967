"""Who is who in a batch: another person's photo for the discriminator, and what the triplet loss takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor

from mien.models.embedder import Embedder, load_embedder
from mien.training.devices import gather
from mien.training.triplet import TripletConfig, Triplets, by_lot, triplet_loss

Gather = Callable[[Tensor], Tensor]
"""A tensor (M, ...) of this device -> those of all devices, (devices * M, ...)."""


class Identity(NamedTuple):
    """What the triplet loss takes: the embedder, its rules, how to bring the devices' photos together, the lots of
    random mining (on the CPU), and descriptors (D,) of photos met before, for whoever shows the same ones again."""

    embedder: Embedder
    rules: TripletConfig
    met: dict[int, Tensor]
    gather: Gather = lambda tensor: tensor
    lots: torch.Generator | None = None


def load_identity(fabric: Fabric, embedder: Path | str, rules: TripletConfig) -> Identity:
    """The embedder's file on this process's device, among whatever others there are."""
    return Identity(load_embedder(embedder).to(fabric.device), rules, {}, partial(gather, fabric))


def others(label: Tensor, lots: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """For each of a batch's persons (N,): the index of a row of somebody else, each with equal chance; and whether
    there is one at all (N,) bool. `lots` is on the CPU."""
    apart = label[:, None] != label[None]
    return by_lot(apart, lots), apart.any(dim=1)


def triplets(identity: Identity, made: Tensor, photos: Tensor, label: Tensor) -> Triplets:
    """Triplet loss of faces `made` (N, 3, S, S) in [0, 1] of the persons (N,) against real photos (k * N, 3, S, S), k
    of each person one after the other; on several devices, against those of all."""
    with torch.no_grad():
        found = identity.gather(identity.embedder(photos).float())
    persons = identity.gather(label.repeat(len(photos) // len(label)))
    return triplet_loss(identity.embedder(made), label, found, persons, identity.rules, identity.lots)
