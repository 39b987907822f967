"""A file's pixels -> arrays, with as few copies at a time as can be: what reading a picture may take is bounded."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mien.errors import MienError

MAX_MEMORY = 2 << 30
"""Bytes that reading a picture may take: a header that declares more pixels than fit is refused before anything is
decoded."""

MAX_PIXELS = 170_000_000
"""Of any picture, though more might fit."""

_BAND = 1 << 20  # px that are copied from Pillow at a time

# Bytes a pixel at the worst moment. Pillow holds 4; a progressive JPEG 6 more until it is decoded, a TIFF of one strip
# up to 8 and the same once more in OpenCV; libwebp three canvases. `bench/fuzz/bombs.py` measures it.
_PLAIN, _DEEP, _DEEP_ALPHA, _WEBP = 12, 13, 17, 17

Channels = tuple[np.ndarray, np.ndarray | None, bool]
"""RGB (H, W, 3), alpha (H, W) or None, and whether it is grey; uint8 or uint16."""


def most_pixels(image: Image.Image) -> int:
    """So many may a picture of this kind have."""
    worst = _PLAIN
    if image.format == "WEBP":
        worst = _WEBP
    elif is_deep(image):
        worst = _DEEP_ALPHA if image.mode in ("LA", "RGBA") else _DEEP
    return min(MAX_PIXELS, MAX_MEMORY // worst)


def is_deep(image: Image.Image) -> bool:
    """Whether the file, not loaded yet, has 16 bits a channel. Of colour Pillow hands out 8 of them, OpenCV all."""
    if image.mode.startswith("I;16"):
        return True
    arguments = [tile[3] for tile in getattr(image, "tile", [])]
    modes = [a[0] if isinstance(a, tuple) else a for a in arguments]
    return any(isinstance(mode, str) and ";16" in mode for mode in modes)


def plain(image: Image.Image) -> Channels:
    """The channels of Pillow's image of 8 bits, palettes and single transparent colours written out."""
    image = _written_out(image)
    count = len(image.getbands())
    height, width = image.height, image.width
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if count in (2, 4) else None
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        band = np.asarray(image.crop((0, top, width, min(height, top + rows))))
        part = band if band.ndim == 3 else band[..., None]
        pixels[top : top + rows] = part[..., :3] if count > 2 else part[..., :1]
        if alpha is not None:
            alpha[top : top + rows] = part[..., -1]
    return pixels, alpha, count < 3


def deep(path: Path, size: tuple[int, int], mode: str) -> Channels:
    """The channels of a file of 16 bits. size: (width, height), mode: Pillow's; as its header says."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it has to say comes as a MienError
    try:
        array = _imread(path, (*size[::-1], *{"RGB": (3,), "RGBA": (4,), "LA": (4,)}.get(mode, ())))
    except cv2.error:
        array = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if array is None or array.dtype != np.uint16:
        raise MienError(f"{path}: this kind of 16-bit image is not supported; save it as PNG or with 8 bits")
    if array.ndim == 3 and array.shape[2] in (3, 4):
        alpha = np.ascontiguousarray(array[..., 3]) if array.shape[2] == 4 else None
        code = cv2.COLOR_BGR2RGB if alpha is None else cv2.COLOR_BGRA2RGB
        return cv2.cvtColor(array, code), alpha, False
    return split(array)


def split(array: np.ndarray) -> Channels:
    """The channels of (H, W), (H, W, 2), (H, W, 3) RGB or (H, W, 4) RGBA."""
    if array.ndim == 2:
        array = array[..., None]
    channels = array.shape[2]
    alpha = np.ascontiguousarray(array[..., -1]) if channels in (2, 4) else None
    grey = channels < 3
    pixels = np.repeat(array[..., :1], 3, axis=2) if grey else np.ascontiguousarray(array[..., :3])
    return pixels, alpha, grey


def upright(array: np.ndarray, orientation: object) -> np.ndarray:
    """Turn and mirror (H, W[, C]) as an EXIF orientation of 1 to 8 asks; any other value is taken as upright."""
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def _written_out(image: Image.Image) -> Image.Image:
    """L, LA, RGB or RGBA."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "PA" or "transparency" in image.info:
        return image.convert("LA" if image.mode == "L" else "RGBA")
    return image.convert("RGB") if image.mode == "P" else image


def _imread(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Into an array of our own: else OpenCV's wrapper copies what it has decoded."""
    there = np.empty(shape, np.uint16)
    with path.open("rb") as file:
        # OpenCV takes no name that is not UTF-8
        name = f"/dev/fd/{file.fileno()}" if os.name == "posix" else str(path)
        return cv2.imread(name, there, cv2.IMREAD_UNCHANGED)
