"""How near a generated picture is to the real one: two pictures (H, W, 3) uint8 of one size."""

from __future__ import annotations

import cv2
import numpy as np

MOST_PSNR = 100.0
"""dB, for pictures that are the same: their PSNR is infinite, which no mean survives."""


def l1(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference, 0 to 1 (black against white)."""
    return float(np.abs(a.astype(np.float64) - b).mean() / 255)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, at most `MOST_PSNR`."""
    error = float(((a.astype(np.float64) - b) ** 2).mean()) / 255**2
    return MOST_PSNR if error == 0 else min(MOST_PSNR, -10 * float(np.log10(error)))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of the channels, averaged: Wang et al. 2004, eq. 13, with the paper's window (Gaussian,
    11 x 11, sigma 1.5) and constants, where the window lies within the picture: sides of 11 px at least."""
    x, y = a.astype(np.float64) / 255, b.astype(np.float64) / 255

    def blur(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image, (11, 11), 1.5)[5:-5, 5:-5]

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    both = blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    return float((above / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean())
