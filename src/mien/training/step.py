"""One update of the generator, and one of the discriminator."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.models.discriminator import Discriminator
from mien.models.warp_unet import WarpUNet, apply_maps
from mien.training import losses
from mien.training.batch import Batch
from mien.training.config import TrainConfig


def generator_losses(
    generator: WarpUNet, discriminator: Discriminator | None, batch: Batch, config: TrainConfig
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """(total, each weighted term, output crops): maps against the rig's truth, the picture against the wanted one."""
    with torch.autocast(batch.photo.device.type, dtype=torch.bfloat16):
        raw = generator.raw(batch.photo, batch.expression, batch.amount)
    flow, shading, paint, alpha = generator.finish(raw.float(), batch.photo.shape[-1])
    output = apply_maps(batch.photo, flow, shading, paint, alpha)
    near = losses.near_openings(batch.alpha) * batch.known
    edge = generator.edge(batch.photo.shape[-1])
    detail = edge * (1 + 6 * near)
    surface = detail * (1 - batch.alpha) * batch.known
    hidden = (batch.alpha + 0.05 * near) * batch.known
    real = 1 - batch.known
    terms = {
        "flow": config.flow_weight
        * (losses.weighted_l1(flow, batch.flow, surface) + 2 * losses.gradient_l1(flow, batch.flow, surface)),
        "bend": config.bend_weight * losses.smoothness(flow),
        "shading": config.shading_weight
        * (losses.weighted_l1(shading, batch.shading, surface) + losses.gradient_l1(shading, batch.shading, surface)),
        "alpha": config.alpha_weight * _known_alpha(alpha, batch, near) + config.sparse_weight * alpha.mean(),
        "paint": config.paint_weight
        * (losses.weighted_l1(paint, batch.paint, hidden) + losses.gradient_l1(paint, batch.paint, hidden)),
        "image": config.image_weight
        * (
            losses.weighted_l1(output, batch.wanted, detail * batch.known)
            + losses.gradient_l1(output, batch.wanted, detail * batch.known)
        ),
    }
    if bool(real.any()):
        terms["real"] = config.real_weight * losses.coarse_l1(output, batch.wanted, edge * real)
    if discriminator is not None:
        with torch.autocast(batch.photo.device.type, dtype=torch.bfloat16):
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
    return losses.balanced_bce(alpha[chosen], batch.alpha[chosen], near[chosen])


def discriminator_loss(discriminator: Discriminator, batch: Batch, output: Tensor) -> Tensor:
    """Real: the wanted picture of the same person. Fake: the output; and the output beside another person's photo,
    the pairs with other identities of Wang et al. 2019."""
    others = batch.photo.roll(1, dims=0)
    fake = output.detach().to(memory_format=torch.channels_last)
    with torch.autocast(batch.photo.device.type, dtype=torch.bfloat16):
        on_real = discriminator(batch.photo, batch.wanted, batch.expression)
        on_fake = discriminator(batch.photo, fake, batch.expression)
        on_other = discriminator(others, fake, batch.expression)
    weight = losses.patch_weight(losses.near_openings(batch.alpha) * batch.known, on_real)
    real = on_real.float()
    return 0.5 * sum(losses.adversarial_d(real, score.float(), weight) for score in (on_fake, on_other))
