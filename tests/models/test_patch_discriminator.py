"""The paper's discriminator: how much a score sees, and that faces and category all matter."""

from __future__ import annotations

import pytest
import torch

from mien.errors import MienError
from mien.models.patch_discriminator import PatchDiscriminator, PatchDiscriminatorConfig


def judge(**options: object) -> PatchDiscriminator:
    torch.manual_seed(0)
    return PatchDiscriminator(PatchDiscriminatorConfig(**{"width": 8, **options}))


def inputs(n: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    faces = torch.rand(2, n, 3, size, size, generator=random)
    return faces[0], faces[1], torch.eye(7)[torch.arange(n) % 7]


@pytest.mark.parametrize(("size", "scores"), [(64, 6), (128, 14), (256, 30)])
@pytest.mark.parametrize("condition", ["planes", "projection"])
def test_a_score_a_patch_as_in_pix2pix(size, scores, condition):
    assert judge(condition=condition)(*inputs(2, size)).shape == (2, 1, scores, scores)


@pytest.mark.parametrize(("layers", "seen"), [(1, 16), (2, 34), (3, 70)])
@pytest.mark.parametrize("which", [0, 1])
def test_a_score_sees_its_patch_of_both_faces_and_no_more(layers, seen, which):
    faces = inputs(1, 128)
    faces[which].requires_grad_()
    scores = judge(layers=layers, norm="none")(*faces)
    middle = scores.shape[-1] // 2
    scores[0, 0, middle, middle].backward()
    touched = faces[which].grad.abs().sum(dim=(0, 1)).nonzero()
    assert (touched.amax(0) - touched.amin(0) + 1).tolist() == [seen, seen]


@pytest.mark.parametrize("condition", ["planes", "projection"])
def test_condition_candidate_and_category_all_matter(condition):
    network = judge(condition=condition, norm="none", width=16)
    with torch.no_grad():
        for value in network.parameters():
            value.mul_(3)  # the first weights are too small to tell the parts apart
        own, made, category = inputs(2, 64)
        scores = network(own, made, category)
        for others in ((own.flip(0), made, category), (own, made.flip(0), category), (own, made, category.flip(0))):
            assert (network(*others) - scores).abs().max() > 1e-3 * scores.abs().max()
        assert (network(made, own, category) - scores).abs().max() > 1e-3 * scores.abs().max()


def test_it_learns_who_is_on_the_photo():
    """Same against other identity, the paper's addition: the candidates are alike, only the condition tells."""
    network = judge(norm="instance", layers=2)
    adam = torch.optim.Adam(network.parameters(), 2e-3, betas=(0.5, 0.999))
    random = torch.Generator().manual_seed(2)
    for _ in range(60):
        colour = torch.rand(8, 3, 1, 1, generator=random)
        own = (colour + 0.2 * torch.rand(8, 3, 32, 32, generator=random)) / 1.2
        candidate = (colour + 0.2 * torch.rand(8, 3, 32, 32, generator=random)) / 1.2
        category = torch.eye(7)[torch.arange(8) % 7]
        same, other = network(own, candidate, category), network(own.roll(1, 0), candidate, category)
        logits, truth = torch.cat([same, other]), torch.cat([torch.ones_like(same), torch.zeros_like(other)])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert (same.mean() - other.mean()).item() > 0.5


@pytest.mark.parametrize("options", [{"layers": 0}, {"norm": "layer"}, {"condition": "none"}, {"width": -1}])
def test_what_cannot_be_built_is_said_in_one_line(options):
    with pytest.raises(MienError, match=next(iter(options))):
        judge(**options)
