"""Sample sheets of a run: a row for each of the same faces: the photo, then all categories, by the averaged weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mien.models.unet import UNet
from mien.training.samples import write_sheet


def sample_sheet(average: UNet, faces: np.ndarray, path: Path) -> None:
    """Write a PNG of `faces` (k, S, S, 3) uint8."""
    place = next(average.parameters()).device
    photos = torch.from_numpy(np.ascontiguousarray(faces.transpose(0, 3, 1, 2))).to(place).float() / 255
    columns = [faces]
    for category in torch.eye(average.config.categories, device=place):
        with torch.no_grad():
            made = average(photos, category.expand(len(faces), -1))
        columns.append(np.round(made.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy() * 255).astype(np.uint8))
    sheet = np.concatenate([np.concatenate(list(column)) for column in columns], axis=1)
    write_sheet(sheet, path)
