"""Rig renders as faces with known landmarks: any expression, the head turned.

Jaw landmarks stay the model's vertices when the head turns, not the visible outline: that is what `rig.fit` wants.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mien.expression import SHAPES
from mien.rig.emotions import random_expression, variant, weights_of
from mien.rig.render import Rig
from mien.rig.stage import canvas_to_crop
from mien.training.landmarks_data import ROOM, TO_ROOM, Person


def turn(yaw: float, pitch: float) -> np.ndarray:
    """(3, 3) rotation of the head by degrees to a side and up or down, in the fit's frame (y down, z to the camera)."""
    a, b = np.radians([yaw, pitch])
    side = np.array([(np.cos(a), 0, np.sin(a)), (0, 1, 0), (-np.sin(a), 0, np.cos(a))])
    nod = np.array([(1, 0, 0), (0, np.cos(b), -np.sin(b)), (0, np.sin(b), np.cos(b))])
    return side @ nod


def posed(name: str, rig: Rig, weights: np.ndarray, yaw: float = 0.0, pitch: float = 0.0) -> Person:
    """The rig's face showing `weights` (57,), turned by degrees."""
    transform = TO_ROOM @ np.vstack([canvas_to_crop(), (0, 0, 1)])
    seen = rig.view(np.asarray(weights, np.float32), transform, ROOM, turn(yaw, pitch))
    assert seen.image is not None
    image = (np.clip(seen.image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Person(name, image, seen.landmarks.astype(np.float64))


def grin(random: np.random.Generator) -> np.ndarray:
    """A smile (57,) that bares the teeth more or less: what people show most often when photographed."""
    extra = {"mouthUpperUp": 0.6, "mouthLowerDown": 0.9, "jawOpen": 0.2, "mouthStretch": 0.4}
    return variant("happy", random, (0.5, 1.3)) + weights_of({k: v * random.random() for k, v in extra.items()})


def random_renders(rigs: Iterable[tuple[str, Rig]], each: int, seed: int) -> list[Person]:
    """`each` renders of every rig: neutral, many smiles, all expressions; yaw within 27 and pitch within 20 degrees."""
    random = np.random.default_rng(seed)
    out = []
    for name, rig in rigs:
        for _ in range(each):
            kind = random.random()
            if kind < 0.2:
                weights = np.zeros(len(SHAPES), np.float32)
            else:
                weights = grin(random) if kind < 0.5 else random_expression(random)
            yaw, pitch = np.clip(random.normal(0, (11, 7)), (-27, -20), (27, 20))
            out.append(posed(name, rig, weights, float(yaw), float(pitch)))
    return out
