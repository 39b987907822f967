"""How people differ in the same emotion: variants of each prototype, and random expressions for training.

The prototypes themselves are the vocabulary's (`mien.expression.PROTOTYPES`); here are what the EMFACS tables (Ekman &
Friesen) list beside them, and the noise of real faces: asymmetry, strength, and shapes that come along.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mien.expression import ALL_NAMES, PROTOTYPES, SHAPES

VARIANTS: Mapping[str, tuple[Mapping[str, float], ...]] = {
    "anger": (
        {"browDown": 1.1, "eyeSquint": 0.3, "eyeWide": 0.4, "noseSneer": 0.35, "mouthUpperUp": 0.4,
         "mouthLowerDown": 0.7, "mouthFunnel": 0.25, "jawOpen": 0.08, "mouthStretch": 0.25},
        {"browDown": 1.1, "eyeSquint": 0.35, "eyeWide": 0.3, "noseSneer": 0.3, "mouthPress": 0.6,
         "mouthRollUpper": 0.35, "mouthRollLower": 0.35, "mouthShrugLower": 0.4, "mouthFrown": 0.25},
        {"browDown": 1.0, "eyeSquint": 0.5, "mouthPress": 0.8, "mouthShrugLower": 0.3},
    ),
    "disgust": (
        {"noseSneer": 1.0, "mouthUpperUp": 0.55, "browDown": 0.4, "eyeSquint": 0.6, "cheekSquint": 0.6,
         "mouthLowerDown": 0.35, "mouthFrown": 0.3, "jawOpen": 0.05},
        {"noseSneer": 0.9, "mouthUpperUp": 0.4, "browDown": 0.5, "eyeSquint": 0.5, "cheekSquint": 0.5,
         "mouthShrugLower": 0.5, "mouthFrown": 0.5},
        {"noseSneer": 0.7, "mouthUpperUp": 0.6, "eyeSquint": 0.5, "mouthLowerDown": 0.5, "jawOpen": 0.15,
         "browDown": 0.3},
    ),
    "fear": (
        {"browInnerUp": 1.2, "browDown": 0.5, "eyeWide": 1.2, "mouthStretch": 0.9, "mouthLowerDown": 0.9,
         "mouthUpperUp": 0.25, "jawOpen": 0.12},
        {"browInnerUp": 1.0, "browOuterUp": 0.5, "browDown": 0.3, "eyeWide": 1.0, "mouthStretch": 0.7, "jawOpen": 0.3},
    ),
    "happy": (
        {"mouthSmile": 0.85, "cheekSquint": 0.7, "eyeSquint": 0.45, "mouthUpperUp": 0.35, "mouthDimple": 0.3,
         "mouthLowerDown": 0.25, "jawOpen": 0.05},
        {"mouthSmile": 0.8, "cheekSquint": 0.6, "eyeSquint": 0.4, "mouthDimple": 0.4, "mouthPress": 0.2},
        {"mouthSmile": 0.9, "cheekSquint": 0.8, "eyeSquint": 0.6, "mouthUpperUp": 0.5, "mouthLowerDown": 0.5,
         "jawOpen": 0.3},
    ),
    "sad": (
        {"browInnerUp": 0.95, "browDown": 0.35, "mouthFrown": 1.0, "mouthShrugLower": 0.55, "eyeSquint": 0.25},
        {"browInnerUp": 0.9, "mouthFrown": 0.7, "eyeSquint": 0.3, "eyeBlink": 0.2, "eyeLookDown": 0.5},
    ),
    "surprise": (
        {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 0.8, "jawOpen": 0.6},
        {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.6, "jawOpen": 0.75, "mouthFunnel": 0.2},
    ),
    "contempt": (
        {"mouthDimple_R": 0.8, "mouthSmile_R": 0.5, "mouthPress_R": 0.2, "cheekSquint_R": 0.2, "eyeSquint": 0.15},
    ),
}  # fmt: skip

# shapes whose full travel the photographed skin cannot follow: random weights stay below
_CAPS = {
    "jawOpen": 0.75, "mouthFunnel": 0.7, "mouthPucker": 0.9, "cheekPuff": 0.8, "jawForward": 0.6, "mouthClose": 0.0,
    "mouthRollUpper": 0.8, "mouthRollLower": 0.8, "PupilDilate": 0.0, "cheekRaiser": 0.7,
}  # fmt: skip


def weights_of(shapes: Mapping[str, float]) -> np.ndarray:
    """(57,) float32 of a table of shapes, where a name without a side means both."""
    out = np.zeros(len(SHAPES), np.float32)
    for name, value in shapes.items():
        for i, shape in enumerate(SHAPES):
            if shape == name or shape in (f"{name}_L", f"{name}_R"):
                out[i] = value
    return out


_SIDES = [(i, SHAPES.index(name[:-2] + "_R")) for i, name in enumerate(SHAPES) if name.endswith("_L")]
MIRROR = np.arange(len(SHAPES))
for _left, _right in _SIDES:
    MIRROR[_left], MIRROR[_right] = _right, _left
for _a, _b in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")):
    MIRROR[SHAPES.index(_a)], MIRROR[SHAPES.index(_b)] = SHAPES.index(_b), SHAPES.index(_a)

_PROTOTYPES = {name: weights_of(PROTOTYPES[name]) for name in ALL_NAMES}
_ALL = {name: np.stack([_PROTOTYPES[name], *(weights_of(v) for v in VARIANTS.get(name, ()))]) for name in ALL_NAMES}


MOST = 2.9
"""No shape is ever driven further: beyond it the mesh folds over itself."""


def variant(name: str, rng: np.random.Generator, strength: tuple[float, float] = (0.5, 1.25)) -> np.ndarray:
    """A person's way of showing `name`: (57,) float32. Between prototype and variants, uneven sides, some strength."""
    choices = _ALL[name]
    mix = rng.dirichlet(np.full(len(choices), 0.35)).astype(np.float32)
    out = mix @ choices
    out = out * rng.uniform(*strength) * np.exp(rng.normal(0, 0.15, len(out)))
    uneven = rng.normal(0, 0.10, len(_SIDES))
    for (left, right), u in zip(_SIDES, uneven, strict=True):
        out[left], out[right] = out[left] * (1 + u), out[right] * (1 - u)
    return np.clip(out, 0, MOST).astype(np.float32)


