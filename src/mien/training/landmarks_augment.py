"""Changes to a face for training landmark predictors: shape, light, camera, age of the photo, things in front of it.

Every function takes a work photo (H, W, 3) uint8 RGB, most with landmarks (68, 2) in its px, and a generator.
"""

from __future__ import annotations

import cv2
import numpy as np

Image = np.ndarray
Random = np.random.Generator


def bend(image: Image, points: np.ndarray, random: Random, amount: float) -> tuple[Image, np.ndarray]:
    """Another head: a smooth random displacement of up to about `amount` of the photo's side, points moved along."""
    side = image.shape[0]
    coarse = random.normal(0, amount * side, (5, 5, 2)).astype(np.float32)
    field = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return displace(image, points, field)


def displace(image: Image, points: np.ndarray, field: np.ndarray) -> tuple[Image, np.ndarray]:
    """Output(p) = image(p + field(p)), field (H, W, 2) px; the points follow: the q with q + field(q) = p."""
    height, width = image.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    out = cv2.remap(image, xs + field[..., 0], ys + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    moved = points.astype(np.float32)
    for _ in range(12):  # a fixed point: the fields used here are smooth, so it converges
        at = moved.reshape(1, -1, 2)
        shift = cv2.remap(field, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        moved = (points - shift.reshape(-1, 2)).astype(np.float32)
    return out, moved.astype(np.float64)


def light(image: Image, random: Random) -> Image:
    """Other light, camera and print: side light, gamma, contrast, skin tone, grey, blur, noise, JPEG."""
    out = image.astype(np.float32) / 255
    side = image.shape[0]
    if random.random() < 0.5:  # light from one side
        angle = random.uniform(0, 2 * np.pi)
        ys, xs = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
        ramp = (np.cos(angle) * xs + np.sin(angle) * ys) * random.uniform(0.3, 2.0)
        out *= np.exp(ramp)[..., None]
    if random.random() < 0.3:  # a soft shadow or gleam somewhere
        out *= np.exp(_blob(side, random) * random.uniform(-1.2, 0.6))[..., None]
    gains = np.exp(random.normal(0, 0.15, 3) + random.normal(-0.15, 0.35))
    out = np.clip(out * gains.astype(np.float32), 0, 1) ** np.float32(np.exp(random.normal(0, 0.35)))
    if random.random() < 0.4:
        low, high = random.uniform(0, 0.35), random.uniform(0.55, 1.0)
        out = low + out * (high - low)
    out = (np.clip(out, 0, 1) * 255).astype(np.uint8)
    draw = random.random()
    if draw < 0.25:  # low resolution
        small = int(side * random.uniform(0.1, 0.5))
        out = cv2.resize(out, (small, small), interpolation=cv2.INTER_AREA)
        out = cv2.resize(out, (side, side), interpolation=int(random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))
    elif draw < 0.4:
        out = cv2.GaussianBlur(out, (0, 0), random.uniform(0.5, 4.5))
    elif draw < 0.5:  # shaken
        size = int(random.integers(3, 15))
        kernel = np.zeros((size, size), np.float32)
        slope = random.uniform(0, np.pi)
        reach = np.array([np.cos(slope), np.sin(slope)]) * size / 2
        start, end = (size / 2 - reach).astype(int), (size / 2 + reach).astype(int)
        cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
        out = cv2.filter2D(out, -1, kernel / max(kernel.sum(), 1))
    if random.random() < 0.4:
        grain = random.normal(0, random.uniform(2, 28), (side, side, 1)).astype(np.float32)
        if random.random() < 0.5:
            grain = cv2.GaussianBlur(grain, (0, 0), 1.5)[..., None] * 3
        out = np.clip(out + grain, 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        done, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(12, 80))])
        if done:
            out = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return out


def hide(image: Image, points: np.ndarray, random: Random) -> Image:
    """Things in front of or on the face: glasses, hair, a beard, hands, shadows; each now and then."""
    out = image.copy()
    gap = np.linalg.norm(points[45] - points[36])
    if np.linalg.norm(points[62] - points[66]) > 0.04 * gap and random.random() < 0.6:
        teeth(out, points, random)
    if random.random() < 0.30:
        glasses(out, points, random)
    if random.random() < 0.22:
        beard(out, points, random)
    if random.random() < 0.20:
        fringe(out, points, random)
    if random.random() < 0.12:
        patch(out, points, random)
    return out


