"""The losses of a step of the default generator: what it learns, and what its discriminator does."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mien.models.warp_unet import MapTensors, apply_maps
from mien.training import losses
from mien.training.batch import Batch
from mien.training.config import TrainConfig
from mien.training.identity import Identity, others, triplets


class Made(NamedTuple):
    """What the generator makes of a batch: its maps, the output crops (N, 3, H, W), and the window (1, 1, H, W) in
    [0, 1] that it may change anything in."""

    maps: MapTensors
    output: Tensor
    edge: Tensor


def make(generator: nn.Module, batch: Batch) -> Made:
    """Maps and output crops; the network itself in the precision of whoever wraps it, all else in float32."""
    size = batch.photo.shape[-1]
    raw = generator.raw(batch.photo, batch.expression, batch.amount)
    maps = generator.finish(raw.float(), size)
    return Made(maps, apply_maps(batch.photo, maps), generator.edge(size))


def generator_loss(
    discriminator: nn.Module | None,
    batch: Batch,
    made: Made,
    config: TrainConfig,
    identity: Identity | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """(loss, each weighted term and what is worth watching): maps against the rig's truth, the picture against the
    wanted one, and the face against photos of its own person and of the others in the batch. The caller holds the
    discriminator's weights still."""
    maps, output, edge = made
    truth = batch.maps
    near = losses.near_openings(truth.alpha) * batch.known
    closing = torch.maximum(near, losses.near_breaks(truth.flow) * batch.known)
    detail = edge * (1 + 6 * closing)
    surface = detail * (1 - truth.alpha) * batch.known
    hidden = (truth.alpha + 0.05 * near) * batch.known
    mouth = losses.lower_half(near) * (0.2 + truth.alpha)
    real = 1 - batch.known
    terms = {
        "flow": config.flow_weight
        * (losses.weighted_l1(maps.flow, truth.flow, surface) + 2 * losses.gradient_l1(maps.flow, truth.flow, surface)),
        "bend": config.bend_weight * losses.smoothness(maps.flow),
        "shading": config.shading_weight
        * (
            losses.weighted_l1(maps.shading, truth.shading, surface)
            + losses.gradient_l1(maps.shading, truth.shading, surface)
        ),
        "alpha": config.alpha_weight * _known_alpha(maps.alpha, batch, near) + config.sparse_weight * maps.alpha.mean(),
        "paint": config.paint_weight
        * (losses.weighted_l1(maps.paint, truth.paint, hidden) + losses.gradient_l1(maps.paint, truth.paint, hidden)),
        "teeth": config.teeth_weight
        * (
            losses.weighted_l1(maps.upper, truth.upper, mouth)
            + losses.weighted_l1(maps.lower, truth.lower, mouth)
            + 4 * losses.gradient_l1(maps.upper, truth.upper, mouth)
            + 4 * losses.gradient_l1(maps.lower, truth.lower, mouth)
            + 12 * losses.weighted_l1(maps.enamel, truth.enamel, mouth)
        ),
        "image": config.image_weight
        * (
            losses.weighted_l1(output, batch.wanted, detail * batch.known)
            + losses.gradient_l1(output, batch.wanted, detail * batch.known)
        ),
    }
    if bool(real.any()):
        terms["real"] = config.real_weight * losses.coarse_l1(output, batch.wanted, edge * real)
    if discriminator is not None:
        score = discriminator(batch.photo, output.to(memory_format=torch.channels_last), batch.expression)
        terms["adversarial"] = config.adversarial_weight * losses.adversarial_g(
            score.float(), losses.patch_weight(near, score)
        )
    watched: dict[str, Tensor] = {}
    if identity is not None:
        photos = torch.cat([batch.photo, batch.wanted])
        found = triplets(identity, output.clamp(0, 1), photos, batch.label)
        terms["triplet"] = config.triplet_weight * found.loss
        watched = {"identity/own": found.own, "identity/other": found.other, "identity/active": found.active}
    return torch.stack(list(terms.values())).sum(), terms | watched


def _known_alpha(alpha: Tensor, batch: Batch, near: Tensor) -> Tensor:
    """The loss of alpha over the pairs whose truth is known."""
    chosen = batch.known.view(-1) > 0
    if not bool(chosen.any()):
        return alpha.new_zeros(())
    return losses.balanced_bce(alpha[chosen], batch.maps.alpha[chosen], near[chosen])


def discriminator_loss(
    discriminator: nn.Module,
    batch: Batch,
    output: Tensor,
    config: TrainConfig,
    lots: torch.Generator | None = None,
) -> Tensor:
    """Real: the wanted picture of the same person. Fake: the output; and, with `other_pairs`, the output beside another
    person's photo (Wang et al. 2019), drawn from the batch by `lots`. Who is alone in it has no such pair."""
    fake = output.detach().to(memory_format=torch.channels_last)
    other, found = others(batch.label, lots)
    compare = config.other_pairs and bool(found.any())
    real = discriminator(batch.photo, batch.wanted, batch.expression).float()
    false = discriminator(batch.photo, fake, batch.expression).float()
    mixed = discriminator(batch.photo[other], fake, batch.expression).float() if compare else None
    weight = losses.patch_weight(losses.near_openings(batch.maps.alpha) * batch.known, real)
    loss = losses.adversarial_d(real, false, weight)
    if mixed is None:
        return loss
    return 0.5 * (loss + losses.adversarial_d(real, mixed, weight * found.view(-1, 1, 1, 1)))
