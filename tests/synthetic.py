"""A made-up face model and made-up photos: the shapes and names of the real ones, none of their content.

The model is a bulging grid with slits for eyes and mouth, in the layout of ict-facekit.npz; the photos are painted.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from mien.data.templates import JAW_LEFT, JAW_RIGHT, resample
from mien.expression import SHAPES
from mien.rig.facekit import LANDMARK_VERTICES
from mien.training.config import TrainConfig

VERTICES = 26719
TINY = TrainConfig(
    seed=4, size=64, steps=6, batch=2, chunk=4, repeats=2, warmup=2, adversarial_from=2, real_share=0.3,
    widths=(8, 8, 16, 16, 16), head=4,
)  # fmt: skip
"""A run that takes seconds."""

_SIDE = 97  # 97 x 97 vertices are exactly the 9409 of the face


def layout() -> np.ndarray:
    """(68, 2) landmarks of the model, in its units: x to the sitter's left, y up."""
    t = np.linspace(0, np.pi, 17)
    jaw = np.column_stack([-7.2 * np.cos(t), 3 - 10.3 * np.sin(t)])
    arch = np.array([(-5.6, 5.4), (-4.6, 6.0), (-3.5, 6.2), (-2.3, 6.1), (-1.2, 5.8)])
    nose = np.array(
        [(0, 3.6), (0, 2.5), (0, 1.5), (0, 0.5), (-1.2, -1.1), (-0.6, -1.2), (0, -1.3), (0.6, -1.2), (1.2, -1.1)]
    )
    eye = np.array([(-4.4, 3.5), (-3.7, 3.95), (-2.6, 3.95), (-1.8, 3.4), (-2.6, 3.05), (-3.7, 3.05)])
    upper = [(-2.5, -3.5), (-1.7, -2.85), (-0.75, -2.5), (0, -2.6), (0.75, -2.5), (1.7, -2.85), (2.5, -3.5)]
    lower = [(1.8, -4.05), (1.0, -4.35), (0, -4.45), (-1.0, -4.35), (-1.8, -4.05)]
    inner = [(-2.1, -3.35), (-1, -3.3), (0, -3.3), (1, -3.3), (2.1, -3.35), (1, -3.4), (0, -3.4), (-1, -3.4)]
    other = eye[[3, 2, 1, 0, 5, 4]] * (-1, 1)
    return np.vstack([jaw, arch, arch[::-1] * (-1, 1), nose, eye, other, upper, lower, inner])


def _bulge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    nose = 1.8 * np.exp(-((x / 0.9) ** 2) - ((y - 0.5) / 1.6) ** 2)
    return 11 - 0.07 * x**2 - 0.02 * y**2 + nose


@cache
def arrays() -> dict[str, np.ndarray]:
    """What `ict-facekit.npz` holds: V, F, names, E, I."""
    rng = np.random.default_rng(0)
    vertices = np.tile(np.float32([0, 0, -5]), (VERTICES, 1))
    faces = [_face(vertices)]
    # (first vertex, count, x, y, half width, half height, z): flat patches behind the slits
    for first, count, x, y, wide, high, z in (
        (9409, 1839, 0, -9.5, 6, 1.5, 5.0),  # neck
        (11248, 2046, 0, -3.4, 2.9, 2.4, 8.5),  # the mouth's socket
        (14062, 2977, 0, -3.4, 2.4, 1.6, 9.0),  # gums
        (17039, 2208, 0, -2.9, 2.0, 0.45, 9.9),  # upper teeth
        (19247, 2204, 0, -3.9, 2.0, 0.45, 9.8),  # lower teeth
        (13294, 384, -3.1, 3.5, 1.6, 1.0, 7.5),  # eye sockets
        (13678, 384, 3.1, 3.5, 1.6, 1.0, 7.5),
        (21451, 770, 3.1, 3.5, 1.5, 1.2, 9.5),  # whites of the eyes, then irises
        (22221, 800, 3.1, 3.5, 0.55, 0.55, 9.7),
        (23021, 770, -3.1, 3.5, 1.5, 1.2, 9.5),
        (23791, 800, -3.1, 3.5, 0.55, 0.55, 9.7),
    ):
        faces.append(_patch(vertices, first, count, (x, y), (wide, high), z))
    faces.append(np.array([[24591, 24592, 24593, 24593]]))  # lashes: never drawn
    order = rng.permutation(len(SHAPES))  # a file need not have the order of the vocabulary
    return {
        "V": vertices,
        "F": np.concatenate(faces).astype(np.int32),
        "names": np.array(SHAPES)[order],
        "E": _shapes(vertices)[order],
        "I": _identities(vertices, rng),
    }


