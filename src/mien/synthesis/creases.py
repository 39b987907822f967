"""Creases that the mesh is too coarse for: log-shading fields placed by landmarks in the photo, carried by the flow.

After the expression ratio images of Liu et al. 2001: soft dark lines with a light flank. Which shapes call a crease,
and how strongly, is one table; how a crease runs is one branch of one function.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from mien.expression import SHAPES

DEPTH = 0.20  # log darkening of a full crease
LIMIT = 1.2

Curve = tuple[np.ndarray, float, float, float]  # points (n, 2), width and flank offset in inter-ocular units, strength

# crease -> the shapes that call it; {s} is the side, L or R
_CALLS: dict[str, dict[str, float]] = {
    "forehead_{s}": {"browInnerUp_{s}": 0.5, "browOuterUp_{s}": 0.6, "browDown_{s}": -0.6},
    "glabella": {"browDown_L": 0.5, "browDown_R": 0.5, "browInnerUp_L": 0.08, "browInnerUp_R": 0.08},
    "bridge": {"noseSneer_L": 0.5, "noseSneer_R": 0.5},
    "nasolabial_{s}": {"mouthSmile_{s}": 0.85, "noseSneer_{s}": 0.6, "mouthUpperUp_{s}": 0.3, "mouthStretch_{s}": 0.35},
    "crow_{s}": {"cheekSquint_{s}": 0.8, "mouthSmile_{s}": 0.1},
    "lower_lid_{s}": {"cheekSquint_{s}": 0.6, "eyeSquint_{s}": 0.5},
    "corner_{s}": {"mouthFrown_{s}": 0.8, "mouthDimple_{s}": 0.5},
    "chin": {"mouthShrugLower": 0.8},
}


def crease_names() -> list[str]:
    """The creases in the order of `crease_fields`: the two sides apart."""
    return [name.format(s=s) for name in _CALLS for s in (("L", "R") if "{s}" in name else ("",))]


def activations(weights: np.ndarray) -> np.ndarray:
    """How strongly each crease shows at (57,) shape weights: (K,) in [0, 1.2]."""
    return np.clip(_MATRIX @ weights, 0, LIMIT).astype(np.float32)


def _matrix() -> np.ndarray:
    rows = []
    for name, calls in _CALLS.items():
        for side in ("L", "R") if "{s}" in name else ("",):
            row = np.zeros(len(SHAPES), np.float32)
            for shape, weight in calls.items():
                row[SHAPES.index(shape.format(s=side))] += weight
            rows.append(row)
    return np.stack(rows)


_MATRIX = _matrix()


def crease_fields(
    landmarks: np.ndarray, size: int, rng: np.random.Generator, age: float = 1.0, dtype: type = np.float16
) -> np.ndarray:
    """(K, size, size) log-shading of each crease at full strength, in the frame of the (68, 2) landmarks.

    rng jitters the lines a person; age scales their depth (1 for an adult of about thirty).
    """
    lm = landmarks.astype(np.float64)
    out: list[np.ndarray] = []
    for name in crease_names():
        field = np.zeros((size, size), np.float32)
        for points, width, flank, strength in _curves(name, lm, rng):
            _draw(field, points, width, flank, strength, float(np.linalg.norm(lm[45] - lm[36])))
        out.append((field * np.float32(DEPTH * age)).astype(dtype, copy=False))
    return np.stack(out)


def _curves(name: str, lm: np.ndarray, rng: np.random.Generator) -> Iterator[Curve]:
    """The curves of one crease; 'L' is the sitter's left, the right side of the image."""
    ocular = np.linalg.norm(lm[45] - lm[36])
    right = (lm[45] - lm[36]) / ocular
    down = np.array([-right[1], right[0]])

    def at(origin: np.ndarray, x: float, y: float) -> np.ndarray:
        return origin + ocular * (x * right + y * down)

    def jitter(sigma: float = 0.02) -> float:
        # little: a generator that cannot know where a line runs learns to draw none
        return float(rng.normal(0, 0.3 * sigma))

    kind, _, side = name.partition("_") if not name.startswith("lower_lid") else ("lower_lid", "", name[-1])
    out = 1.0 if side == "L" else -1.0
    eye_out, eye_in = (lm[45], lm[42]) if side == "L" else (lm[36], lm[39])
    wing, corner = (lm[35], lm[54]) if side == "L" else (lm[31], lm[48])
    if kind == "forehead":
        between = lm[[17, 21, 22, 26]].mean(0)
        for k in range(3):
            height = -(0.22 + 0.115 * k + jitter())
            bend = jitter(0.012)
            xs = np.linspace(-0.04, 0.40 + jitter(0.04) - 0.03 * k, 9)
            line = [at(between, out * x, height - 0.03 * np.sin(x * 6 + bend * 40) + 0.12 * x * x) for x in xs]
            yield np.stack(line), 0.010, 0.022, 0.75 - 0.12 * k
    elif kind == "glabella":
        between = lm[[21, 22]].mean(0)
        for sign in (-1.0, 1.0):
            x, lean = sign * (0.055 + abs(jitter(0.012))), sign * 0.018
            line = [at(between, x + lean * t, -0.07 + 0.17 * t + jitter(0.002)) for t in np.linspace(0, 1, 6)]
            yield np.stack(line), 0.011, 0.02, 1.0
    elif kind == "bridge":
        for k in range(2):
            y = 0.02 + 0.06 * k + jitter(0.01)
            line = [at(lm[27], x, y + 2.2 * x * x) for x in np.linspace(-0.075, 0.075, 7)]
            yield np.stack(line), 0.009, 0.018, 0.7
    elif kind == "nasolabial":
        start, end = at(wing, out * 0.035, -0.03), at(corner, out * 0.13, -0.01)
        middle = at((start + end) / 2, out * (0.055 + jitter(0.008)), -0.03)
        t = np.linspace(0, 1, 12)[:, None]
        yield (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end, 0.016, 0.04, 1.25
    elif kind == "crow":
        for k, angle in enumerate((-0.45, -0.05, 0.4)):
            angle += jitter(0.08)
            reach = np.linspace(0.09, 0.24 + jitter(0.02), 6)
            line = [at(eye_out, out * r * np.cos(angle), r * np.sin(angle)) for r in reach]
            yield np.stack(line), 0.008, 0.016, 0.6 - 0.1 * k
    elif kind == "lower_lid":
        span = eye_out - eye_in
        line = [at(eye_in + x * span, 0, 0.06 + 0.055 * np.sin(np.pi * x)) for x in np.linspace(0.08, 1.0, 9)]
        yield np.stack(line), 0.011, -0.022, 0.8
    elif kind == "corner":
        line = [at(corner, out * (0.02 + 0.05 * t), 0.15 * t) for t in np.linspace(0, 1, 7)]
        yield np.stack(line), 0.013, 0.03, 0.8
    else:  # chin
        lip = lm[57]
        line = [at(lip, x, 0.085 + jitter(0.001) + 1.2 * x * x) for x in np.linspace(-0.14, 0.14, 9)]
        yield np.stack(line), 0.018, 0.05, 0.9


def _draw(field: np.ndarray, points: np.ndarray, width: float, flank: float, strength: float, ocular: float) -> None:
    """Add one tapered soft line with a light flank; positive `flank` puts the light above it, negative below."""
    here, there = np.linspace(0, 1, len(points)), np.linspace(0, 1, 60)
    dense = np.stack([np.interp(there, here, points[:, k]) for k in (0, 1)], 1)
    sigma = max(width * ocular, 0.6)
    # only there, where the line and its blurs reach
    reach = int(np.ceil(8 * sigma + 2 + abs(flank) * ocular)) + 3
    low = np.floor(dense.min(axis=0)).astype(int) - reach
    high = np.ceil(dense.max(axis=0)).astype(int) + reach + 1
    low, high = low.clip(0, len(field)), high.clip(0, len(field))
    if (high <= low).any():
        return
    line = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
    ends = ((dense - low) * 16).astype(int).tolist()
    tapers = np.sin(np.pi * (np.arange(59) + 0.5) / 59) ** 0.7
    for a, b, taper in zip(ends, ends[1:], tapers.tolist(), strict=False):
        cv2.line(line, a, b, taper, 1, cv2.LINE_8, 4)
    dark = cv2.GaussianBlur(line, (0, 0), sigma) * sigma * 2.5
    light = cv2.GaussianBlur(line, (0, 0), sigma * 2) * sigma * 2 * 2.5
    shift = np.array([[1, 0, 0], [0, 1, -flank * ocular]], np.float64)
    light = cv2.warpAffine(light, shift, line.shape[::-1])
    field[low[1] : high[1], low[0] : high[0]] += (-dark + 0.42 * light) * strength