def scattered(rng: np.random.Generator, most: int = 5) -> np.ndarray:
    """A few random shapes, mostly on both sides: (57,) float32. Teaches single muscles."""
    out = np.zeros(len(SHAPES), np.float32)
    for i in rng.choice(len(SHAPES), rng.integers(1, most + 1), replace=False):
        name = SHAPES[i]
        weight = rng.uniform(0.15, 1.0) * _CAPS.get(name.removesuffix("_L").removesuffix("_R"), 1.0)
        out[i] = weight
        if MIRROR[i] != i and name[-2:] in ("_L", "_R") and rng.random() < 0.7:
            out[MIRROR[i]] = weight * np.exp(rng.normal(0, 0.1))
    return out


def prototype(name: str, strength: float = 1.0) -> np.ndarray:
    """The vocabulary's own point for a name: (57,) float32."""
    return _PROTOTYPES[name] * np.float32(strength)


def random_expression(rng: np.random.Generator) -> np.ndarray:
    """An expression as training sees them: (57,) float32; exact prototypes, variants, mixtures and single muscles."""
    kind = rng.random()
    name = str(rng.choice(ALL_NAMES[1:]))
    if kind < 0.40:
        return prototype(name, 1.0 if rng.random() < 0.6 else float(rng.uniform(0.2, 1.3)))
    if kind < 0.68:
        return variant(name, rng)
    if kind < 0.78:
        other = str(rng.choice(ALL_NAMES[1:]))
        return (0.6 * variant(name, rng) + 0.5 * variant(other, rng)).astype(np.float32)
    if kind < 0.86:
        return np.clip(variant(name, rng) + 0.5 * scattered(rng, 3), 0, 1.5).astype(np.float32)
    return scattered(rng)
