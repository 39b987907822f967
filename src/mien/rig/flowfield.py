"""Dense fields on the crop: extension of what the mesh does not cover, and the window that ends every edit."""

from __future__ import annotations

import functools

import cv2
import numpy as np


@functools.lru_cache(maxsize=8)
def window(size: int) -> np.ndarray:
    """(size, size) float32 in [0, 1]: one over the face, smoothly zero towards the crop's edge, exactly zero on it."""
    ramp = np.arange(size) / (size - 1) * 255.0

    def rise(distance: np.ndarray, start: float, length: float) -> np.ndarray:
        t = np.clip((distance - start) / length, 0, 1)
        return t * t * (3 - 2 * t)

    x = rise(ramp, 14, 26) * rise(255 - ramp, 14, 26)
    y = rise(ramp, 8, 22) * rise(255 - ramp, 3, 16)
    out = (y[:, None] * x[None]).astype(np.float32)
    out.setflags(write=False)
    return out


def extend(field: np.ndarray, known: np.ndarray, reach: float | None) -> np.ndarray:
    """Fill (H, W, K) float32 outside the boolean mask `known` by push-pull, fading to zero over `reach` pixels.

    Gortler et al. 1996's push-pull: averages are carried down a pyramid and fill the holes on the way up.
    reach None: no fading.
    """
    mask = known.astype(np.float32)
    stack = [(np.where(known[..., None], field, 0).astype(np.float32), mask)]
    while min(stack[-1][1].shape) > 4:
        f, m = stack[-1]
        stack.append((cv2.pyrDown(f).reshape(*cv2.pyrDown(m).shape, -1), cv2.pyrDown(m)))
    f, m = stack[-1]
    value = f / (m[..., None] + 1e-4)
    for f, m in stack[-2::-1]:
        above = cv2.resize(value, (m.shape[1], m.shape[0]), interpolation=cv2.INTER_LINEAR).reshape(*m.shape, -1)
        gain = np.minimum(m, 1.0)[..., None]
        value = f * (gain / np.maximum(m, 1e-6)[..., None]) + (1 - gain) * above
    value = np.where(known[..., None], field, value)
    if reach is not None and known.any():
        distance = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 3)
        value *= np.exp(-((distance / reach) ** 2))[..., None]
    return value.astype(np.float32)


def sample(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Bilinear samples of an image at (H, W, 2) float32 positions (x, y); the border is replicated."""
    return cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@functools.lru_cache(maxsize=8)
def grid(size: int) -> np.ndarray:
    """(size, size, 2) float32: the position (x, y) of every pixel."""
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    out = np.stack([x, y], axis=-1)
    out.setflags(write=False)
    return out
