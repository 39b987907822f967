"""What real photographs bring that a studio does not: glasses, hair and hands, light, blur, noise, JPEG.

Everything is drawn into the source; the maps stay true to it, so the wanted output is the degraded source, moved.
Colour changes that apply to whole batches are made in training (`mien.training.batch`).
"""

from __future__ import annotations

import copy
from dataclasses import replace

import cv2
import numpy as np

from mien.rig.facekit import LANDMARK_VERTICES
from mien.rig.flowfield import grid
from mien.rig.render import Rig
from mien.synthesis.maps import Maps


def wear_glasses(rig: Rig, rng: np.random.Generator) -> Rig:
    """The rig with a frame drawn onto its canvas: it moves with the skin, as far as glasses do."""
    worn = copy.copy(rig)
    canvas, plate = rig.canvas.copy(), rig.plate.copy()
    lm = rig.fit.points[LANDMARK_VERTICES, :2]
    ocular = np.linalg.norm(lm[45] - lm[36])
    colour = tuple(float(c) for c in rng.uniform(0.02, 0.35) * rng.uniform(0.6, 1.0, 3))
    thick = max(1, int(rng.uniform(0.015, 0.045) * ocular))
    axes = (int(rng.uniform(0.24, 0.31) * ocular), int(rng.uniform(0.17, 0.26) * ocular))
    drop = rng.uniform(0.0, 0.06) * ocular
    centres = [lm[36:42].mean(0) + (0, drop), lm[42:48].mean(0) + (0, drop)]
    tilt = float(np.degrees(np.arctan2(*(lm[45] - lm[36])[::-1])))
    for image in (canvas, plate):
        for c in centres:
            at = (int(c[0]), int(c[1]))
            if thick % 2:
                cv2.ellipse(image, at, axes, tilt, 0, 360, colour, thick, cv2.LINE_AA)
            else:
                x0, y0, x1, y1 = at[0] - axes[0], at[1] - axes[1], at[0] + axes[0], at[1] + axes[1]
                cv2.rectangle(image, (x0, y0), (x1, y1), colour, thick, cv2.LINE_AA)
        left = (int(centres[0][0] + axes[0]), int(centres[0][1] - 0.3 * axes[1]))
        right = (int(centres[1][0] - axes[0]), int(centres[1][1] - 0.3 * axes[1]))
        cv2.line(image, left, right, colour, thick, cv2.LINE_AA)
        for c, sign in ((centres[0], -1), (centres[1], 1)):
            start = (int(c[0] + sign * axes[0]), int(c[1] - 0.3 * axes[1]))
            end = (int(c[0] + sign * (axes[0] + 0.45 * ocular)), int(c[1] - 0.5 * axes[1]))
            cv2.line(image, start, end, colour, thick, cv2.LINE_AA)
    worn.canvas, worn.plate = canvas, plate
    return worn


def occlude(image: np.ndarray, maps: Maps, rng: np.random.Generator) -> tuple[np.ndarray, Maps]:
    """Something in front of the face that does not move: a hand-like or hair-like shape.

    There is no flow where a hand lies; under thin strands it is only weaker, as it must stay smooth.
    """
    size = image.shape[0]
    mask = np.zeros((size, size), np.float32)
    if rng.random() < 0.5:  # a blob from below or from a side
        centre = np.array([rng.uniform(0.1, 0.9), rng.uniform(0.62, 0.95)]) * size
        for _ in range(rng.integers(1, 4)):
            at = centre + rng.normal(0, 0.06, 2) * size
            axes = (int(rng.uniform(0.05, 0.16) * size), int(rng.uniform(0.04, 0.10) * size))
            cv2.ellipse(mask, (int(at[0]), int(at[1])), axes, rng.uniform(0, 180), 0, 360, 1.0, -1, cv2.LINE_AA)
        colour = image[int(0.5 * size), int(0.5 * size)] * rng.uniform(0.7, 1.15) + rng.normal(0, 0.03, 3)
    else:  # strands over the forehead
        for _ in range(rng.integers(2, 9)):
            x = rng.uniform(0.25, 0.75) * size
            ends = np.array([[x, 0.02 * size], [x + rng.normal(0, 0.1) * size, rng.uniform(0.25, 0.5) * size]])
            middle = ends.mean(0) + rng.normal(0, 0.06, 2) * size
            t = np.linspace(0, 1, 12)[:, None]
            curve = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1]
            cv2.polylines(mask, [curve.astype(np.int32)], False, 1.0, int(rng.integers(1, 1 + size // 50)), cv2.LINE_AA)
        colour = image[: size // 8].reshape(-1, 3).min(0) * 0.5 + rng.uniform(0, 0.5) * np.array([0.5, 0.4, 0.3])
    texture = cv2.resize(rng.normal(0, 0.04, (size // 8, size // 8, 1)).astype(np.float32), (size, size))[..., None]
    soft = cv2.GaussianBlur(mask, (0, 0), 0.7)[..., None]
    out = image * (1 - soft) + np.clip(colour + texture, 0, 1) * soft
    free = 1 - np.clip(cv2.GaussianBlur(mask, (0, 0), 2.0) * 1.5, 0, 1)
    held = replace(maps, flow=maps.flow * free[..., None], shading=maps.shading * free, alpha=maps.alpha * free)
    return np.clip(out, 0, 1).astype(np.float32), held


def degrade(image: np.ndarray, maps: Maps, rng: np.random.Generator) -> tuple[np.ndarray, Maps]:
    """Uneven light on image and paint; blur, noise and JPEG on the image alone."""
    size = image.shape[0]
    paint, teeth = maps.paint, maps.teeth
    if rng.random() < 0.5:  # a light from one side
        angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.55)
        where = (grid(size) - size / 2) @ np.array([np.cos(angle), np.sin(angle)], np.float32) / (0.35 * size)
        light = np.exp(strength * np.tanh(where))[..., None].astype(np.float32)
        image, paint = np.clip(image * light, 0, 1), np.clip(paint * light, 0, 1)
        if teeth is not None:
            teeth = replace(teeth, enamel=np.clip(teeth.enamel * light, 0, 1))
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0) * size / 256)
    if rng.random() < 0.3:
        image = np.clip(image + rng.normal(0, rng.uniform(0.005, 0.04), image.shape), 0, 1)
    if rng.random() < 0.3:
        coded = np.round(image[..., ::-1] * 255).astype(np.uint8)
        _, data = cv2.imencode(".jpg", coded, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert decoded is not None
        image = decoded[..., ::-1] / 255.0
    return image.astype(np.float32), replace(maps, paint=paint.astype(np.float32), teeth=teeth)
