"""The face embedder of the identity losses: dlib's face recognition network (King 2017, CC0), frozen, in torch.

Wang et al. 2019 compare faces in a feature space and name FaceNet; this is our open reading of it. A residual network
of 29 convolutions turns an aligned face into 128 numbers; two photos of one person lie closer than 0.6 (Euclidean).
Convert the weights once with `python -m mien.models.embedder_convert -o FILE`; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import MienError

KIND = "mien face embedder 1"
"""What a file of converted weights says of itself in its header."""

CHIP = 150
"""Side in px of the aligned faces ('chips') that the network was trained on."""

FEATURES = 128

LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""(channels, blocks, whether the first block halves the size), from the photo on."""

CROP_SIDE = 231
CROP_CORNER = (41, 38)
"""Where dlib's chip lies in our aligned crop: bring the crop to CROP_SIDE px; the chip's left upper corner (x, y)."""


class Residual(nn.Module):
    """x + two 3x3 convolutions of x; a halving block averages x over 2x2. The smaller of the two is filled with zeros,
    in channels and to the right and below, as dlib's `add_prev` does."""

    def __init__(self, inputs: int, outputs: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.first = nn.Conv2d(inputs, outputs, 3, 2, 0) if halve else nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        short = functional.avg_pool2d(x, 2) if self.halve else x
        size = [max(a, b) for a, b in zip(y.shape[1:], short.shape[1:], strict=True)]
        return functional.relu(_fill(y, size) + _fill(short, size))


def _fill(x: Tensor, size: list[int]) -> Tensor:
    """(N, C, H, W) with zeros behind, below and to the right, up to `size` (C, H, W)."""
    c, h, w = (want - has for want, has in zip(size, x.shape[1:], strict=True))
    return functional.pad(x, (0, w, 0, h, 0, c)) if c or h or w else x


class Embedder(nn.Module):
    """Aligned faces (N, 3, H, W) RGB in [0, 1] -> descriptors (N, 128), not normalised, as dlib gives them.

    Its weights never train, but gradients pass through it to the faces. `frame` says how the faces are aligned: "crop"
    as mien's aligned crops (`mien.face.align`), of any size; "chip" as dlib's chips (padding 0.25), resized where they
    are not 150 px.
    """

    mean: Tensor

    def __init__(self, frame: str = "crop") -> None:
        super().__init__()
        if frame not in ("crop", "chip"):
            raise MienError(f'an embedder\'s frame is "crop" or "chip", not {frame!r}')
        self.frame = frame
        self.register_buffer("mean", torch.zeros(3))  # of RGB in [0, 255]
        self.stem = nn.Conv2d(3, 32, 7, 2, 0)
        blocks, inputs = [], 32
        for channels, count, halve in LEVELS:
            for number in range(count):
                blocks.append(Residual(inputs, channels, halve and number == 0))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(inputs, FEATURES, bias=False)
        self.requires_grad_(False)

    def forward(self, faces: Tensor) -> Tensor:
        x = (self.chips(faces) * 255 - self.mean.view(1, 3, 1, 1)) / 256  # (N, 3, 150, 150)
        x = functional.relu(self.stem(x))  # 32 at 72
        x = functional.max_pool2d(x, 3, 2)  # 32 at 35
        x = self.blocks(x)  # 32 at 35, 64 at 17, 128 at 8, 256 at 4, 256 at 2
        return self.last(x.mean(dim=(2, 3)))

    def chips(self, faces: Tensor) -> Tensor:
        """(N, 3, 150, 150): the faces as dlib would cut them out."""
        if faces.dim() != 4 or faces.shape[1] != 3 or faces.shape[2] != faces.shape[3]:
            raise ValueError(f"expected square faces (N, 3, S, S), not {tuple(faces.shape)}")
        side = CROP_SIDE if self.frame == "crop" else CHIP
        if faces.shape[-1] != side:
            faces = functional.interpolate(
                faces, size=(side, side), mode="bilinear", align_corners=False, antialias=True
            )
        if self.frame == "chip":
            return faces
        x, y = CROP_CORNER
        return faces[..., y : y + CHIP, x : x + CHIP]


def load_embedder(path: Path | str, frame: str = "crop") -> Embedder:
    """The embedder with the weights that `python -m mien.models.embedder_convert` wrote, frozen."""
    embedder = Embedder(frame)
    embedder.load_state_dict(read_weights(Path(path), embedder.state_dict()))
    return embedder.eval()


def read_weights(path: Path, like: dict[str, Any]) -> dict[str, Tensor]:
    """float32 tensors of a converted file, checked against names and shapes of `like`."""
    from safetensors import safe_open

    if not path.is_file():
        raise MienError(f"no face embedder {path}: make it with 'python -m mien.models.embedder_convert -o {path}'")
    try:
        with safe_open(path, framework="pt") as file:
            kind = (file.metadata() or {}).get("kind")
            tensors = {name: file.get_tensor(name).float() for name in file.keys()} if kind == KIND else {}  # noqa: SIM118
    except Exception as error:  # safetensors has an exception class of its own
        raise MienError(f"{path} is not a face embedder: {error}") from None
    if kind != KIND:
        raise MienError(f"{path} is not a face embedder: its header says {kind!r}, not {KIND!r}")
    if {n: t.shape for n, t in tensors.items()} != {n: t.shape for n, t in like.items()}:
        raise MienError(f"{path} is damaged: its tensors are not those of the face embedder")
    if not all(bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise MienError(f"{path} is damaged: it holds numbers that are not finite")
    return tensors
