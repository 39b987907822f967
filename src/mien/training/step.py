"""One update of the generator, and one of the discriminator."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.models.discriminator import Discriminator
from mien.models.warp_unet import WarpUNet, apply_maps
from mien.training import losses
from mien.training.batch import Batch
from mien.training.config import TrainConfig


def autocast(device: torch.device, config: TrainConfig) -> torch.autocast:
    """The precision that the configuration asks for; "auto" is bf16 where the hardware multiplies it (GPU, AMX)."""
    half = config.precision == "bf16"
    if config.precision == "auto":
        half = device.type != "cpu" or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=half)


def generator_losses(
    generator: WarpUNet, discriminator: Discriminator | None, batch: Batch, config: TrainConfig
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """(total, each weighted term, output crops): maps against the rig's truth, the picture against the wanted one."""
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
    total = torch.stack(list(terms.values())).sum()
    return total, terms, output


def _known_alpha(alpha: Tensor, batch: Batch, near: Tensor) -> Tensor:
    """The loss of alpha over the pairs whose truth is known."""
    chosen = batch.known.view(-1) > 0
    if not bool(chosen.any()):
        return alpha.new_zeros(())
    return losses.balanced_bce(alpha[chosen], batch.maps.alpha[chosen], near[chosen])


def discriminator_loss(discriminator: Discriminator, batch: Batch, output: Tensor, config: TrainConfig) -> Tensor:
    """Real: the wanted picture of the same person. Fake: the output; and the output beside another person's photo,
    the pairs with other identities of Wang et al. 2019."""
    others = batch.photo.roll(1, dims=0)
    fake = output.detach().to(memory_format=torch.channels_last)
    with autocast(batch.photo.device, config):
        on_real = discriminator(batch.photo, batch.wanted, batch.expression)
        on_fake = discriminator(batch.photo, fake, batch.expression)
        on_other = discriminator(others, fake, batch.expression)
    weight = losses.patch_weight(losses.near_openings(batch.maps.alpha) * batch.known, on_real)
    real = on_real.float()
    return 0.5 * sum(losses.adversarial_d(real, score.float(), weight) for score in (on_fake, on_other))
