"""The faces of a run: those of a prepared database, or, made once, those of the open set: each person in each
category, as the paper's databases have them and the open set has not.

Neutral and happy are photographs; the six expressions are also rendered from each neutral photo by the rig, several
ways of each (`mien.data.open_faces`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mien.data.open_faces import drawn, photo_crop, render_weights
from mien.data.people import read_people
from mien.data.prepared import check_prepared, read_prepared
from mien.data.rigs import Finder, neutral_rigs, read_photo
from mien.errors import MienError
from mien.expression import NAMES
from mien.rig.facekit import FaceKit
from mien.training.paper.config import PaperConfig

NEUTRAL, HAPPY = NAMES[0], "happy"
UNKEYED = ("prepared", "fold")
"""Options of the data that do not say what the open set's faces are."""

NEEDED = (
    "this configuration trains on the open set: give --shared and --assets (see DATA_CARD.md), or a folder that "
    "'mien data prepare' made as data.prepared"
)

Tell = Callable[[int, int], None]
"""Told after each person: how many are done, of how many."""


@dataclass(frozen=True)
class Faces:
    """images (n, S, S, 3) uint8 RGB aligned crops; identities (n,) and categories (n,) by name; held_out (k, S, S, 3):
    neutral faces of nobody among them, for the sample sheets. A photo that counts twice is listed twice in `listed`,
    (m,) indices into the others."""

    images: np.ndarray
    identities: np.ndarray
    categories: np.ndarray
    listed: np.ndarray
    held_out: np.ndarray


def prepare(
    config: PaperConfig,
    shared: Path | None,
    assets: Path | None,
    folder: Path,
    find: Finder,
    tell: Tell | None = None,
) -> Faces:
    """The faces of `config`: of a prepared folder; else the open set's, from `folder`'s cache if it has them, or
    rendered and left there."""
    if config.data.prepared:
        return of_prepared(config)
    if shared is None or assets is None:
        raise MienError(NEEDED)
    key = _key(config, shared)
    path = folder / f"faces-{hashlib.sha256(key.encode()).hexdigest()[:8]}.npz"
    cached = _read(path, key)
    if cached is None:
        cached = render(config, shared, FaceKit.load(assets), find, tell)
        _write(path, key, cached)
    return cached


def of_prepared(config: PaperConfig) -> Faces:
    """The faces of the folder `data.prepared`: its people but those of the part kept for testing."""
    data = config.data
    read = read_prepared(Path(data.prepared), config.categories, config.size, data.fold, data.people)
    listed = np.arange(len(read.images))
    return Faces(read.images, read.identities, read.expressions, listed, read.held_out[: config.log.faces])


def check_sources(config: PaperConfig, shared: Path | None, assets: Path | None) -> None:
    """Raise a `MienError`, before anything takes time, if what the faces of `config` are made from is not there."""
    if config.data.prepared:
        check_prepared(Path(config.data.prepared), config.size, config.data.fold, config.categories)
        return
    if shared is None or assets is None:
        raise MienError(NEEDED)
    read_people(shared)
    FaceKit.load(assets)


def render(config: PaperConfig, shared: Path, kit: FaceKit, find: Finder, tell: Tell | None = None) -> Faces:
    """All faces of `config`; `find` gives the landmarks (68, 2) of a smiling photo."""
    wanted, size = config.data, config.size
    people = [p for p in read_people(shared) if p.split == "train"]
    london = sum(p.key.startswith("london-") for p in people)  # who come first
    rigs = neutral_rigs(kit, shared, limit=wanted.people or (None if wanted.canada else london))
    smiles = {p.key: p.smile for p in people if p.smile is not None and wanted.smiles}
    images, identities, categories, times = [], [], [], []

    def add(image: np.ndarray, key: str, category: str, count: int = 1) -> None:
        if category in config.categories:
            images.append(image)
            identities.append(key)
            categories.append(category)
            times.append(count)

    for number, (key, rig) in enumerate(rigs.items()):
        add(drawn(rig, rig.fit.weights, size), key, NEUTRAL)
        for name in (n for n in config.categories if n != NEUTRAL):
            for way in range(wanted.variants):
                low, high = wanted.strength
                weights = render_weights(name, way, wanted.seed, number, (low, high))
                add(drawn(rig, weights, size), key, name)
        if key in smiles and HAPPY in config.categories:
            add(photo_crop(read_photo(smiles[key]), smiles[key], find, size), key, HAPPY, wanted.smiles)
        if tell:
            tell(number + 1, len(rigs))
    if not images:
        raise MienError(f"nobody in {shared} is in the split 'train' with a category of the configuration")
    held_out = neutral_rigs(kit, shared, "val", limit=config.log.faces) if config.log.faces else {}
    rows = [drawn(rig, rig.fit.weights, size) for rig in held_out.values()]
    return Faces(
        np.stack(images),
        np.array(identities),
        np.array(categories),
        np.repeat(np.arange(len(images)), times),
        np.stack(rows) if rows else np.zeros((0, size, size, 3), np.uint8),
    )


def _key(config: PaperConfig, shared: Path) -> str:
    """All that the faces depend on, the people by name and the size of their files."""
    people = [
        [p.key, p.split, p.neutral.stat().st_size, p.template.stat().st_size, p.smile.stat().st_size if p.smile else 0]
        for p in read_people(shared)
    ]
    data = {name: value for name, value in asdict(config.data).items() if name not in UNKEYED}
    told = {"data": data, "size": config.size, "categories": config.categories}
    return json.dumps(told | {"held_out": config.log.faces, "people": people, "made": 1})


def _read(path: Path, key: str) -> Faces | None:
    """The cached faces, or None if they are not there, damaged or others."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            return Faces(**{name: file[name] for name in ("images", "identities", "categories", "listed", "held_out")})
    except Exception:  # zipfile, numpy and the system each have their own; what cannot be read is made again
        return None


def _write(path: Path, key: str, faces: Faces) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, key=np.array(key), **vars(faces))
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MienError(f"cannot write {path}: {error.strerror}") from None