def _face(vertices: np.ndarray) -> np.ndarray:
    """Put the face's grid into its 9409 vertices, landmarks where they belong; its quads, without eyes and mouth."""
    xs = np.linspace(-9.2, 9.2, _SIDE)
    ys = np.r_[np.linspace(9.5, -3.3, 67), np.linspace(-3.4, -9, _SIDE - 67)]  # two close rows are the lips
    x, y = (a.ravel() for a in np.meshgrid(xs, ys))
    marks = layout()
    node = np.full(len(x), -1)
    for index, mark in zip(LANDMARK_VERTICES, marks, strict=True):
        distance = np.where(node < 0, np.hypot(x - mark[0], y - mark[1]), np.inf)
        nearest = int(distance.argmin())
        node[nearest], x[nearest], y[nearest] = index, mark[0], mark[1]
    node[node < 0] = np.setdiff1d(np.arange(_SIDE**2), LANDMARK_VERTICES)
    vertices[node] = np.column_stack([x, y, _bulge(x, y)])
    corner = np.arange(_SIDE**2).reshape(_SIDE, _SIDE)
    quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1).reshape(-1, 4)
    middle = np.column_stack([x[quads].mean(1), y[quads].mean(1)])
    cut = (np.abs(middle[:, 1] + 3.35) < 0.04) & (np.abs(middle[:, 0]) < 2.1)
    for eye in (marks[36:42], marks[42:48]):
        outline = eye.astype(np.float32)
        cut |= [cv2.pointPolygonTest(outline, (float(a), float(b)), False) > 0 for a, b in middle]
    quads = node[quads[~cut]]
    quads[0, 3] = quads[0, 2]  # a triangle repeats its last index
    return quads


def _patch(vertices: np.ndarray, first: int, count: int, at: tuple, half: tuple, z: float) -> np.ndarray:
    """A slightly bulging patch in the vertices first ... first + count - 1; its quads."""
    columns = int(np.sqrt(count))
    rows = count // columns
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-1, 1, columns), np.linspace(1, -1, rows)))
    here = np.column_stack([at[0] + half[0] * x, at[1] + half[1] * y, z - 0.3 * (x**2 + y**2)])
    vertices[first : first + count] = here[-1]
    vertices[first : first + len(here)] = here
    corner = first + np.arange(rows * columns).reshape(rows, columns)
    return np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1).reshape(-1, 4)


# shape -> where it pulls (x of the right of the image, y), how far around, and which way
_PULLS = {
    "browDown": ((3.2, 5.9), 1.6, (-0.1, -0.45, 0)), "browInnerUp": ((1.4, 5.9), 1.5, (0, 0.6, 0)),
    "browOuterUp": ((4.8, 5.9), 1.5, (0, 0.7, 0)), "cheekPuff": ((4.5, -2.5), 1.8, (0.6, 0, 0.8)),
    "cheekRaiser": ((4, 1.5), 1.5, (0, 0.5, 0.2)), "cheekSquint": ((4, 1.8), 1.4, (0, 0.5, 0.2)),
    "noseSneer": ((1.2, 0), 1.0, (0.1, 0.6, 0.1)), "mouthSmile": ((2.5, -3.4), 1.3, (0.7, 0.6, -0.2)),
    "mouthFrown": ((2.5, -3.4), 1.2, (0.1, -0.5, 0)), "mouthStretch": ((2.5, -3.4), 1.3, (0.6, -0.1, -0.1)),
    "mouthDimple": ((2.6, -3.3), 1.0, (0.5, 0, -0.2)), "mouthUpperUp": ((1, -2.8), 0.9, (0, 0.5, 0)),
    "mouthLowerDown": ((1, -4.1), 0.9, (0, -0.4, 0)), "mouthPress": ((1.5, -3.3), 1.0, (0, -0.1, -0.1)),
    "eyeWide": ((3.1, 4.2), 0.7, (0, 0.3, 0)), "eyeSquint": ((3.1, 2.9), 0.8, (0, 0.25, 0)),
    "eyeBlink": ((3.1, 4.1), 0.7, (0, -0.9, 0)), "mouthPucker": ((0, -3.4), 2.0, (0, 0, 0.8)),
    "mouthFunnel": ((0, -3.4), 2.0, (0, 0, 0.9)), "jawForward": ((0, -6), 2.5, (0, 0, 0.8)),
    "jawLeft": ((0, -6), 2.5, (0.7, 0, 0)), "jawRight": ((0, -6), 2.5, (-0.7, 0, 0)),
    "mouthLeft": ((0, -3.4), 2.0, (0.9, 0, 0)), "mouthRight": ((0, -3.4), 2.0, (-0.9, 0, 0)),
    "mouthShrugLower": ((0, -5), 1.2, (0, 0.5, 0.2)), "mouthShrugUpper": ((0, -2.6), 1.0, (0, 0.3, 0.2)),
}  # fmt: skip


