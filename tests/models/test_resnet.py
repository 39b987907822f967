"""The classifier's network: shapes, size, that it learns and that every part gets a gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from mien.errors import MienError
from mien.models.resnet import ResNet, ResNetConfig, scores


def test_with_its_widths_it_is_resnet_18():
    """He et al. 2016: 11.2 million weights without the last layer; ours has a smaller stem."""
    whole = ResNet(ResNetConfig(7, (64, 128, 256, 512)))
    convolutions = [m for m in whole.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(convolutions) + 1 == 18  # the 17 of 3x3 and the last layer; the ways past are not counted
    body = sum(p.numel() for p in whole.parameters()) - sum(p.numel() for p in whole.score.parameters())
    assert body == 11_176_512 - (7 * 7 - 3 * 3) * 3 * 64
    assert sum(p.numel() for p in ResNet().parameters()) < 750_000


@pytest.mark.parametrize("size", [32, 65, 128])
def test_any_size_gives_a_score_a_label(size):
    network = ResNet(ResNetConfig(3, (4, 8), (1, 2)))
    photos = torch.rand(2, 3, size, size)
    out = scores(network, photos)
    assert out.shape == (2, 3) and not network.training and not out.requires_grad
    torch.testing.assert_close(scores(network, photos[:1]), out[:1])


def test_every_weight_is_reached():
    torch.manual_seed(0)
    network = ResNet(ResNetConfig(2, (4, 8), (1, 1), dropout=0.0))
    photos, labels = torch.rand(8, 3, 32, 32), torch.tensor([0, 1] * 4)
    photos[labels == 1, :, :16] += 1
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(30):
        loss = functional.cross_entropy(network(photos), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert loss < 0.1 and all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"widths": (4, 8), "blocks": (1,)}, "equal length"),
        ({"widths": (4, 0), "blocks": (1, 1)}, "start at 1"),
        ({"widths": (), "blocks": ()}, "equal length"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_what_cannot_be_built(told, says):
    with pytest.raises(MienError, match=says):
        ResNet(ResNetConfig(**told))
