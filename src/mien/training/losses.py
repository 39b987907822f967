"""Losses of the generator and the discriminator: pure functions of tensors.

Maps are in crop pixels and log ratios (see `mien.models.warp_unet`); `weight` (N, 1, H, W) says where errors count
more.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the right and to the lower neighbour of (N, C, H, W)."""
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


def weighted_l1(value: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute error under a weight (N, 1, H, W), per weighted pixel and channel."""
    return ((value - truth).abs() * weight).sum() / (weight.sum() * value.shape[1] + 1e-6)


def gradient_l1(value: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """L1 of first differences under a weight (N, 1, H, W): keeps edges and smoothness alike."""
    (vx, vy), (tx, ty) = gradients(value), gradients(truth)
    wx, wy = weight[..., :, 1:] * weight[..., :, :-1], weight[..., 1:, :] * weight[..., :-1, :]
    return weighted_l1(vx, tx, wx) + weighted_l1(vy, ty, wy)


def balanced_bce(probability: Tensor, truth: Tensor, near: Tensor) -> Tensor:
    """Cross-entropy of alpha with the pixels near the truth's openings counted more."""
    p = probability.clamp(1e-4, 1 - 1e-4)
    loss = -(truth * p.log() + (1 - truth) * (1 - p).log())
    return (loss * (1 + 12 * near)).mean()


def coarse_l1(value: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """L1 at a quarter and an eighth of the size: for real pairs, which never lie exactly upon each other."""
    loss = value.new_zeros(())
    for factor in (4, 8):
        v, t, w = (functional.avg_pool2d(x, factor) for x in (value, truth, weight))
        loss = loss + weighted_l1(v, t, w)
    return loss / 2


def adversarial_d(real: Tensor, fake: Tensor, weight: Tensor | None = None) -> Tensor:
    """Least-squares loss of the discriminator (Mao et al. 2017) over patch scores, under a weight of their shape."""
    return 0.5 * _mean((real - 1) ** 2, weight) + 0.5 * _mean(fake**2, weight)


def adversarial_g(fake: Tensor, weight: Tensor | None = None) -> Tensor:
    """Least-squares loss of the generator: what it makes should score as real."""
    return _mean((fake - 1) ** 2, weight)


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    return values.mean() if weight is None else (values * weight).sum() / weight.sum()


def patch_weight(near: Tensor, scores: Tensor) -> Tensor:
    """(N, 1, h, w) for patch scores: the patches at mouth and eyes, where the generator paints, count 21 times."""
    return 0.05 + functional.adaptive_max_pool2d(near, (scores.shape[-2], scores.shape[-1]))


def near_openings(alpha: Tensor, reach: int = 2) -> Tensor:
    """(N, 1, H, W) in {0, 1}: the openings of mouth and eyes, grown by about 4 * `reach` px, in 4 px blocks."""
    blocks = functional.max_pool2d((alpha > 0.25).to(alpha.dtype), 4)
    grown = functional.max_pool2d(blocks, 2 * reach + 1, stride=1, padding=reach)
    return functional.interpolate(grown, size=alpha.shape[-2:], mode="nearest")


def near_breaks(flow: Tensor, steep: float = 0.6, reach: int = 1) -> Tensor:
    """(N, 1, H, W) in {0, 1}: where the flow (N, 2, H, W) changes by more than `steep` a pixel, grown a little: lips
    and lids that close."""
    (dx, dy) = (functional.pad(d.abs().amax(1, keepdim=True), p) for d, p in zip(gradients(flow), _PADS, strict=True))
    return near_openings(((dx > steep) | (dy > steep)).to(flow.dtype), reach)


_PADS = ((0, 1, 0, 0), (0, 0, 0, 1))


def lower_half(near: Tensor) -> Tensor:
    """`near` (N, 1, H, W) below the nose of an aligned crop: the mouth without the eyes."""
    mask = near.clone()
    mask[..., : round(0.55 * near.shape[-2]), :] = 0
    return mask


def smoothness(flow: Tensor) -> Tensor:
    """Mean absolute second difference of the flow: bends cost, stretches do not."""
    (dx, dy) = gradients(flow)
    return gradients(dx)[0].abs().mean() + gradients(dy)[1].abs().mean()
