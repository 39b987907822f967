"""Changes that make the 14 `val` people unlike the people trained on, with landmarks that stay exact.

They are drawn apart from the training's own augmentation, so nothing is measured with the pencil it was drawn with.
Each takes a `Person` and a generator and gives a `Person`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from mien.face.align import apply
from mien.training.landmarks_augment import displace
from mien.training.landmarks_data import ROOM, Person

Change = Callable[[Person, np.random.Generator], Person]


def roll(degrees: float) -> Change:
    """The photo turned in its plane."""

    def change(face: Person, random: np.random.Generator) -> Person:
        matrix = cv2.getRotationMatrix2D(((ROOM - 1) / 2, (ROOM - 1) / 2), degrees, 1.0)
        image = cv2.warpAffine(face.image, matrix, (ROOM, ROOM), borderMode=cv2.BORDER_REPLICATE)
        return replace(face, image=image, points=apply(matrix, face.points))

    return change


def mirrored(face: Person, random: np.random.Generator) -> Person:
    """In a mirror."""
    return face.mirrored()


def glasses(dark: bool) -> Change:
    """Rectangular spectacles or dark sunglasses."""

    def change(face: Person, random: np.random.Generator) -> Person:
        image, p = face.image.copy(), face.points
        gap = np.linalg.norm(p[45] - p[36])
        tone = tuple(int(v) for v in random.integers(5, 70, 3))
        for eye in (p[36:42].mean(0), p[42:48].mean(0)):
            middle = eye + (0, 0.03 * gap)
            w, h = gap * random.uniform(0.24, 0.27), gap * random.uniform(0.14, 0.18)
            box = cv2.boxPoints(((float(middle[0]), float(middle[1])), (float(2 * w), float(2 * h)), 0.0)).astype(
                np.int32
            )
            if dark:
                cv2.fillPoly(image, [box], (18, 18, 22), cv2.LINE_AA)
            cv2.polylines(image, [box], True, tone, max(2, int(gap * 0.03)), cv2.LINE_AA)
        a, b = p[39] * 0.7 + p[42] * 0.3, p[42] * 0.7 + p[39] * 0.3
        cv2.polylines(image, [np.array([a, b]).astype(np.int32)], False, tone, max(2, int(gap * 0.04)), cv2.LINE_AA)
        return replace(face, image=image)

    return change


def beard(tone: tuple[int, int, int]) -> Change:
    """A full beard with a moustache, thousands of short strokes from chin and lip."""

    def change(face: Person, random: np.random.Generator) -> Person:
        image, p = face.image.copy(), face.points
        gap = np.linalg.norm(p[45] - p[36])
        area = np.zeros((ROOM, ROOM), np.uint8)
        outline = np.vstack(
            [p[3:14] + (p[3:14] - p[33]) * 0.10, p[35] + (0.1 * gap, 0.06 * gap), p[31] + (-0.1 * gap, 0.06 * gap)]
        )
        cv2.fillPoly(area, [outline.astype(np.int32)], 255)
        cv2.fillPoly(area, [p[48:60].astype(np.int32)], 0)
        ys, xs = np.nonzero(area)
        for at in random.choice(len(xs), 5000):
            start = np.array([xs[at], ys[at]])
            way = (start - p[33]) / (np.linalg.norm(start - p[33]) + 1) * (0.6, 1.0) + random.normal(0, 0.25, 2)
            end = (start + way * gap * 0.09).astype(int)
            colour = np.clip(np.array(tone) * random.uniform(0.5, 1.4), 0, 255).tolist()
            cv2.line(image, start.tolist(), end.tolist(), colour, 1, cv2.LINE_AA)
        return replace(face, image=image)

    return change


def dark_skin(face: Person, random: np.random.Generator) -> Person:
    """Very dark skin: everything skin-coloured goes down to a quarter of its light."""
    p = face.points
    skin = np.median(face.image[_disc(p[[30, 2, 14]].mean(0), 14)], axis=(0, 1))
    lab = cv2.cvtColor(face.image, cv2.COLOR_RGB2LAB).astype(np.float32)
    own = cv2.cvtColor(skin[None, None].astype(np.uint8), cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    near = np.exp(-(((lab[..., 1:] - own[1:]) / 14) ** 2).sum(-1)) * (lab[..., 0] > 0.35 * own[0])
    near = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 1.5)[..., None]
    aim = face.image.astype(np.float32) * 0.26 * np.array([1.05, 0.95, 0.9], np.float32)
    return replace(face, image=(face.image * (1 - near) + aim * near).astype(np.uint8))


def old_photograph(face: Person, random: np.random.Generator) -> Person:
    """Faded sepia print: soft, grainy, scratched, vignetted, low contrast."""
    grey = cv2.GaussianBlur(cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY), (0, 0), 2.2).astype(np.float32)
    ys, xs = np.mgrid[-1 : 1 : ROOM * 1j, -1 : 1 : ROOM * 1j]
    grey = (
        120
        + (grey - 120) * 0.45
        - 35 * (xs**2 + ys**2)
        + cv2.GaussianBlur(random.normal(0, 18, grey.shape), (0, 0), 0.8)
    )
    image = np.clip(grey[..., None] * np.array([1.08, 0.98, 0.78]) + (15, 8, 0), 0, 255).astype(np.uint8)
    for _ in range(8):
        ends = random.integers(0, ROOM, (2, 2))
        cv2.line(image, ends[0].tolist(), ends[1].tolist(), (225, 215, 190), 1, cv2.LINE_AA)
    return replace(face, image=image)


def newsprint(face: Person, random: np.random.Generator) -> Person:
    """Hard black-and-white: crushed shadows, burnt lights, strong JPEG."""
    grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    skin = grey[_disc(face.points[30], 60)].mean()
    hard = 255 / (1 + np.exp(-(grey - skin) / 20))
    data = cv2.imencode(".jpg", np.repeat(hard[..., None], 3, 2).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    return replace(face, image=np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)))


def side_light(face: Person, random: np.random.Generator) -> Person:
    """Half of the face nearly dark."""
    x = np.linspace(-1, 1, ROOM)[None, :, None]
    gain = 0.12 + 1.1 / (1 + np.exp(-x * 9 * random.choice([-1, 1])))
    return replace(face, image=np.clip(face.image * gain, 0, 255).astype(np.uint8))


def small(pixels: float) -> Change:
    """A face of so many px between the outer eye corners, enlarged again."""

    def change(face: Person, random: np.random.Generator) -> Person:
        factor = pixels / np.linalg.norm(face.points[45] - face.points[36])
        size = max(8, round(ROOM * factor))
        tiny = cv2.resize(face.image, (size, size), interpolation=cv2.INTER_AREA)
        return replace(face, image=cv2.resize(tiny, (ROOM, ROOM), interpolation=cv2.INTER_LINEAR))

    return change


def child(face: Person, random: np.random.Generator) -> Person:
    """A child's proportions: larger eyes, a short nose and lower face, round cheeks, a high forehead."""
    p = face.points
    gap = float(np.linalg.norm(p[45] - p[36]))
    field = np.zeros((ROOM, ROOM, 2), np.float32)
    ys, xs = np.mgrid[0:ROOM, 0:ROOM].astype(np.float32)
    for eye in (p[36:42].mean(0), p[42:48].mean(0)):
        near = np.exp(-(((xs - eye[0]) ** 2 + (ys - eye[1]) ** 2) / (2 * (0.27 * gap) ** 2)))
        field -= 0.20 * near[..., None] * np.dstack([xs - eye[0], ys - eye[1]])
    eyes, chin = float(p[36:48, 1].mean()), float(p[8, 1])
    below = np.clip((ys - eyes) / (chin - eyes), 0, 3)
    lift = 0.16 * (chin - eyes) * np.where(below < 1, below, np.exp(-(below - 1) * 1.2))
    field[..., 1] += lift
    middle = float(p[27:36, 0].mean())
    wide = np.exp(-(((ys - p[33, 1]) / (0.5 * gap)) ** 2)) * np.exp(-(((xs - middle) / (1.3 * gap)) ** 2))
    field[..., 0] -= 0.10 * wide * (xs - middle)
    image, points = displace(face.image, p, cv2.GaussianBlur(field, (0, 0), 4))
    image = cv2.bilateralFilter(image, 9, 35, 5)
    return replace(face, image=image, points=points)


