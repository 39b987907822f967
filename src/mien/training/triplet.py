"""Triplet loss: a generated face lies closer to photos of its own person than to photos of others, by a margin.

Wang et al. 2019 (identity constraint 2); the distance and the margin of 0.2 are FaceNet's (Schroff et al. 2015), the
mining is that of Hermans et al. 2017. Pure functions of descriptors (see `mien.models.embedder`) and identity labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mien.errors import MienError

DISTANCES, MININGS, FORMS = ("squared", "euclidean"), ("batch-hard", "random"), ("hinge", "soft")


@dataclass(frozen=True)
class TripletConfig:
    """margin: how much closer the own photo must be, in units of the distance. mining: "batch-hard" (the farthest own
    and the nearest other photo of the batch; Hermans et al. 2017, eq. 5) or "random" (one of each by lot).

    distance: "squared" or "euclidean". normalise: descriptors are brought to length 1 first, as FaceNet's are; dlib's
    own have about length 1.5. form: "hinge", or "soft" for softplus in place of the margin (Hermans et al., sec. 3.3).
    """

    margin: float = 0.2
    mining: str = "batch-hard"
    distance: str = "squared"
    normalise: bool = True
    form: str = "hinge"

    def check(self) -> None:
        """Raise a `MienError` for what has no meaning."""
        for value, known, what in (
            (self.mining, MININGS, "mining"),
            (self.distance, DISTANCES, "distance"),
            (self.form, FORMS, "form"),
        ):
            if value not in known:
                raise MienError(f"triplet loss: {what} is {' or '.join(map(repr, known))}, not {value!r}")
        if not self.margin >= 0:
            raise MienError(f"triplet loss: the margin must not be negative, but is {self.margin}")


class Triplets(NamedTuple):
    """loss: scalar, the mean over the anchors that have a triplet (0 where none has). The rest is for logs, without
    gradient: own, other: mean distances of the chosen pairs; active: share of triplets that violate the margin."""

    loss: Tensor
    own: Tensor
    other: Tensor
    active: Tensor


def triplet_loss(
    anchors: Tensor,
    anchor_labels: Tensor,
    photos: Tensor,
    photo_labels: Tensor,
    config: TripletConfig = TripletConfig(),
    generator: torch.Generator | None = None,
) -> Triplets:
    """[d(a, own) - d(a, other) + margin]_+ over anchors (N, D), descriptors of G(x_i, c), against photos (M, D).

    `anchor_labels` (N,) and `photo_labels` (M,) are whole numbers, one a person. An anchor without an own photo or
    without another's among the photos is left out. `generator` (on the CPU) is what "random" draws from.
    """
    config.check()
    if photos.shape[1:] != anchors.shape[1:] or len(anchors) != len(anchor_labels) or len(photos) != len(photo_labels):
        raise ValueError("anchors, photos and their labels do not fit together")
    apart = distances(anchors, photos, config)  # (N, M)
    own = anchor_labels[:, None] == photo_labels[None]
    if config.mining == "batch-hard":
        positive, negative = hardest(apart, own)
    else:
        positive, negative = by_lot(own, generator), by_lot(~own, generator)
    used = own.any(dim=1) & (~own).any(dim=1)
    near = apart.gather(1, positive[:, None])[used, 0]
    far = apart.gather(1, negative[:, None])[used, 0]
    excess = near - far + (config.margin if config.form == "hinge" else 0.0)
    each = functional.relu(excess) if config.form == "hinge" else functional.softplus(excess)
    count = max(1, len(excess))  # no triplet: 0, but still part of the graph
    with torch.no_grad():
        shares = [v.sum() / count for v in (near, far, (excess > 0).to(apart.dtype))]
    return Triplets(each.sum() / count, *shares)


def distances(a: Tensor, b: Tensor, config: TripletConfig) -> Tensor:
    """(N, M) between descriptors (N, D) and (M, D), in float32."""
    a, b = a.float(), b.float()
    if config.normalise:
        a, b = functional.normalize(a), functional.normalize(b)
    squared = (a[:, None] - b[None]).square().sum(dim=2)
    # the root's slope is infinite at 0, where an anchor lies upon a photo
    return squared if config.distance == "squared" else (squared + 1e-12).sqrt()


def hardest(apart: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """For each row of (N, M): the index of the farthest own and of the nearest other (any where there is none)."""
    fixed = apart.detach()
    positive = fixed.masked_fill(~own, -torch.inf).argmax(dim=1)
    return positive, fixed.masked_fill(own, torch.inf).argmin(dim=1)


def by_lot(allowed: Tensor, generator: torch.Generator | None) -> Tensor:
    """For each row of (N, M): the index of one that is allowed, each with equal chance (any where there is none)."""
    lots = torch.rand(allowed.shape, generator=generator).to(allowed.device)
    return lots.masked_fill(~allowed, -1.0).argmax(dim=1)
