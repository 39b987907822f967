"""The face model file: ICT-FaceKit's neutral mesh, identity modes and expression shapes (MIT, USC-ICT 2020).

Units are the file's own, about one centimetre; y is up and z points to the camera. The model's left is the sitter's
left, which is the right side of an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.expression import SHAPES

# Multi-PIE 68 landmarks as vertices of the mesh
LANDMARK_VERTICES = np.array(
    [1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443]
    + [268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360]
    + [1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732]
    + [5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841]
    + [5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966]
)

SKIN, NECK, SOCKET, EYE_SOCKET, GUM, UPPER_TEETH, LOWER_TEETH, SCLERA, IRIS = range(9)
MOUTH = (SOCKET, GUM, UPPER_TEETH, LOWER_TEETH)
# last vertex of each part, inclusive, in the order of the file
_PARTS = (
    (9408, SKIN),
    (11247, NECK),
    (13293, SOCKET),
    (14061, EYE_SOCKET),
    (17038, GUM),
    (19246, UPPER_TEETH),
    (21450, LOWER_TEETH),
    (22220, SCLERA),
    (23020, IRIS),
    (23790, SCLERA),
    (24590, IRIS),
)
VERTEX_COUNT = 24591  # what follows (tear fluid, occlusion, lashes) is not drawn


@dataclass(frozen=True)
class FaceKit:
    """The drawn part of the model: N = 24591 vertices.

    vertices (N, 3) float32; triangles (M, 3) int32; part (N,) uint8, one of SKIN ... IRIS;
    expressions (57, N, 3) float32 deltas in the order of `mien.expression.SHAPES`; identities (100, N, 3) float32.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    part: np.ndarray
    expressions: np.ndarray
    identities: np.ndarray

    @classmethod
    def load(cls, assets: Path | str) -> FaceKit:
        """Load `ict-facekit.npz` from a folder (or from its parent folder); MienError says where to get it."""
        folder = Path(assets)
        for path in (folder / "ict-facekit.npz", folder / "ict-facekit" / "ict-facekit.npz", folder):
            if path.is_file():
                break
        else:
            raise MienError(
                f"no ict-facekit.npz in {folder}: "
                "give the folder of the ICT-FaceKit model (github.com/ICT-VGL/ICT-FaceKit)"
            )
        try:
            with np.load(path, allow_pickle=False) as data:
                names = [str(name) for name in data["names"]]
                vertices, faces = data["V"], data["F"]
                expressions, identities = data["E"], data["I"]
        except Exception as error:  # a damaged archive makes NumPy raise almost anything
            raise MienError(f"{path} is not the face model that mien expects: {error}") from None
        if sorted(names) != sorted(SHAPES):
            raise MienError(f"{path} does not hold the 57 expression shapes that mien expects")
        whole = vertices.ndim == 2 and len(vertices) >= VERTEX_COUNT and faces.ndim == 2 and faces.shape[1] == 4
        if not whole or expressions.shape != (57, *vertices.shape) or identities.shape[1:] != vertices.shape:
            raise MienError(f"{path} is not the face model that mien expects: its arrays have other shapes")
        order = [names.index(name) for name in SHAPES]
        faces = faces[(faces < VERTEX_COUNT).all(axis=1)]
        quads = faces[faces[:, 2] != faces[:, 3]]
        triangles = np.concatenate([faces[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
        part = np.empty(VERTEX_COUNT, np.uint8)
        start = 0
        for last, label in _PARTS:
            part[start : last + 1] = label
            start = last + 1
        expressions = expressions[order, :VERTEX_COUNT].astype(np.float32)
        expressions[:, :, 0] *= _still_outline(vertices[:VERTEX_COUNT])
        brows = [SHAPES.index(name) for name in SHAPES if name.startswith("brow")]
        expressions[brows] *= _quiet_lids(vertices[:VERTEX_COUNT], part)[:, None]
        return cls(
            vertices=vertices[:VERTEX_COUNT].astype(np.float32),
            triangles=triangles,
            part=part,
            expressions=expressions,
            identities=identities[:, :VERTEX_COUNT].astype(np.float32),
        )


def _still_outline(vertices: np.ndarray) -> np.ndarray:
    """(N,) factor on sideways motion: little at the face's outline, where neck and background cannot follow."""
    outward = np.abs(vertices[:, 0]) / np.abs(vertices[LANDMARK_VERTICES[:17], 0]).max()
    t = np.clip((outward - 0.62) / 0.28, 0, 1)
    return (1 - 0.75 * t * t * (3 - 2 * t)).astype(np.float32)


LID, FOLD = 0.75, 1.35  # model units above the upper lid's margin


def _quiet_lids(vertices: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(N,) factor on what brows do: little upon the upper lids, so that the skin below the brow stretches, not the
    lashes."""
    out = np.ones(len(vertices), np.float32)
    for lid in (LANDMARK_VERTICES[36:40], LANDMARK_VERTICES[42:46]):
        points = vertices[lid]
        points = points[np.argsort(points[:, 0])]
        middle, half = points[:, 0].mean(), np.ptp(points[:, 0]) / 2
        arch = np.polyval(np.polyfit(points[:, 0], points[:, 1], 2), vertices[:, 0])
        above = (vertices[:, 1] - arch - LID) / (FOLD - LID)
        aside = (np.abs(vertices[:, 0] - middle) / half - 0.9) / 0.7
        t, u = np.clip(above, 0, 1), np.clip(aside, 0, 1)
        held = (1 - t * t * (3 - 2 * t)) * (1 - u * u * (3 - 2 * u))
        below = np.clip((vertices[:, 1] - arch + 1.6) / 0.8, 0, 1)
        near = (part == SKIN) & (vertices[:, 2] > points[:, 2].min() - 2.0)
        out = np.where(near, out * (1 - 0.75 * held * below), out)
    return out.astype(np.float32)