def glasses(image: Image, points: np.ndarray, random: Random) -> None:
    """Draw a frame and, sometimes, tinted or gleaming lenses over the eyes, in place."""
    tone = [int(v) for v in random.integers(0, 256, 3) * random.choice([0.15, 0.5, 1.0])]
    eyes = [points[36:42].mean(axis=0), points[42:48].mean(axis=0)]
    across = eyes[1] - eyes[0]
    gap = float(np.linalg.norm(across))
    tilt = float(np.degrees(np.arctan2(across[1], across[0])))
    thick = max(1, int(gap * random.uniform(0.015, 0.09)))
    wide, high = gap * random.uniform(0.30, 0.44), gap * random.uniform(0.2, 0.38)
    drop = np.array([0, gap * random.uniform(-0.03, 0.12)])
    power = random.choice([2.0, 3.0, 6.0])
    turn = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power) * wide,
                     np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power) * high], axis=1)  # fmt: skip
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    ring = ring @ np.array([(c, s), (-s, c)])
    tint = random.uniform(0.0, 0.75) if random.random() < 0.4 else 0.0
    shade = np.array(random.integers(0, 256, 3) * random.choice([0.1, 0.4, 1.0]), np.float32)
    layer = image.copy()
    lenses = [(ring + eye + drop).astype(np.int32) for eye in eyes]
    if tint:
        for lens in lenses:
            cv2.fillPoly(layer, [lens], shade.tolist(), cv2.LINE_AA)
        image[:] = cv2.addWeighted(layer, tint, image, 1 - tint, 0)
        layer = image.copy()
    for lens in lenses:
        cv2.polylines(layer, [lens], True, tone, thick, cv2.LINE_AA)
    level = drop + np.array([0, -high * random.uniform(0, 0.5)])
    inner = across / gap * wide
    bridge = [eyes[0] + inner + level, eyes[1] - inner + level]
    cv2.polylines(layer, [np.array(bridge).astype(np.int32)], False, tone, thick, cv2.LINE_AA)
    for eye, way in ((eyes[0], -1), (eyes[1], 1)):
        start, end = eye + way * inner + level, eye + way * inner * random.uniform(2.2, 2.8) + level
        cv2.line(layer, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), tone, thick, cv2.LINE_AA)
    if random.random() < 0.3:  # a reflection across a lens
        eye = eyes[int(random.integers(2))] + drop
        lens = eye + np.array([(-0.5, 0.6), (0.1, -0.7), (0.4, -0.7)]) * (wide, high)
        cv2.fillPoly(layer, [lens.astype(np.int32)], (235, 240, 245), cv2.LINE_AA)
    solid = random.uniform(0.6, 1.0)
    image[:] = cv2.addWeighted(layer, solid, image, 1 - solid, 0)


