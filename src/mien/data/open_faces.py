"""The open set's faces: photographs where there are some, the rig's renders where there are none.

Neutral and happy are photographs; the expressions are also rendered from each neutral photo of a person to train on,
several ways of each. All crops of a person but the real smile share one frame, so that a pair differs by expression
alone.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.data.check import look
from mien.data.crops import MISSED, Found, Made, Task, described, find, write_crop
from mien.data.databases.open_set import home
from mien.data.manifest import CROPS
from mien.data.record import Record
from mien.data.rigs import Finder, _ages, read_photo
from mien.data.templates import landmarks68, read_template
from mien.errors import MienError
from mien.expression import NAMES
from mien.face import Face, face_box
from mien.face.align import crop_transform, warp
from mien.inside import target
from mien.rig.emotions import prototype, variant
from mien.rig.facekit import FaceKit
from mien.rig.render import Rig
from mien.rig.stage import CANVAS, canvas_to_crop, compose, crop_to_canvas, stage

DRAWN = 256
"""Crops are drawn at this size (or at their own, if larger) and reduced by area."""

SEED, STRENGTH = 1, (0.8, 1.2)
"""Of the renders: as the published configurations have them."""

RIG = "rig"


def drawn(rig: Rig, weights: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 3) uint8: the rig's photo at (57,) shape weights, in the frame of the neutral photo."""
    at = max(DRAWN, size)
    image = rig.view(np.asarray(weights, np.float32), canvas_to_crop(at), at).image
    assert image is not None
    return _reduce(image, size)


def photo_crop(photo: np.ndarray, name: Path, find: Finder, size: int) -> np.ndarray:
    """(size, size, 3) uint8: a photo's face, resampled as often as the rigs' are, lest sharpness tell them apart."""
    try:
        landmarks = find(photo)
    except MienError as error:
        raise MienError(f"{name}: {error}") from None
    return laid_crop(photo, landmarks, size)


def laid_crop(photo: np.ndarray, landmarks: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 3) uint8: the face with (68, 2) landmarks, by way of a rig's canvas."""
    canvas = warp(photo, compose(crop_to_canvas(), crop_transform(landmarks)), (CANVAS, CANVAS))
    at = max(DRAWN, size)
    image = cv2.warpAffine(
        canvas.astype(np.float32) / 255, canvas_to_crop(at), (at, at), borderMode=cv2.BORDER_REPLICATE
    )
    return _reduce(image, size)


def _reduce(image: np.ndarray, size: int) -> np.ndarray:
    if len(image) != size:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return np.round(image.clip(0, 1) * 255).astype(np.uint8)


def render_weights(name: str, way: int, seed: int, number: int, strength: tuple[float, float]) -> np.ndarray:
    """(57,) weights of person `number` in an expression: way 0 is the vocabulary's own, the others vary."""
    if way == 0:
        return prototype(name)
    rng = np.random.default_rng((seed, number, NAMES.index(name) if name in NAMES else 99, way))
    return variant(name, rng, strength)


def plan_people(root: Path, records: list[Record], out: Path, size: int, variants: int) -> list[Task]:
    """A task a person: the photographs in `records` and, for people of 'train', the renders of their neutral one."""
    shared = home(root)
    assert shared is not None
    assets = shared / "assets"
    there = (assets / "ict-facekit" / "ict-facekit.npz").is_file()
    ages = _ages(shared)
    people: dict[str, list[Record]] = {}
    for record in records:
        people.setdefault(record.identity, []).append(record)
    numbers: dict[str, int] = {}
    tasks = []
    for who, photos in people.items():
        number = numbers[photos[0].split] = numbers.get(photos[0].split, -1) + 1
        mine = [(record, f"{CROPS}/{who}/{record.expression}.png") for record in photos]
        neutral = next((record for record in photos if record.expression == NAMES[0]), None)
        if neutral is not None and neutral.split == "train" and there:
            for name in NAMES[1:]:
                for way in range(variants):
                    strength = 1.0 if way == 0 else None
                    render = Record(
                        neutral.path, name, who, RIG, frame=way, session=RIG, strength=strength, split=neutral.split
                    )
                    mine.append((render, f"{CROPS}/{who}/{name}-{RIG}{way}.png"))
        more: dict[str, Any] = {"number": number, "age": ages.get(who, 1.0), "assets": str(assets) if there else ""}
        rows, names = zip(*mine, strict=True)
        tasks.append(Task(str(root), rows, names, str(out), size, more))
    return tasks


def make_person(task: Task) -> list[Made]:
    """Crop the photographs of a person and render the rest."""
    made, rig, place = [], None, None
    for record, name in zip(task.records, task.names, strict=True):
        path = Path(task.root) / record.path
        seen, rgb = look(Path(task.root), record)
        if rgb is None:
            made.append(Made(name, seen.digest, seen.trouble))
            continue
        if record.label == "smiling":
            found = find(rgb)
            if found is None:
                made.append(Made(name, seen.digest, MISSED))
                continue
            image = laid_crop(read_photo(path), found.face.landmarks, task.size)
            write_crop(target(Path(task.out), name), image)
            made.append(Made(name, seen.digest, row=described(image, found, task.size)))
            continue
        if place is None:
            place = _placed(landmarks68(read_template(path.with_suffix(".tem"))))
        if record.session != RIG and not task.more["assets"]:
            image = laid_crop(read_photo(path), place.face.landmarks, task.size)
        else:
            if rig is None:
                more = task.more
                kit, photo = _kit(more["assets"]), read_photo(path)
                rig, _ = stage(kit, photo, place.face.landmarks, seed=more["number"], age=more["age"])
            weights = rig.fit.weights
            if record.frame is not None:
                weights = render_weights(record.expression, record.frame, SEED, task.more["number"], STRENGTH)
            image = drawn(rig, weights, task.size)
        write_crop(target(Path(task.out), name), image)
        digest = seen.digest if record.session != RIG else f"{seen.digest}:{name}"
        made.append(Made(name, digest, row=described(image, place, task.size)))
    return made


def _placed(landmarks: np.ndarray) -> Found:
    """A face whose landmarks are known."""
    transform = crop_transform(landmarks)
    return Found(Face(face_box(landmarks, transform), landmarks, transform), 1, "")


@lru_cache(maxsize=1)
def _kit(assets: str) -> FaceKit:
    cv2.setNumThreads(1)
    return FaceKit.load(assets)
