"""Human-placed 189-point templates (`*.tem`, Psychomorph/webmorph) and their 68 Multi-PIE landmarks.

The order of the 189 points was read off the templates' own contour lists and checked by plotting them;
the 68 points follow Gross et al. 2010 (Multi-PIE): jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67.
"Left" in comments means left in the image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import MienError

JAW_LEFT = (109, 110, 111, 125, 126, 127, 128, 129)
JAW_RIGHT = (129, 130, 131, 132, 133, 114, 113, 112)


def read_template(path: Path | str) -> np.ndarray:
    """Read the points of a `.tem` file: (189, 2) float64, (x, y) in pixels of its photo."""
    try:
        lines = Path(path).read_text().split("\n")
        points = np.array([[float(v) for v in line.split()[:2]] for line in lines[1 : int(lines[0]) + 1]])
    except OSError as error:
        raise MienError(f"cannot read the template {path}: {error.strerror}") from None
    except ValueError as error:
        raise MienError(f"{path} is not a template: {error}") from None
    if points.shape != (189, 2) or not np.isfinite(points).all():
        raise MienError(f"{path} is not a template of 189 points 'x y'")
    return points


def resample(polyline: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Points of a (n, 2) polyline at the fractions `at` in [0, 1] of its length."""
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(polyline, axis=0), axis=1))]
    position = at * length[-1]
    return np.stack([np.interp(position, length, polyline[:, k]) for k in (0, 1)], axis=1)


def landmarks68(points: np.ndarray) -> np.ndarray:
    """Map a (189, 2) template to (68, 2) Multi-PIE landmarks, (x, y) in pixels."""
    if points.shape != (189, 2):
        raise ValueError(f"a template has 189 points, not {points.shape}")
    p = points

    def mean(*index: int) -> np.ndarray:
        return p[list(index)].mean(axis=0)

    def along(*index: int, at: tuple[float, ...]) -> np.ndarray:
        return resample(p[list(index)], np.array(at))

    third = (1 / 3, 2 / 3)
    out = np.empty((68, 2))
    out[0:9] = resample(p[list(JAW_LEFT)], np.linspace(0, 1, 9))
    out[8:17] = resample(p[list(JAW_RIGHT)], np.linspace(0, 1, 9))
    # brows: the middle between the upper and the lower edge
    out[17], out[21], out[22], out[26] = p[71], p[76], p[77], p[82]
    out[18], out[19], out[20] = mean(72, 83), mean(73, 74, 83, 84), mean(75, 84)
    out[23], out[24], out[25] = mean(78, 85), mean(79, 80, 85, 86), mean(81, 86)
    # nose: the bridge from between the eyes to the tip, then wing to wing
    bridge = np.stack([mean(50, 56), mean(51, 57), mean(52, 58), mean(53, 59), mean(54, 60)])
    out[27:31] = resample(bridge, np.linspace(0, 1, 4))
    out[31], out[32], out[33] = p[64], mean(64, 170), mean(55, 170, 172)
    out[34], out[35] = mean(69, 172), p[69]
    # eyes: corners, then lids at a third and two thirds
    out[36], out[37:39], out[39] = p[18], along(18, 19, 20, 21, 22, at=third), p[22]
    out[[41, 40]] = along(18, 28, 29, 30, 22, at=third)
    out[42], out[43:45], out[45] = p[23], along(23, 24, 25, 26, 27, at=third), p[27]
    out[[47, 46]] = along(23, 31, 32, 33, 27, at=third)
    # mouth: outer ring clockwise from the left corner, then the inner ring
    out[48:55] = p[[87, 88, 89, 90, 91, 92, 93]]
    out[55:60] = p[[108, 107, 106, 105, 104]]
    out[60] = 0.6 * p[87] + 0.4 * mean(94, 99)
    out[61:64] = p[[95, 96, 97]]
    out[64] = 0.6 * p[93] + 0.4 * mean(98, 103)
    out[65:68] = p[[102, 101, 100]]
    return out