def _shapes(vertices: np.ndarray) -> np.ndarray:
    """(57, V, 3) float16 deltas, smooth everywhere but across the slits."""
    x, y = vertices[:, 0], vertices[:, 1]
    out = np.zeros((len(SHAPES), VERTICES, 3), np.float16)
    surface = np.arange(VERTICES) < _SIDE**2
    teeth = (np.arange(VERTICES) >= 19247) & (np.arange(VERTICES) <= 21450)
    below = np.maximum(-3.36 - y, 0)
    opening = np.clip(1 - (x / 2.2) ** 2, 0, 1)
    for i, name in enumerate(SHAPES):
        sign = -1.0 if name.endswith("_R") else 1.0
        base = name.removesuffix("_L").removesuffix("_R")
        if base in ("jawOpen", "mouthClose"):
            drop = (1 - (1 - opening) * np.exp(-below)) * np.exp(-((x / 5) ** 2))
            drop = np.where(teeth, 0.9, np.where(surface & (y < -3.36), drop, 0))
            out[i, :, 1] = drop * (-2.5 if base == "jawOpen" else 0.3)
        elif base in _PULLS:
            centre, reach, pull = _PULLS[base]
            weight = np.exp(-((x - sign * centre[0]) ** 2 + (y - centre[1]) ** 2) / reach**2) * surface
            if base in ("mouthUpperUp", "mouthShrugUpper"):
                weight = weight * (y > -3.35)
            if base in ("mouthLowerDown", "mouthShrugLower"):
                weight = weight * (y < -3.35)
            out[i] = weight[:, None] * np.array([sign * pull[0], pull[1], pull[2]])
    return out


