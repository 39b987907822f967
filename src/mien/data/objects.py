"""The face model's one file from the .obj files of ICT-FaceKit (folder FaceXModel).

V, F, VT, FT are those of the neutral mesh; E, of the expressions in the order of their names, and I, of the hundred
identities, are differences to it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mien.errors import MienError

NEUTRAL = "generic_neutral_mesh"
IDENTITY = re.compile(r"identity(\d{3})")


def build(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of ict-facekit.npz: V (n, 3), VT (m, 2) float32; F, FT (q, 4) int32 from 0, where a triangle repeats
    its last index; names; E, I (k, n, 3) float16."""
    paths = {path.stem: path for path in sorted(folder.glob("*.obj"))}
    if NEUTRAL not in paths:
        raise MienError(f"{folder} has no {NEUTRAL}.obj")
    names = sorted(name for name in paths if name != NEUTRAL and not IDENTITY.fullmatch(name))
    people = sorted(name for name in paths if IDENTITY.fullmatch(name))
    neutral = paths[NEUTRAL].read_text()
    vertices = _vertices(neutral, paths[NEUTRAL])
    faces, corners = _faces(neutral)

    def differences(which: list[str]) -> np.ndarray:
        out = np.empty((len(which), *vertices.shape), np.float16)
        for place, name in enumerate(which):
            moved = _vertices(paths[name].read_text(), paths[name])
            if moved.shape != vertices.shape:
                raise MienError(f"{paths[name]} has {len(moved)} vertices, not {len(vertices)} as the neutral mesh")
            out[place] = moved - vertices
        return out

    return {
        "V": vertices,
        "F": faces,
        "VT": _numbers(neutral, "vt ")[:, :2],
        "FT": corners,
        "names": np.array(names),
        "E": differences(names),
        "I": differences(people),
    }


def _vertices(text: str, path: Path) -> np.ndarray:
    found = _numbers(text, "v ")
    if found.ndim != 2 or found.shape[1] < 3:
        raise MienError(f"{path} is not a mesh")
    return found[:, :3]


def _numbers(text: str, mark: str) -> np.ndarray:
    """(n, k) float32: the lines that begin with `mark`."""
    return np.array([line.split()[1:] for line in text.splitlines() if line.startswith(mark)], np.float32)


def _faces(text: str) -> tuple[np.ndarray, np.ndarray]:
    """(q, 4) int32 indices into the vertices, and into the texture's."""
    rows = []
    for line in text.splitlines():
        if line.startswith("f "):
            corners = [(corner.split("/") + [""])[:2] for corner in line.split()[1:]]
            corners += corners[-1:] * (4 - len(corners))
            rows.append([[int(v), int(t or 0)] for v, t in corners])
    both = np.array(rows, np.int32).reshape(-1, 4, 2) - 1
    return both[..., 0], both[..., 1]
