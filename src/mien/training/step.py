"""One update of the generator, and one of the discriminator."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.models.discriminator import Discriminator
from mien.models.warp_unet import WarpUNet, apply_maps
from mien.training import losses
from mien.training.batch import Batch
from mien.training.config import TrainConfig
from mien.training.identity import Identity, others, triplets


def autocast(device: torch.device, config: TrainConfig) -> torch.autocast:
    """The precision that the configuration asks for; "auto" is bf16 where the hardware multiplies it (GPU, AMX)."""
    half = config.precision == "bf16"
    if config.precision == "auto":
        half = device.type != "cpu" or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=half)


def generator_losses(
    generator: WarpUNet,
    discriminator: Discriminator | None,
    batch: Batch,
    config: TrainConfig,
    identity: Identity | None = None,
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """(total, each weighted term and what is worth watching, output crops): maps against the rig's truth, the picture
    against the wanted one, and the face against photos of its own person and of the others in the batch."""
    with autocast(batch.photo.device, config):
        raw = generator.raw(batch.photo, batch.expression, batch.amount)
    made, truth = generator.finish(raw.float(), batch.photo.shape[-1]), batch.maps
    output = apply_maps(batch.photo, made)
    near = losses.near_openings(truth.alpha) * batch.known
    closing = torch.maximum(near, losses.near_breaks(truth.flow) * batch.known)
    edge = generator.edge(batch.photo.shape[-1])
    detail = edge * (1 + 6 * closing)
    surface = detail * (1 - truth.alpha) * batch.known
    hidden = (truth.alpha + 0.05 * near) * batch.known
    mouth = losses.lower_half(near) * (0.2 + truth.alpha)
    real = 1 - batch.known
    terms = {
        "flow": config.flow_weight
        * (losses.weighted_l1(made.flow, truth.flow, surface) + 2 * losses.gradient_l1(made.flow, truth.flow, surface)),
        "bend": config.bend_weight * losses.smoothness(made.flow),
        "shading": config.shading_weight
        * (
            losses.weighted_l1(made.shading, truth.shading, surface)
            + losses.gradient_l1(made.shading, truth.shading, surface)
        ),
        "alpha": config.alpha_weight * _known_alpha(made.alpha, batch, near) + config.sparse_weight * made.alpha.mean(),
        "paint": config.paint_weight
        * (losses.weighted_l1(made.paint, truth.paint, hidden) + losses.gradient_l1(made.paint, truth.paint, hidden)),
        "teeth": config.teeth_weight
        * (
            losses.weighted_l1(made.upper, truth.upper, mouth)
            + losses.weighted_l1(made.lower, truth.lower, mouth)
            + 4 * losses.gradient_l1(made.upper, truth.upper, mouth)
            + 4 * losses.gradient_l1(made.lower, truth.lower, mouth)
            + 12 * losses.weighted_l1(made.enamel, truth.enamel, mouth)
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
        with autocast(batch.photo.device, config):
            score = discriminator(batch.photo, output.to(memory_format=torch.channels_last), batch.expression)
        terms["adversarial"] = config.adversarial_weight * losses.adversarial_g(
            score.float(), losses.patch_weight(near, score)
        )
    watched: dict[str, Tensor] = {}
    if identity is not None:
        with autocast(batch.photo.device, config):
            photos = torch.cat([batch.photo, batch.wanted])
            told = triplets(identity, output.clamp(0, 1), photos, batch.label)
        terms["triplet"] = config.triplet_weight * told.loss
        watched = {"identity/own": told.own, "identity/other": told.other, "identity/active": told.active}
    total = torch.stack(list(terms.values())).sum()
    return total, terms | watched, output


def _known_alpha(alpha: Tensor, batch: Batch, near: Tensor) -> Tensor:
    """The loss of alpha over the pairs whose truth is known."""
    chosen = batch.known.view(-1) > 0
    if not bool(chosen.any()):
        return alpha.new_zeros(())
    return losses.balanced_bce(alpha[chosen], batch.maps.alpha[chosen], near[chosen])


def discriminator_loss(
    discriminator: Discriminator,
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
    with autocast(batch.photo.device, config):
        real = discriminator(batch.photo, batch.wanted, batch.expression).float()
        false = discriminator(batch.photo, fake, batch.expression).float()
        mixed = discriminator(batch.photo[other], fake, batch.expression).float() if compare else None
    weight = losses.patch_weight(losses.near_openings(batch.maps.alpha) * batch.known, real)
    loss = losses.adversarial_d(real, false, weight)
    if mixed is None:
        return loss
    return 0.5 * (loss + losses.adversarial_d(real, mixed, weight * found.view(-1, 1, 1, 1)))
