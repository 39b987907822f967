"""A small prepared folder, made up: each person is a colour and a grain, each expression a bar of its own colour."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mien.data.manifest import FORMAT, write_dataset, write_manifest

PEOPLE = {"anna": "train", "bert": "train", "cleo": "train", "dora": "val", "emil": "val", "fred": "test"}
EXPRESSIONS = ("neutral", "happy", "sad")


def write_prepared(
    folder: Path,
    people: Mapping[str, str] = PEOPLE,
    expressions: Sequence[str] = EXPRESSIONS,
    size: int = 64,
    takes: int = 2,
    renders: Sequence[str] = (),
    database: str = "folder",
    **told: object,
) -> Path:
    """People with their parts of the split; `renders`: expressions that the rig rendered of everybody in 'train'."""
    rng = np.random.default_rng(1)
    # an upright face in the frame of 256 px: eyes and nose near where they lie in a mean face
    marks = rng.uniform(90, 166, (68, 2))
    marks[[36, 39, 42, 45, 33]] = [(86, 94), (112, 96), (144, 96), (170, 94), (128, 138)]
    rows = []
    for number, (who, part) in enumerate(people.items()):
        ground = rng.uniform(115, 140, 3) + rng.normal(0, 6, (size, size, 3))
        names = [(name, "", take) for name in expressions for take in range(takes)]
        if part == "train":
            names += [(name, "rig", 0) for name in renders]
        for name, session, take in names:
            image = ground + rng.normal(0, 3, ground.shape)
            at = EXPRESSIONS.index(name) if name in EXPRESSIONS else 3
            image[size // 8 + size // 5 * at :][: size // 5, size // 5 : -size // 5, at % 3] += 75
            file = f"crops/{who}/{name}{'-rig' if session else ''}{take}.png"
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / file), image.clip(0, 255).astype(np.uint8)[..., ::-1])
            rows.append(
                {
                    "crop": file, "source": f"{who}/{name}{take}.jpg", "identity": who, "expression": name,
                    "label": session or name, "session": session, "split": part,
                    "transform": "1 0 0 0 1 0", "landmarks": " ".join(f"{v:.1f}" for v in (marks + number % 3).ravel()),
                }
            )  # fmt: skip
    write_manifest(folder, rows)
    counts = {
        f"by_{name}": dict(sorted(Counter(row[name] for row in rows).items())) for name in ("split", "expression")
    }
    write_dataset(
        folder,
        {
            "format": FORMAT, "database": database, "title": "pictures of nobody", "licence": "CC0",
            "fit_for": "synthesis", "options": {"size": size}, "split": {"scheme": "own", "identities": dict(people)},
            "counts": counts,
        } | told,
    )  # fmt: skip
    return folder


def change_rows(folder: Path, change) -> None:
    """Write the manifest again with `change` done to each row."""
    import csv

    with (folder / "manifest.csv").open(newline="") as file:
        rows = [change(dict(row)) for row in csv.DictReader(file)]
    write_manifest(folder, rows)


def change_told(folder: Path, **told: object) -> None:
    path = folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | told))
