"""Layers and losses that several rivals share, as pure functions and small modules."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.embedder import LEVELS, Embedder
from mien.models.unet import planes


class Residual(nn.Module):
    """x + convolution, instance norm, ReLU, convolution, instance norm of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Trunk(nn.Module):
    """photo (N, 3, S, S) in [-1, 1], condition (N, told) -> features (N, width, S, S): StarGAN's and GANimation's body
    (Johnson et al. 2016): 7x7 convolution, two halvings, residual blocks, two doublings.

    The papers lay the condition beside the photo as constant planes. A convolution of them is one number a channel,
    away from the border, so a linear layer stands for it here; and no instance norm follows, which would take that
    number away again.
    """

    def __init__(self, told: int, width: int, blocks: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, width, 7, 1, 3)
        self.tell = nn.Linear(told, width, bias=False)
        nn.init.normal_(self.tell.weight, 0.0, 0.5)
        layers: list[nn.Module] = []
        for i in (1, 2):
            layers += [
                nn.Conv2d(width * i, width * 2 * i, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(width * 2 * i, affine=True),
                nn.ReLU(),
            ]
        layers += [Residual(width * 4) for _ in range(blocks)]
        for i in (4, 2):
            layers += [
                nn.ConvTranspose2d(width * i, width * i // 2, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(width * i // 2, affine=True),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers)

    def forward(self, photo: Tensor, condition: Tensor) -> Tensor:
        x = self.enter(photo)
        return self.body(functional.relu(x + planes(self.tell(condition), x)))


class Critic(nn.Module):
    """photo (N, 3, S, S) in [-1, 1] -> patch scores (N, 1, h, w) and what it reads in the face (N, reads): StarGAN's
    and GANimation's discriminator, strided 4x4 convolutions without norm down to 2x2, two heads. Scores are of the last
    2x2, as in the papers, or of what `patches` halvings leave: finer patches are more examples a face.

    The first weights are He et al.'s (2015): from torch's own, which are smaller, its classes took three times as many
    steps to learn. LeakyReLU 0.2 (the papers: 0.01) keeps a slope for the penalty to hold on to.
    """

    def __init__(self, size: int, width: int, reads: int, patches: int = 0) -> None:
        super().__init__()
        self.body = nn.ModuleList()
        inputs, outputs, widths = 3, width, []
        for _ in range(size.bit_length() - 2):
            self.body.append(nn.Conv2d(inputs, outputs, 4, 2, 1))
            widths.append(outputs)
            inputs, outputs = outputs, min(2 * outputs, 16 * width)
        self.scored = min(patches or len(widths), len(widths))
        self.score = nn.Conv2d(widths[self.scored - 1], 1, 3, 1, 1, bias=False)
        self.read = nn.Conv2d(inputs, reads, 2, bias=False)
        for layer in self.body:
            nn.init.kaiming_normal_(layer.weight, 0.2)
            nn.init.zeros_(layer.bias)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        x, scores = photo, photo
        for number, layer in enumerate(self.body, 1):
            x = functional.leaky_relu(layer(x), 0.2)
            if number == self.scored:
                scores = self.score(x)
        return scores, self.read(x).flatten(1)


class Judge(nn.Module):
    """photo (N, 3, S, S) in [-1, 1], label (N, told) -> logit (N, 1) and features (N, 8 width): CAAE's and ExprGAN's
    image discriminator, the label laid behind the first layer's channels."""

    def __init__(self, size: int, width: int, told: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2))
        layers: list[nn.Module] = []
        inputs, outputs = width + told, 2 * width
        for _ in range(size.bit_length() - 4):  # down to 4x4
            layers += [
                nn.Conv2d(inputs, outputs, 4, 2, 1),
                nn.InstanceNorm2d(outputs, affine=True),
                nn.LeakyReLU(0.2),
            ]
            inputs, outputs = outputs, min(2 * outputs, 8 * width)
        self.body = nn.Sequential(*layers)
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(inputs * 16, 8 * width), nn.LeakyReLU(0.2))
        self.score = nn.Linear(8 * width, 1)

    def forward(self, photo: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        x = self.enter(photo)
        features = self.features(self.body(torch.cat([x, planes(label, x)], dim=1)))
        return self.score(features), features


class LatentJudge(nn.Sequential):
    """code (N, D) -> logit (N, 1): does it come from the prior or from the encoder (Makhzani et al. 2015)."""

    def __init__(self, code: int) -> None:
        super().__init__(nn.Linear(code, 64), nn.LeakyReLU(0.2), nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))


def signed(photo: Tensor) -> Tensor:
    """[0, 1] -> [-1, 1], the range of the papers' networks."""
    return photo * 2 - 1


def unsigned(photo: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (photo + 1) / 2


def gradient_penalty(score: Callable[[Tensor], Tensor], real: Tensor, false: Tensor, lots: torch.Generator) -> Tensor:
    """E (|grad score(x)| - 1)^2 at points x by lot between real and false (N, ...) (Gulrajani et al. 2017, eq. 3)."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), generator=lots).to(real.device)
    x = (share * real.detach() + (1 - share) * false.detach()).requires_grad_()
    scores = score(x)
    (slope,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    per_face = scores[0].numel()  # a patch's mean is what the losses see
    return ((slope.flatten(1).norm(dim=1) / per_face - 1) ** 2).mean()


def critic_terms(
    kind: str, critic: Callable[[Tensor], Tensor], real: Tensor, false: Tensor, penalty: float, lots: torch.Generator
) -> dict[str, Tensor]:
    """What a critic learns from faces (N, 3, S, S): "wasserstein" with a weighted gradient penalty (Gulrajani et al.
    2017), or "least-squares" without (Mao et al. 2017)."""
    if kind == "least-squares":
        return {"real": 0.5 * (critic(real) - 1).square().mean(), "made": 0.5 * critic(false).square().mean()}
    return {
        "real": -critic(real).mean(),
        "made": critic(false).mean(),
        "penalty": penalty * gradient_penalty(critic, real, false, lots),
    }


def fooled(kind: str, scores: Tensor) -> Tensor:
    """The generator's side of `critic_terms`."""
    return (scores - 1).square().mean() if kind == "least-squares" else -scores.mean()


def noisy(photo: Tensor, amount: float, lots: torch.Generator) -> Tensor:
    """The photo with normal noise. What a reader learns to see through it is large and smooth, as expressions are; else
    a fine pattern that nobody sees tells it whatever the generator wants (Soenderby et al. 2017 blur a whole
    discriminator so)."""
    return photo + amount * torch.randn(photo.shape, generator=lots).to(photo) if amount else photo


def cross_entropy(logits: Tensor, real: bool) -> Tensor:
    """- log sigmoid(logits) if real, else - log (1 - sigmoid(logits)), mean (Goodfellow et al. 2014, eq. 1)."""
    return functional.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits.float(), float(real)))


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbours, to the right and below, of (N, C, H, W)."""
    return (x[..., :, 1:] - x[..., :, :-1]).square().mean() + (x[..., 1:, :] - x[..., :-1, :]).square().mean()


def feature_distance(embedder: Embedder, made: Tensor, photo: Tensor) -> Tensor:
    """Mean over levels of a frozen embedder of |phi(made) - phi(photo)|_1 / |phi(photo)|_1; no gradient goes into the
    photo. Levels are normalised because dlib's grow with depth."""
    ours = features(embedder, made)
    with torch.no_grad():
        theirs = features(embedder, photo)
    terms = [(a - b).abs().mean() / (b.abs().mean() + 1e-6) for a, b in zip(ours, theirs, strict=True)]
    return torch.stack(terms).mean()


def features(embedder: Embedder, faces: Tensor) -> list[Tensor]:
    """What the embedder holds at the end of each of its levels, and its descriptor; of faces (N, 3, S, S) in [0, 1]."""
    x = (embedder.chips(faces) * 255 - embedder.mean.view(1, 3, 1, 1)) / 256
    x = functional.max_pool2d(functional.relu(embedder.stem(x)), 3, 2)
    out, number = [], 0
    for _, count, _ in LEVELS:
        for block in embedder.blocks[number : number + count]:
            x = block(x)
        number += count
        out.append(x)
    return [*out, embedder.last(x.mean(dim=(2, 3)))]
