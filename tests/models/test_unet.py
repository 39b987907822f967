"""The paper's generator: shapes and range, what its options change, and that it can learn."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import torch

from mien.errors import MienError
from mien.models.unet import SIZES, UNet, UNetConfig


def inputs(n: int, size: int = 64, categories: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return torch.rand(n, 3, size, size, generator=random), torch.eye(categories)[torch.arange(n) % categories]


def small(**options: object) -> UNet:
    torch.manual_seed(0)
    return UNet(UNetConfig(**{"size": 64, "width": 4, "condition_width": 4, **options}))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("condition", ["bottleneck", "every"])
def test_a_face_of_the_same_size_in_range_and_every_weight_takes_part(size, skips, condition):
    unet = small(size=size, skips=skips, condition=condition, norm="none")
    made = unet(*inputs(7, size))
    assert made.shape == (7, 3, size, size)
    assert made.min() >= 0 and made.max() <= 1
    made.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in unet.parameters())


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
def test_only_batch_statistics_let_faces_see_each_other(norm):
    unet = small(norm=norm, width=16).train()
    photo, category = inputs(3)
    with torch.no_grad():
        together, alone = unet(photo, category)[1:2], unet(photo[1:2], category[1:2])
    assert torch.allclose(together, alone, atol=1e-5) == (norm != "batch")


@pytest.mark.parametrize("condition", ["bottleneck", "every"])
def test_the_category_matters_from_the_start(condition):
    unet = small(width=16, condition_width=64, condition=condition).train()
    photo, category = inputs(2)
    with torch.no_grad():
        a, b = unet(photo[:1].expand(2, -1, -1, -1), category)
    assert (a - b).abs().mean() > 1e-3


@pytest.mark.parametrize("skips", [True, False])
def test_without_skips_all_goes_through_the_bottleneck(skips):
    unet = small(skips=skips).eval()
    torch.nn.init.zeros_(unet.down[-1][1].weight)  # the bottleneck now says nothing of the photo
    photo, category = inputs(2)
    with torch.no_grad():
        one, other = unet(photo, category[:1].expand(2, -1))
    assert torch.equal(one, other) != skips


def test_layers_are_those_of_the_family():
    """pix2pix at 128 px: 64-128-256-512-512-512-512 down to one pixel; weights from N(0, 0.02)."""
    torch.manual_seed(0)
    unet = UNet()
    widths = [unet.enter.out_channels, *(down[1].out_channels for down in unet.down)]
    assert widths == [64, 128, 256, 512, 512, 512, 512]
    x = unet.enter(inputs(1, 128)[0])
    for down in unet.down.eval():
        x = down(x)
    assert x.shape == (1, 512, 1, 1)
    assert unet.rise[1].in_channels == 512 + 64 and unet.up[-1][1].in_channels == 2 * 64
    for convolution in (unet.down[2][1], unet.up[2][1]):
        assert convolution.weight.std().item() == pytest.approx(0.02, rel=0.01)
    assert unet.config == UNetConfig() and unet.config.as_dict()["skips"] is True


def test_half_the_papers_width_fits_in_24_mb_of_half_precision():
    assert 2 * sum(p.numel() for p in UNet(UNetConfig(width=32)).parameters()) < 24e6


def test_dropout_is_three_layers_deep_and_only_in_training():
    unet = small(size=128, dropout=0.5, norm="none")
    assert [isinstance(up[3], torch.nn.Dropout) for up in (unet.rise, *unet.up)] == [True] * 3 + [False] * 4
    photo, category = inputs(1, 128)
    with torch.no_grad():
        assert not torch.equal(unet(photo, category), unet(photo, category))
        unet.eval()
        assert torch.equal(unet(photo, category), unet(photo, category))


def test_it_learns_one_photo_in_two_colours():
    unet = small(categories=2, width=8, condition_width=16)
    ramp = torch.linspace(0, 1, 64)
    across, down = ramp.expand(64, 64), ramp[:, None].expand(64, 64)
    photo = torch.stack([across, down, 1 - across]).expand(2, -1, -1, -1)
    category, truth = torch.eye(2), torch.stack([photo[0] * 0.5, 1 - photo[0] * 0.5])
    adam = torch.optim.Adam(unet.parameters(), 2e-3, betas=(0.5, 0.999))
    errors = []
    for _ in range(40):
        loss = (unet(photo, category) - truth).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        errors.append(loss.item())
    assert errors[-1] < 0.3 * errors[0]


def test_it_goes_through_onnx_unchanged():
    import onnxruntime

    unet, example = small(condition="every").eval(), inputs(2)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter is meant
        torch.onnx.export(
            unet, example, buffer, input_names=["photo", "category"], output_names=["made"],
            dynamic_axes={n: {0: "batch"} for n in ("photo", "category", "made")}, opset_version=17, dynamo=False,
        )  # fmt: skip
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    photo, category = inputs(3)
    (there,) = session.run(None, {"photo": photo.numpy(), "category": category.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(unet(photo, category).numpy(), there, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [{"size": 100}, {"norm": "layer"}, {"condition": "input"}, {"width": 0}, {"categories": 0}, {"dropout": 1.0}],
)
def test_what_cannot_be_built_is_said_in_one_line(options):
    with pytest.raises(MienError, match=next(iter(options))):
        small(**options)
