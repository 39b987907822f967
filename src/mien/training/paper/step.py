"""The losses of a step: what the discriminator learns from the pairs, and what the generator learns from its three
teachers.

    discriminator   1/2 [ l(D(x_i, y), real) + mean over the false pairs l(D(., .), false) ]
    generator       a l(D(x_i, G), real) + b |G - y| + t [ d(E(G), E(own)) - d(E(G), E(other)) + margin ]_+
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mien.data.identity_pairs import Pair
from mien.training.identity import Identity
from mien.training.paper.config import LossOptions
from mien.training.paper.data import Batch
from mien.training.triplet import triplet_loss

Scorer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""The discriminator: condition, candidate (N, 3, S, S), category (N, K) -> scores (N, 1, h, w)."""


def judged(scores: Tensor, real: bool, kind: str) -> Tensor:
    """How far scores are from real (or not): a scalar; cross-entropy of the logits, or squares as in LSGAN."""
    scores = scores.float()
    wanted = torch.full_like(scores, float(real))
    if kind == "cross-entropy":
        return functional.binary_cross_entropy_with_logits(scores, wanted)
    return functional.mse_loss(scores, wanted)


def discriminator_loss(
    discriminator: Scorer, kinds: tuple[Pair, ...], batch: Batch, made: Tensor, kind: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """(loss, its parts by pair). One pass a kind of pair, so that batch statistics never tell real from false."""
    shown = {"source": batch.source, "other": batch.other, "target": batch.target, "made": made.detach()}
    real: list[Tensor] = []
    false: list[Tensor] = []
    parts = {}
    for pair in kinds:
        scores = discriminator(shown[pair.condition], shown[pair.candidate], batch.category)
        loss = judged(scores, pair.real, kind)
        (real if pair.real else false).append(loss)
        parts[f"discriminator/{pair.condition}_{pair.candidate}"] = loss
    return 0.5 * (torch.stack(real).mean() + torch.stack(false).mean()), parts


def generator_loss(
    discriminator: Scorer, batch: Batch, made: Tensor, weights: LossOptions, identity: Identity | None
) -> tuple[Tensor, dict[str, Tensor]]:
    """(loss, its weighted parts and what is worth watching). The caller holds the discriminator's weights still."""
    scores = discriminator(batch.source, made, batch.category)
    parts = {
        "generator/adversarial": weights.adversarial_weight * judged(scores, True, weights.adversarial),
        # photos are in [0, 1] here and in [-1, 1] in pix2pix, where the weight comes from
        "generator/l1": weights.l1_weight * 2 * functional.l1_loss(made.float(), batch.target),
    }
    watched: dict[str, Tensor] = {}
    if identity is not None:
        anchors = identity.embedder(made)
        photos, labels = gallery(batch, identity)
        found = triplet_loss(anchors, batch.label, photos, labels, identity.rules, identity.lots)
        parts["generator/triplet"] = weights.triplet_weight * found.loss
        watched = {"identity/own": found.own, "identity/other": found.other, "identity/active": found.active}
    return torch.stack(list(parts.values())).sum(), parts | watched


@torch.no_grad()
def gallery(batch: Batch, identity: Identity) -> tuple[Tensor, Tensor]:
    """Descriptors (M, D) of the real photos of the batch on all devices, x_i, y_i and x_j; persons (M,).

    The embedder is frozen, so a photo is described once, and alone: its company must not change its last digits."""
    photos = torch.cat([batch.source, batch.target, batch.other])
    keys = batch.shown.T.flatten().tolist()
    for photo, key in zip(photos, keys, strict=True):
        if key not in identity.met:
            identity.met[key] = identity.embedder(photo[None])[0].float()
    descriptors = torch.stack([identity.met[key] for key in keys])
    labels = torch.cat([batch.label, batch.label, batch.other_label])
    return identity.gather(descriptors), identity.gather(labels)
