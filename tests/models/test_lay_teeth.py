"""Teeth laid by torch and by NumPy are the same teeth, and gradients reach the flows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mien.models.lay_teeth import lay_teeth
from mien.rig.flowfield import grid
from mien.synthesis.dentition import ENAMEL, Teeth, lay


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)[None]


def case(size: int, seed: int = 0) -> tuple[np.ndarray, Teeth]:
    """A paint and teeth of a crop, flows in its px: the rows moved, bent and lit."""
    rng = np.random.default_rng(seed)
    at = grid(size)
    k = size / 256
    bend = rng.uniform(-0.15, 0.15, (2, 2, 2)).astype(np.float32)
    shift = rng.uniform(-12, 12, (2, 2)).astype(np.float32) * k
    rows = [(at - size / 2) @ bend[i] + shift[i] for i in (0, 1)]
    enamel = ENAMEL * rng.uniform(0.4, 1.1, (size, 1, 3)).astype(np.float32)
    paint = np.broadcast_to(rng.uniform(0, 0.1, 3).astype(np.float32), (size, size, 3))
    return paint, Teeth(rows[0], rows[1], np.broadcast_to(enamel, (size, size, 3)))


def wanted(paint: np.ndarray, said: Teeth) -> np.ndarray:
    """`lay` in the frame of the aligned 256 px crop, from the drawing that torch takes: 2 px a crop px."""
    size = len(paint)
    k = np.float32(256 / size)
    return lay(paint, (grid(size) + 0.5) * k - 0.5, Teeth(said.upper * k, said.lower * k, said.enamel), 2.0)


@pytest.mark.parametrize("size", [64, 96, 192, 256])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_torch_lays_the_same_teeth(size, seed):
    paint, said = case(size, seed)
    out = lay_teeth(tensor(paint), tensor(said.upper), tensor(said.lower), tensor(said.enamel))
    there, here = out[0].permute(1, 2, 0).numpy(), wanted(paint, said)
    assert (np.abs(here - paint).max(-1) > 0.1).mean() > 0.02  # there are teeth
    away = np.abs(there - here)
    assert away.max() < 0.04 and away.mean() < 5e-4  # OpenCV samples at 32nds of a pixel


def test_without_flow_torch_is_exact():
    """At 128 px each pixel's centre lies between four of the drawing: no 32nds to round."""
    paint, _ = case(128)
    still = Teeth(*(np.zeros((128, 128, 2), np.float32) for _ in range(2)), np.broadcast_to(ENAMEL, (128, 128, 3)))
    out = lay_teeth(tensor(paint), tensor(still.upper), tensor(still.lower), tensor(still.enamel))
    np.testing.assert_allclose(out[0].permute(1, 2, 0).numpy(), wanted(paint, still), atol=2e-5)


def test_rows_of_a_batch_do_not_mix():
    cases = [case(64, seed) for seed in (3, 4)]
    layers = [torch.cat([tensor(c[0] if k == 0 else vars(c[1])[name]) for c in cases]) for k, name in enumerate(NAMES)]
    both = lay_teeth(*layers)
    assert both.shape == (2, 3, 64, 64)
    for i in range(2):
        torch.testing.assert_close(both[i : i + 1], lay_teeth(*(layer[i : i + 1] for layer in layers)))


NAMES = ("paint", "upper", "lower", "enamel")


def test_gradients_pull_the_rows_into_place():
    """From rows that lie a little off, the picture alone brings them nearer to where they belong."""
    size = 96
    paint, enamel = torch.full((1, 3, size, size), 0.1), torch.from_numpy(ENAMEL).view(1, 3, 1, 1)
    enamel = enamel.expand(1, 3, size, size)
    still = torch.zeros(1, 2, size, size)
    truth = lay_teeth(paint, still, still, enamel)
    offset = torch.tensor([0.3, -0.25, -0.3, 0.4], requires_grad=True)
    adam = torch.optim.Adam([offset], 0.05)
    for _ in range(40):
        rows = offset.view(1, 4, 1, 1).expand(1, 4, size, size)
        cost = (lay_teeth(paint, rows[:, :2], rows[:, 2:], enamel) - truth).abs().mean()
        adam.zero_grad()
        cost.backward()
        adam.step()
    assert offset.abs().max() < 0.05


def test_every_input_has_a_gradient():
    paint, said = case(64)
    layers = [tensor(a).clone().requires_grad_() for a in (paint, said.upper, said.lower, said.enamel)]
    lay_teeth(*layers).sum().backward()
    assert all(layer.grad is not None and torch.isfinite(layer.grad).all() and layer.grad.any() for layer in layers)
