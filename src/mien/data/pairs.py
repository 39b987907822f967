"""Training pairs, rendered on the fly: a face in one expression, and the exact maps to another.

A pair is a pure function of (seed, number), so that a resumed run sees what an unbroken one would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mien.data.augment import degrade, occlude, wear_glasses
from mien.expression import SHAPES
from mien.face.align import crop_transform
from mien.rig.emotions import MIRROR, random_expression
from mien.rig.render import Rig, View
from mien.rig.stage import compose
from mien.synthesis.dentition import Teeth
from mien.synthesis.maps import Maps

NEUTRAL = np.zeros(len(SHAPES), np.float32)
WIDE_EYES = np.array([name.startswith("eyeWide") for name in SHAPES])


@dataclass(frozen=True)
class Pair:
    """source (S, S, 3) uint8 RGB; expression (57,) and amount: what the generator is told; maps: its truth.

    real: (S, S, 3) uint8 the same person's real photo with the target expression, or None; then the maps are not known.
    person: whose, as an index into the rigs that the pair was drawn from.
    """

    source: np.ndarray
    expression: np.ndarray
    amount: float
    maps: Maps
    real: np.ndarray | None
    person: int = 0


def turn(yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    """(3, 3) rotation of the head in the picture's frame (x right, y down, z to the camera), angles in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def jitter(size: int, rng: np.random.Generator) -> np.ndarray:
    """(2, 3): an aligned 256 crop to a slightly misaligned size x size crop, as detectors misalign."""
    angle, scale = np.radians(rng.normal(0, 3.5)), np.exp(rng.normal(0, 0.045))
    stretch = np.exp(rng.normal(0, 0.02))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = linear @ np.diag([stretch, 1 / stretch])
    shift = 127.5 - linear @ np.array([127.5, 127.5]) + rng.normal(0, 3.0, 2)
    k = size / 256
    return np.column_stack([linear * k, shift * k + (k - 1) / 2])


def make_pair(rigs: list[Rig], seed: int, number: int, size: int = 256) -> Pair:
    """The pair of this number from rigs of neutral or of smiling photos.

    A smiling photo is only ever a source as it is, and its eyes are not widened: its fit is too rough for more.
    """
    rng = np.random.default_rng((seed, number))
    person = int(rng.integers(len(rigs)))
    rig = rigs[person]
    smiling = bool(rig.fit.weights.any())
    start = rig.fit.weights if rng.random() < 0.5 or smiling else random_expression(rng)
    chance = rng.random()
    closing = 0.40 if smiling else 0.17  # a smile that closes is the hardest to learn
    goal = start if chance < 0.03 else NEUTRAL if chance < closing else random_expression(rng)
    goal = np.where(WIDE_EYES, 0, goal).astype(np.float32) if smiling else goal
    amount = 1.0 if rng.random() < 0.75 else float(rng.uniform(0.0, 1.2))
    reached = (start + amount * (goal - start)).astype(np.float32)
    pose = None
    if rng.random() < 0.35:
        pose = turn(rng.normal(0, 9), rng.normal(0, 6))
    transform = compose(jitter(size, rng), crop_transform(rig.landmarks(start, pose)))
    if rng.random() < 0.12:
        rig = wear_glasses(rig, rng)
    source = rig.view(start, transform, size, pose)
    target = rig.view(reached, transform, size, pose, draw=False)
    maps = rig.maps(source, target)
    if chance < 0.03:
        maps = still(maps)
    assert source.image is not None
    image = source.image
    if rng.random() < 0.5:
        image, maps, goal = mirror(image, maps, goal)
    if rng.random() < 0.12:
        image, maps = occlude(image, maps, rng)
    image, maps = degrade(image, maps, rng)
    return Pair(np.round(image * 255).astype(np.uint8), goal, amount, maps, None, person)


def still(maps: Maps) -> Maps:
    """Maps that change nothing."""
    return replace(maps, flow=maps.flow * 0, shading=maps.shading * 0, alpha=maps.alpha * 0)


def mirror(image: np.ndarray, maps: Maps, expression: np.ndarray) -> tuple[np.ndarray, Maps, np.ndarray]:
    """The pair seen in a mirror: left and right shapes change places."""
    across = np.array([-1, 1], np.float32)
    teeth = maps.teeth
    if teeth is not None:
        teeth = Teeth(teeth.upper[:, ::-1] * across, teeth.lower[:, ::-1] * across, teeth.enamel[:, ::-1])
    flow = maps.flow[:, ::-1] * across
    flipped = Maps(flow, maps.shading[:, ::-1], maps.paint[:, ::-1], maps.alpha[:, ::-1], teeth)
    return image[:, ::-1], flipped, expression[MIRROR]


def real_pair(source: Rig, target: Rig, expression: np.ndarray, rng: np.random.Generator, size: int = 256) -> Pair:
    """Two real photos of one person, each aligned by its own landmarks: image losses only."""
    place = jitter(size, rng)
    views: list[View] = []
    for rig in (source, target):
        own = rig.fit.weights
        views.append(rig.view(own, compose(place, crop_transform(rig.landmarks(own))), size))
    image, other = views[0].image, views[1].image
    assert image is not None and other is not None
    nothing = np.zeros((size, size), np.float32)
    still_flow, black = np.zeros((size, size, 2), np.float32), np.zeros((size, size, 3), np.float32)
    maps = Maps(still_flow, nothing, black, nothing, Teeth(still_flow, still_flow, black))
    if rng.random() < 0.5:
        image, other, expression = image[:, ::-1], other[:, ::-1], expression[MIRROR]
    return Pair(np.round(image * 255).astype(np.uint8), expression, 1.0, maps, np.round(other * 255).astype(np.uint8))
