"""What the rivals are told of each face beside its category: shape weights, and landmarks where one is guided by them.

Renders by the rig carry the weights that they were drawn with; a real smile, and the photos of a prepared database,
count as their category's prototype.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien.data.open_faces import render_weights
from mien.data.people import read_people
from mien.data.rigs import Finder, neutral_rigs, read_photo
from mien.errors import MienError
from mien.face.align import apply, crop_transform
from mien.rig.emotions import MIRROR, prototype
from mien.rig.facekit import FaceKit
from mien.rig.render import Rig
from mien.rig.stage import canvas_to_crop
from mien.training.landmarks_data import MIRROR as SWAP
from mien.training.paper.config import PaperConfig
from mien.training.paper.faces import HAPPY, Faces

SIDE = 256
"""Landmarks are measured in a crop of this side and given as shares of it."""


class Geometry(NamedTuple):
    """weights (n, 57) and points (n, 68, 2) of a run's faces; held_out (k, 68, 2): of those of the sample sheet. Points
    are (x, y) as shares of the crop's side, 0 where nobody needs them."""

    weights: np.ndarray
    points: np.ndarray
    held_out: np.ndarray


def mirrored(weights: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n, 57) and points (n, 68, 2) of the mirrored faces."""
    return weights[:, MIRROR], (points * (-1, 1) + (1, 0))[:, SWAP]


def face_weights(config: PaperConfig, faces: Faces) -> np.ndarray:
    """(n, 57) float32 of the faces."""
    if config.data.prepared:
        return np.stack([prototype(name) for name in faces.categories.tolist()])
    low, high = config.data.strength
    out = []
    for number, name, way in _places(faces):
        if name == "neutral" or way >= config.data.variants:
            out.append(prototype(name))
        else:
            out.append(render_weights(name, way, config.data.seed, number, (low, high)))
    return np.stack(out)


def measure(
    config: PaperConfig,
    faces: Faces,
    guided: bool,
    shared: Path | None,
    assets: Path | None,
    folder: Path,
    find: Finder,
) -> Geometry:
    """The geometry of `faces`; landmarks are kept in `folder` and taken from there the next time."""
    weights = face_weights(config, faces)
    nowhere = np.zeros((len(weights), 68, 2), np.float32), np.zeros((len(faces.held_out), 68, 2), np.float32)
    if not guided:
        return Geometry(weights, *nowhere)
    assert shared is not None and assets is not None  # the faces were made from them
    told = hashlib.sha256(faces.images.tobytes() + json.dumps([config.data.seed, config.log.faces]).encode())
    path = folder / f"points-{told.hexdigest()[:8]}.npz"
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                return Geometry(weights, file["points"], file["held_out"])
        except Exception:  # zipfile, numpy and the system each have their own; what cannot be read is made again
            path.unlink()
    points, held_out = _open_points(config, faces, weights, shared, FaceKit.load(assets), find)
    _write(path, points, held_out)
    return Geometry(weights, points, held_out)


def _places(faces: Faces) -> list[tuple[int, str, int]]:
    """(number of the person, category, how many such there were before) of each face, in the order of the renders."""
    numbers: dict[str, int] = {}
    seen: Counter[tuple[int, str]] = Counter()
    out = []
    for key, name in zip(faces.identities.tolist(), faces.categories.tolist(), strict=True):
        number = numbers.setdefault(key, len(numbers))
        out.append((number, name, seen[number, name]))
        seen[number, name] += 1
    return out


def _open_points(
    config: PaperConfig, faces: Faces, weights: np.ndarray, shared: Path, kit: FaceKit, find: Finder
) -> tuple[np.ndarray, np.ndarray]:
    """By the rig for what it drew; by `find` for the photographs of smiles."""
    keys = list(dict.fromkeys(faces.identities.tolist()))
    rigs = neutral_rigs(kit, shared, limit=len(keys))
    smiles = {p.key: p.smile for p in read_people(shared)}
    points = []
    for place, (number, name, way) in enumerate(_places(faces)):
        smile = smiles.get(keys[number])
        if name == HAPPY and way >= config.data.variants and smile is not None:
            found = find(read_photo(smile))
            points.append((apply(crop_transform(found), found) + 0.5) / SIDE)
        else:
            points.append(_drawn(rigs[keys[number]], weights[place] if name != "neutral" else None))
    held_out = neutral_rigs(kit, shared, "val", limit=config.log.faces) if config.log.faces else {}
    kept = [_drawn(rig, None) for rig in held_out.values()]
    return np.asarray(points, np.float32), np.asarray(kept, np.float32).reshape(-1, 68, 2)


def _drawn(rig: Rig, weights: np.ndarray | None) -> np.ndarray:
    """Landmarks (68, 2) of a render, as shares of the crop's side; None: of the photo itself."""
    on_canvas = rig.landmarks(rig.fit.weights if weights is None else weights)
    return (apply(canvas_to_crop(SIDE), on_canvas) + 0.5) / SIDE


def _write(path: Path, points: np.ndarray, held_out: np.ndarray) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, points=points, held_out=held_out)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MienError(f"cannot write {path}: {error.strerror}") from None