def _identities(vertices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(100, V, 3) float16 slow waves, ever smaller."""
    out = np.zeros((100, VERTICES, 3), np.float16)
    for k in range(100):
        wave = np.sin(vertices[:, :2] @ rng.normal(0, 0.12 + 0.004 * k, (2, 3)) + rng.uniform(0, 6.3, 3))
        out[k] = wave * (0.5 / (1 + 0.3 * k))
    return out


def write_kit(folder: Path) -> Path:
    """The model as a file in `folder`."""
    path = folder / "ict-facekit.npz"
    np.savez(path, **arrays())
    return path


def camera(scale: float, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """(3, 3): model units to a photo's pixels (x right, y down, z to the camera), angles in radians."""
    a, b, c = yaw, pitch, roll
    about_y = np.array([(np.cos(a), 0, np.sin(a)), (0, 1, 0), (-np.sin(a), 0, np.cos(a))])
    about_x = np.array([(1, 0, 0), (0, np.cos(b), -np.sin(b)), (0, np.sin(b), np.cos(b))])
    about_z = np.array([(np.cos(c), -np.sin(c), 0), (np.sin(c), np.cos(c), 0), (0, 0, 1)])
    return scale * np.diag([1, -1, 1]) @ about_z @ about_x @ about_y


def landmarks_in(size: int, seed: int = 0) -> np.ndarray:
    """(68, 2) landmarks of somebody in a square photo of `size` px."""
    rng = np.random.default_rng(seed)
    model = arrays()["V"][LANDMARK_VERTICES] + np.tensordot(
        rng.normal(0, 0.4, 8), arrays()["I"][:8, LANDMARK_VERTICES], 1
    )
    points = model @ camera(size / 26, rng.normal(0, 0.05), rng.normal(0, 0.03), rng.normal(0, 0.05)).T
    return points[:, :2] + size * np.array([0.5, 0.52])


def paint(size: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A photo (size, size, 3) uint8 RGB of a painted face, and its (68, 2) landmarks."""
    rng = np.random.default_rng(seed)
    marks = landmarks_in(size, seed)
    image = (
        np.full((size, size, 3), (0.45, 0.5, 0.55), np.float32)
        * np.linspace(1.1, 0.9, size, dtype=np.float32)[:, None, None]
    )
    skin = rng.uniform(0.5, 0.85) * np.array([1.0, 0.8, 0.7])
    middle, wide = marks[27:31].mean(0), float(np.linalg.norm(marks[16] - marks[0]))

    def dot(points: np.ndarray) -> np.ndarray:
        return np.round(points * 16).astype(np.int32)

    def fill(points: np.ndarray, colour: np.ndarray | tuple) -> None:
        cv2.fillPoly(image, [dot(points)], tuple(float(c) for c in colour), cv2.LINE_AA, 4)

    at = (int(middle[0]), int(middle[1]))
    cv2.ellipse(image, at, (int(0.56 * wide), int(0.8 * wide)), 0, 0, 360, tuple(map(float, skin)), -1, cv2.LINE_AA)
    for brow in (marks[17:22], marks[22:27]):
        cv2.polylines(image, [dot(brow)], False, (0.2, 0.15, 0.1), max(2, size // 80), cv2.LINE_AA, 4)
    for eye in (marks[36:42], marks[42:48]):
        fill(eye, (0.85, 0.85, 0.83))
        centre = eye.mean(0)
        cv2.circle(
            image, dot(centre).tolist(), int(0.066 * 0.9 * wide * 16 * 0.62), (0.25, 0.2, 0.15), -1, cv2.LINE_AA, 4
        )
    fill(marks[48:60], skin * (0.95, 0.65, 0.65))
    cv2.polylines(image, [dot(marks[60:65])], False, tuple(map(float, skin * 0.5)), 1, cv2.LINE_AA, 4)
    cv2.polylines(image, [dot(marks[31:36])], False, tuple(map(float, skin * 0.7)), 2, cv2.LINE_AA, 4)
    noise = cv2.GaussianBlur(rng.normal(0, 0.25, image.shape).astype(np.float32), (0, 0), size / 120)
    return np.round(np.clip(image + noise, 0, 1) * 255).astype(np.uint8), marks


def template_of(marks: np.ndarray) -> np.ndarray:
    """(189, 2) points whose landmarks are `marks` (68, 2): exactly so but for jaw and eyes, nearly there."""
    p = np.zeros((189, 2))
    p[list(JAW_LEFT)] = resample(marks[0:9], np.linspace(0, 1, 8))
    p[list(JAW_RIGHT)] = resample(marks[8:17], np.linspace(0, 1, 8))
    p[[71, 76, 77, 82]] = marks[[17, 21, 22, 26]]
    p[[72, 83]], p[[75, 84]] = marks[18], marks[20]
    p[[78, 85]], p[[81, 86]] = marks[23], marks[25]
    p[[73, 74]] = (4 * marks[19] - marks[18] - marks[20]) / 2
    p[[79, 80]] = (4 * marks[24] - marks[23] - marks[25]) / 2
    bridge = resample(marks[27:31], np.linspace(0, 1, 5))
    p[50:55], p[56:61] = bridge, bridge
    p[64], p[69] = marks[31], marks[35]
    p[170], p[172] = 2 * marks[32] - marks[31], 2 * marks[34] - marks[35]
    p[55] = 3 * marks[33] - p[170] - p[172]
    for corner, mark in ((18, 36), (23, 42)):
        lid = marks[mark : mark + 6]
        p[corner : corner + 5] = lid[0], lid[1], (lid[1] + lid[2]) / 2, lid[2], lid[3]
        p[corner + 10 - 2 * (corner == 23) : corner + 13 - 2 * (corner == 23)] = lid[5], (lid[4] + lid[5]) / 2, lid[4]
    p[87:94], p[[108, 107, 106, 105, 104]] = marks[48:55], marks[55:60]
    p[[95, 96, 97]], p[[102, 101, 100]] = marks[61:64], marks[65:68]
    p[[94, 99]] = (marks[60] - 0.6 * p[87]) / 0.4
    p[[98, 103]] = (marks[64] - 0.6 * p[93]) / 0.4
    return p


def write_template(path: Path, points: np.ndarray) -> None:
    """Points (189, 2) as a `.tem` file."""
    lines = [str(len(points)), *(f"{x:.4f}\t{y:.4f}" for x, y in points), "1", "0", "3", "0 1 2"]
    path.write_text("\n".join(lines) + "\n")


def write_people(shared: Path, train: int = 2, val: int = 1, size: int = 400) -> Path:
    """A folder such as ../shared with painted people: data/london with people.csv, photos and templates."""
    neutral = shared / "data" / "london" / "neutral"
    neutral.mkdir(parents=True)
    rows = ["id,split,age"]
    for number in range(train + val):
        key = f"{number + 1:03d}"
        image, marks = paint(size, seed=number)
        cv2.imwrite(str(neutral / f"{key}.jpg"), image[..., ::-1])
        write_template(neutral / f"{key}.tem", template_of(marks))
        rows.append(f"{key},{'train' if number < train else 'val'},{20 + 10 * number}")
    (shared / "data" / "london" / "people.csv").write_text("\n".join(rows) + "\n")
    return shared


def similarity(zoom: float, angle: float, dx: float, dy: float) -> np.ndarray:
    """(2, 3): a turn by `angle` radians, a zoom, a shift."""
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    return np.array([(c, -s, dx), (s, c, dy)])
