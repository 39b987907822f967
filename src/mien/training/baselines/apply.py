"""A trained rival, or a run of the paper's system, put to use: aligned faces in, the same with an expression out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mien.errors import MienError
from mien.training.baselines.config import from_dict
from mien.training.baselines.learner import KIND
from mien.training.baselines.system import asked
from mien.training.checkpoint import load_checkpoint, load_into
from mien.training.paper import learner as paper

BATCH = 16
"""Faces at a time."""

Apply = Callable[[Tensor, Tensor, str, float], Tensor]
"""photos (N, 3, S, S) in [0, 1], landmarks (N, 68, 2) as shares of the side, name, strength -> faces as the photos."""


class Maker:
    """A trained generator. size: side of its crops in px; expressions: the names it knows; sha256: of its
    checkpoint; steady: whether it knows no strength but 1."""

    def __init__(self, size: int, expressions: tuple[str, ...], sha256: str, steady: bool, net: Apply) -> None:
        self.size, self.expressions, self.sha256, self.steady = size, expressions, sha256, steady
        self._net = net

    def make(self, crops: np.ndarray, landmarks: np.ndarray, expression: str, strength: float = 1.0) -> np.ndarray:
        """Aligned crops (n, S, S, 3) uint8 RGB with landmarks (n, 68, 2) in px of the crop, pixel centres at integers
        -> (n, S, S, 3) uint8 with the expression."""
        side = self.size
        if crops.dtype != np.uint8 or crops.shape[1:] != (side, side, 3):
            raise MienError(f"expected crops (n, {side}, {side}, 3) of uint8, not {crops.shape} of {crops.dtype}")
        if np.shape(landmarks) != (len(crops), 68, 2):
            raise MienError(f"expected landmarks ({len(crops)}, 68, 2), not {np.shape(landmarks)}")
        if expression not in self.expressions:
            raise MienError(f"this run knows {', '.join(self.expressions)}, not {expression!r}")
        if self.steady and strength != 1:
            raise MienError(f"this run knows no strength but 1, not {strength:g}")
        photos = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
        points = (torch.from_numpy(np.asarray(landmarks, np.float32)) + 0.5) / side
        out = np.empty_like(crops)
        for first in range(0, len(crops), BATCH):
            rows = slice(first, first + BATCH)
            with torch.no_grad():
                made = self._net(photos[rows], points[rows], expression, strength).clamp(0, 1)
            out[rows] = np.round(made.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
        return out


def load_maker(folder: Path) -> Maker:
    """The averaged generator of a run of `mien train` in `folder`: of a rival, or of the paper's system."""
    loaded = load_checkpoint(folder)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {folder}")
    tensors, state = loaded
    sha256 = hashlib.sha256((folder / "checkpoint.safetensors").read_bytes()).hexdigest()
    kind = state.get("kind")
    if kind == paper.KIND:
        return _of_paper(folder, sha256)
    if kind != KIND:
        raise MienError(f"{folder} holds a run of kind {kind!r}, which makes no faces here: a rival's or the paper's")
    config = from_dict(state["config"])
    rival = config.rival()
    generator = rival.generator()
    load_into(generator, "average", {name: tensor.float() for name, tensor in tensors.items()})
    generator.requires_grad_(False).eval()

    def net(photos: Tensor, points: Tensor, name: str, strength: float) -> Tensor:
        return rival.apply(generator, photos, asked(config, config.categories.index(name), points, strength))

    return Maker(config.size, config.categories, sha256, rival.steady, net)


def _of_paper(folder: Path, sha256: str) -> Maker:
    config, generator = paper.run_config(folder), paper.load_generator(folder)

    def net(photos: Tensor, points: Tensor, name: str, strength: float) -> Tensor:
        number = config.categories.index(name)
        made: Tensor = generator(photos, torch.eye(len(config.categories))[number].expand(len(photos), -1))
        return made

    return Maker(config.size, config.categories, sha256, True, net)
