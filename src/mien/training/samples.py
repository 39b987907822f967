"""Sample sheets of a run: unseen people, all names, drawn with the averaged weights."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import torch

from mien.expression import NAMES
from mien.models.warp_unet import WarpUNet, apply_maps
from mien.rig.emotions import prototype
from mien.rig.render import Rig
from mien.rig.stage import canvas_to_crop


def sample_sheet(generator: WarpUNet, rigs: list[Rig], path: Path, device: torch.device, size: int = 256) -> None:
    """Write a PNG: a row a rig (photo, then the six names), and a row from each rig's surprise or sad face. The
    generator is not in training."""
    rows = []
    transform = canvas_to_crop(size)
    for number, rig in enumerate(rigs):
        for start in (rig.fit.weights, prototype(("surprise", "happy", "sad")[number % 3])):
            image = rig.view(np.asarray(start, np.float32), transform, size).image
            assert image is not None
            names = [name for name in NAMES if name != "neutral"] if not start.any() else list(NAMES)[:6]
            photo = torch.from_numpy(image).permute(2, 0, 1)[None].repeat(len(names), 1, 1, 1).to(device)
            target = torch.from_numpy(np.stack([prototype(name) for name in names])).to(device)
            with torch.no_grad():
                output = apply_maps(photo, generator(photo, target, torch.ones(len(names), 1, device=device)))
            tiles = [image, *output.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()]
            rows.append(np.hstack(tiles))
    write_sheet(np.round(np.vstack(rows) * 255).astype(np.uint8), path)


def write_sheet(sheet: np.ndarray, path: Path) -> None:
    """Write (H, W, 3) uint8 RGB as a PNG, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.stem + ".part.png")
    cv2.imwrite(str(temporary), sheet[..., ::-1])
    os.replace(temporary, path)