def aged(face: Person, random: np.random.Generator) -> Person:
    """An old face: drooping lids and mouth corners, longer nose and chin, wrinkles, white hair and brows."""
    p = face.points
    gap = float(np.linalg.norm(p[45] - p[36]))
    ys, xs = np.mgrid[0:ROOM, 0:ROOM].astype(np.float32)
    field = np.zeros((ROOM, ROOM, 2), np.float32)
    pulls = [(p[36], 0.035), (p[45], 0.035), (p[48], 0.06), (p[54], 0.06), (p[33], 0.07), (p[5], 0.07), (p[11], 0.07)]
    for at, amount in [*pulls, (p[8], 0.05), (p[38], 0.03), (p[43], 0.03)]:
        near = np.exp(-(((xs - at[0]) ** 2 + (ys - at[1]) ** 2) / (2 * (0.16 * gap) ** 2)))
        field[..., 1] -= amount * gap * near
    image, points = displace(face.image, p, field)
    lines = np.zeros((ROOM, ROOM), np.float32)
    q = points
    rows = [np.linspace(q[19] + (0, -k * gap), q[24] + (0, -k * gap), 9) for k in (0.18, 0.28, 0.38)]
    rows += [np.array([q[31], q[31] * 0.4 + q[48] * 0.6 + (-0.1 * gap, 0), q[48] + (-0.08 * gap, 0.05 * gap)])]
    rows += [np.array([q[35], q[35] * 0.4 + q[54] * 0.6 + (0.1 * gap, 0), q[54] + (0.08 * gap, 0.05 * gap)])]
    for corner, way in ((q[36], -1), (q[45], 1)):
        rows += [
            np.array([corner + (way * 0.04 * gap, d * gap), corner + (way * 0.2 * gap, 2.5 * d * gap)])
            for d in (-0.04, 0, 0.04)
        ]
    for eye in (q[36:42].mean(0), q[42:48].mean(0)):
        t = np.linspace(0.2, np.pi - 0.2, 9)
        rows.append(eye + np.stack([np.cos(t) * 0.22 * gap, (0.06 + np.sin(t) * 0.13) * gap], axis=1))
    for row in rows:
        wavy = row + random.normal(0, 0.006 * gap, row.shape)
        cv2.polylines(lines, [wavy.astype(np.int32)], False, 1.0, 2, cv2.LINE_AA)
    lines = cv2.GaussianBlur(lines, (0, 0), 1.6)[..., None]
    out = image.astype(np.float32) * (1 - 0.3 * lines)
    dark = (
        np.clip((80 - out.mean(-1, keepdims=True)) / 60, 0, 1)
        / (1 + np.exp((ys - q[36:48, 1].mean()) / (0.05 * gap)))[..., None]
    )
    out = out * (1 - 0.7 * dark) + 200 * 0.7 * dark
    return replace(face, image=np.clip(out, 0, 255).astype(np.uint8), points=points)


def _disc(at: np.ndarray, radius: int) -> tuple[slice, slice]:
    x, y = (int(v) for v in at)
    return slice(max(0, y - radius), y + radius), slice(max(0, x - radius), x + radius)


def same(face: Person, random: np.random.Generator) -> Person:
    """Nothing changed."""
    return face


CHANGES: dict[str, Change] = {
    "unchanged": same,
    "mirrored": mirrored,
    "rolled 10 degrees": roll(10),
    "rolled 25 degrees": roll(-25),
    "spectacles": glasses(dark=False),
    "sunglasses": glasses(dark=True),
    "dark beard": beard((40, 30, 25)),
    "white beard": beard((190, 188, 182)),
    "very dark skin": dark_skin,
    "old photograph": old_photograph,
    "newsprint": newsprint,
    "side light": side_light,
    "eyes 40 px apart": small(40),
    "eyes 20 px apart": small(20),
    "child's proportions": child,
    "old face": aged,
}