def teeth(image: np.ndarray, points: np.ndarray, random: Random) -> None:
    """Fill an open mouth with teeth, in place: bared to the lower lip, as in many real smiles and few renders."""
    inner = points[60:68]
    gap = float(np.linalg.norm(points[45] - points[36]))
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(mask, [(inner * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    ys, xs = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    middle, wide = inner.mean(axis=0), float(np.ptp(inner[:, 0])) / 2 + 1e-3
    x, y = points[30].astype(int).clip(0, np.array(image.shape[1::-1]) - 1)
    light_level = float(np.clip(image[y, x].mean() * random.uniform(0.8, 1.5), 60, 255))
    tone = light_level * np.array([1.0, 0.97, random.uniform(0.8, 0.97)])
    side = np.clip(1 - random.uniform(0.2, 0.9) * ((xs - middle[0]) / wide) ** 2, 0.1, 1)
    width = gap * random.uniform(0.07, 0.11)
    lines = 1 - random.uniform(0.05, 0.35) * np.exp(-((np.abs(((xs - middle[0]) / width) % 1 - 0.5) / 0.1) ** 2))
    fill = tone * (side * lines)[..., None]
    share = mask * random.uniform(0.7, 1.0)
    if random.random() < 0.4:  # a dark gap below the upper teeth
        share *= ys < middle[1] + random.uniform(-0.1, 0.6) * np.ptp(inner[:, 1]) / 2
    share = cv2.GaussianBlur(share, (0, 0), random.uniform(0.4, 1.2))[..., None]
    image[:] = np.clip(image * (1 - share) + fill * share, 0, 255).astype(np.uint8)


def beard(image: Image, points: np.ndarray, random: Random) -> None:
    """Darken (or whiten) the chin, the jaw and the upper lip with a hair-like texture, in place."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    reach = float(np.linalg.norm(points[16] - points[0]))
    kind = random.choice(["full", "moustache", "goatee", "stubble"])
    down = (points[8] - points[27]) / np.linalg.norm(points[8] - points[27]) * reach
    if kind in ("full", "stubble"):
        rim = points[2:15] + (points[2:15] - points[33]) * random.uniform(-0.05, 0.12) + down * random.uniform(0, 0.12)
        upper = points[[54, 53, 52, 51, 50, 49, 48]] * 0.5 + points[33] * 0.5
        cv2.fillPoly(mask, [np.vstack([rim, upper]).astype(np.int32)], 1.0)
    if kind == "goatee":
        rim = points[6:11] + down * random.uniform(0, 0.1)
        cv2.fillPoly(mask, [np.vstack([rim, points[[54, 57, 48]]]).astype(np.int32)], 1.0)
    if kind in ("moustache", "goatee"):
        low = points[48:55]
        cv2.fillPoly(mask, [np.vstack([low, low[::-1] * 0.35 + points[33] * 0.65]).astype(np.int32)], 1.0)
    if random.random() < 0.8:
        cv2.fillPoly(mask, [points[48:60].astype(np.int32)], 0.0)
    mask = cv2.GaussianBlur(mask, (0, 0), reach * random.uniform(0.01, 0.03))
    strands = random.normal(0, 1, (height, width)).astype(np.float32)
    strands = cv2.GaussianBlur(strands, (0, 0), sigmaX=random.uniform(0.6, 1.2), sigmaY=random.uniform(1.5, 4)) * 3
    tone = np.array([(25, 20, 18), (90, 60, 40), (170, 165, 160), (130, 80, 40)][int(random.integers(4))], np.float32)
    thick = random.uniform(0.25, 0.5) if kind == "stubble" else random.uniform(0.5, 1.0)
    alpha = np.clip(mask * thick * (1 + 0.5 * strands), 0, 1)[..., None]
    hair = np.clip(tone * (1 + 0.25 * strands[..., None]), 0, 255)
    image[:] = (image * (1 - alpha) + hair * alpha).astype(np.uint8)


def fringe(image: Image, points: np.ndarray, random: Random) -> None:
    """Hair over forehead, brows or one side: bundles of strands, in place."""
    gap = float(np.linalg.norm(points[45] - points[36]))
    up = (points[27] - points[33]) / np.linalg.norm(points[27] - points[33])
    along = (points[45] - points[36]) / gap
    tone = np.array([(20, 16, 14), (70, 45, 30), (190, 160, 110), (150, 150, 150)][int(random.integers(4))], np.float32)
    tone *= random.uniform(0.7, 1.2)
    middle = points[27] + along * gap * random.uniform(-0.9, 0.9)
    count = int(random.integers(10, 120))
    spread, length = gap * random.uniform(0.15, 0.8), gap * random.uniform(0.5, 1.5)
    lean = random.uniform(-0.6, 0.6)
    for _ in range(count):
        root = middle + along * random.normal(0, spread) + up * gap * random.uniform(0.75, 1.1)
        tip = root - up * length * random.uniform(0.5, 1.0) + along * length * (lean + random.normal(0, 0.12))
        knee = (root + tip) / 2 + along * random.normal(0, gap * 0.1)
        t = np.linspace(0, 1, 12)[:, None]
        strand = ((1 - t) ** 2 * root + 2 * t * (1 - t) * knee + t**2 * tip).astype(np.int32)
        colour = np.clip(tone * random.uniform(0.6, 1.4), 0, 255).tolist()
        cv2.polylines(image, [strand], False, colour, int(random.integers(1, 5)), cv2.LINE_AA)


def patch(image: Image, points: np.ndarray, random: Random) -> None:
    """A hand, a microphone, a scarf: a skin-coloured or plain blob over a part of the face, in place."""
    gap = float(np.linalg.norm(points[45] - points[36]))
    middle = points[int(random.integers(0, 68))] + random.normal(0, gap * 0.15, 2)
    tone = image[tuple(points[30].astype(int)[::-1].clip(0, image.shape[0] - 1))] if random.random() < 0.5 else None
    colour = tone * random.uniform(0.7, 1.1) if tone is not None else random.integers(0, 256, 3).astype(np.float64)
    for _ in range(int(random.integers(1, 5))):
        axes = (max(2, int(gap * random.uniform(0.05, 0.14))), max(2, int(gap * random.uniform(0.15, 0.5))))
        at = (middle + random.normal(0, gap * 0.08, 2)).astype(int)
        shade = np.clip(colour * random.uniform(0.85, 1.1), 0, 255).tolist()
        turn = float(random.uniform(0, 180))
        cv2.ellipse(image, (int(at[0]), int(at[1])), axes, turn, 0, 360, shade, -1, cv2.LINE_AA)


def _blob(side: int, random: Random) -> np.ndarray:
    """A smooth blob (side, side) of height 1 somewhere in the photo."""
    ys, xs = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j].astype(np.float32)
    x, y, r = random.uniform(0.2, 0.8), random.uniform(0.2, 0.8), random.uniform(0.08, 0.3)
    return np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * r * r))
