"""Train the fine landmark predictor: `python -m mien.training.landmarks --shared DIR --assets DIR --out FILE`.

Kazemi & Sullivan (2014), as dlib implements it. It sees the views that `face.landmarks.refine` makes: crop frame,
nearly upright, so its few megabytes go into precision and not into turning faces upright.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import dlib
import numpy as np

from mien.data.rigs import neutral_rigs
from mien.errors import MienError
from mien.face.align import apply, crop_transform, warp
from mien.face.landmarks import FACE_BOX, VIEW, view
from mien.rig.facekit import FaceKit
from mien.training import landmarks_augment as augment
from mien.training.landmarks_data import Person, people
from mien.training.landmarks_manifest import OURS, record
from mien.training.landmarks_renders import random_renders


@dataclass(frozen=True)
class Recipe:
    """What is trained, and on how much. The size of the file is cascade x trees x 2^depth leaves of 136 numbers."""

    seed: int = 1
    samples: int = 9000
    renders: float = 0.55  # of the samples; the others are photographs
    renders_each: int = 24  # different renders a person
    plain: float = 0.3  # of the samples, unchanged but for pose
    bend: float = 0.012
    cascade: int = 15
    trees: int = 115
    depth: int = 3
    learning_rate: float = 0.1
    oversampling: int = 2
    pool: int = 400
    splits: int = 20
    padding: float = 0.1


def sample(person: Person, random: np.random.Generator, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """One training view: grey (VIEW, VIEW) uint8 and its landmarks (68, 2) in px of it."""
    if random.random() < 0.5:
        person = person.mirrored()
    image, points = person.image, person.points
    if random.random() >= recipe.plain:
        if random.random() < 0.8:
            image, points = augment.bend(image, points, random, recipe.bend)
        image = augment.hide(image, points, random)
        if random.random() < 0.8:
            image = augment.light(image, random)
    degrees, zoom = random.normal(0, 6), np.exp(random.normal(0, 0.06))
    dx, dy = random.normal(0, 4, 2)
    matrix = view(crop_transform(points), float(degrees), float(zoom), float(dx), float(dy))
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return warp(grey, matrix, (VIEW, VIEW)), apply(matrix, points)


def train(faces: list[Person], renders: list[Person], recipe: Recipe) -> dlib.shape_predictor:
    """A shape predictor of 68 points, fitted to random views of photographs and renders; reproducible."""
    random = np.random.default_rng(recipe.seed)
    box = dlib.rectangle(*FACE_BOX)
    images, truths = [], []
    for _ in range(recipe.samples):
        source = renders if renders and random.random() < recipe.renders else faces
        image, points = sample(source[int(random.integers(len(source)))], random, recipe)
        parts = [dlib.point(round(float(x)), round(float(y))) for x, y in points]
        images.append(image)
        truths.append([dlib.full_object_detection(box, dlib.points(parts))])
    options = dlib.shape_predictor_training_options()
    options.cascade_depth = recipe.cascade
    options.num_trees_per_cascade_level = recipe.trees
    options.tree_depth = recipe.depth
    options.nu = recipe.learning_rate
    options.oversampling_amount = recipe.oversampling
    options.oversampling_translation_jitter = 0.0
    options.feature_pool_size = recipe.pool
    options.feature_pool_region_padding = recipe.padding
    options.num_test_splits = recipe.splits
    options.random_seed = f"mien {recipe.seed}"
    options.num_threads = 1
    return dlib.train_shape_predictor(images, truths, options)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="mien.training.landmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/london and data/canada")
    parser.add_argument("--assets", type=Path, required=True, help="folder with ict-facekit.npz")
    parser.add_argument("--out", type=Path, required=True, help="the .dat file to write")
    chosen = parser.parse_args(arguments)
    recipe = Recipe()
    cv2.setNumThreads(1)
    start = time.monotonic()
    try:
        faces = people(chosen.shared, "train")
        rigs = neutral_rigs(FaceKit.load(chosen.assets), chosen.shared, "train")
        renders = random_renders(rigs.items(), recipe.renders_each, recipe.seed)
    except (MienError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(faces)} photographs, {len(renders)} renders in {time.monotonic() - start:.0f} s; {recipe}", flush=True)
    model = train(faces, renders, recipe)
    part = chosen.out.with_suffix(".part")
    model.save(str(part))
    part.replace(chosen.out)
    record(chosen.out, {**OURS, "recipe": asdict(recipe)})
    print(f"{chosen.out}: {chosen.out.stat().st_size:,} bytes in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
