"""Luminance of stimuli: mean and contrast over the face, made equal across a set. sRGB, D65; pure functions.

Lightness is CIE L* (0 black, 100 the display's white), of the luminance Y that sRGB's definition gives a pixel
(IEC 61966-2-1). What a display emits depends on the display.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

_LINEAR = np.arange(256) / 255
_LINEAR = np.where(_LINEAR <= 0.04045, _LINEAR / 12.92, ((_LINEAR + 0.055) / 1.055) ** 2.4)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
_KNEE = 216 / 24389  # of Y, below which L* is linear in it
_DARK = 1e-3
"""Below this Y a pixel's own colour is noise: it becomes grey."""


def to_srgb(pixels: np.ndarray, icc: bytes | None) -> np.ndarray:
    """Pixels (H, W, 3) uint8 of a photo with this ICC profile, in sRGB; as they are where it has none for RGB."""
    if not icc:
        return pixels
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if profile.profile.xcolor_space.strip() != "RGB" or "sRGB" in ImageCms.getProfileDescription(profile):
            return pixels
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB")))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return pixels  # a damaged profile


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Relative luminance Y, float64 in [0, 1], of sRGB pixels (..., 3) uint8."""
    return np.asarray(_LINEAR[pixels] @ _WEIGHTS)


def lightness(y: np.ndarray) -> np.ndarray:
    """CIE L* in [0, 100] of Y in [0, 1] (CIE 15, 8.2.1)."""
    return np.where(y > _KNEE, 116 * np.cbrt(y) - 16, y * 24389 / 27)


def from_lightness(lightness: np.ndarray) -> np.ndarray:
    """Y of L*: the inverse of `lightness`; below 0 as 0."""
    held = np.maximum(lightness, 0)
    return np.where(held > 8, ((held + 16) / 116) ** 3, held * 27 / 24389)


def figures(pixels: np.ndarray, region: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of L* over a region (H, W) bool of sRGB pixels (H, W, 3) uint8."""
    values = lightness(luminance(pixels[region]))
    return float(values.mean()), float(values.std())


def match(pixels: np.ndarray, region: np.ndarray, mean: float, deviation: float) -> tuple[np.ndarray, float]:
    """The picture (H, W, 3) uint8 whose L* has this mean and standard deviation over the region, and the share of the
    region's pixels that could not follow, because they would be brighter or darker than the display.

    L* of every pixel is shifted and stretched alike; its chromaticity stays, as linear RGB is multiplied. What is cut
    off and rounded moves the figures a little: measure them again.
    """
    linear = _LINEAR[pixels]
    y = linear @ _WEIGHTS
    old = lightness(y)
    before, spread = float(old[region].mean()), float(old[region].std())
    gain = deviation / spread if spread > 1e-6 else 1.0
    wanted = (old - before) * gain + mean
    aim = from_lightness(wanted)
    made = np.where((y > _DARK)[..., None], linear * (aim / np.maximum(y, _DARK))[..., None], aim[..., None])
    cut = (made.max(axis=-1) > 1) | (wanted < 0)
    made = np.clip(made, 0, 1)
    coded = np.where(made <= 0.0031308, made * 12.92, 1.055 * made ** (1 / 2.4) - 0.055)
    return np.round(coded * 255).astype(np.uint8), float(cut[region].mean())
