"""From a prepared folder to what the classifier learns from: the photographs of the training people alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien.data.labelled import Row, held_out, identities, of_parts, read_rows
from mien.data.manifest import read_dataset
from mien.data.prepared import read_crops, training_parts
from mien.errors import MienError
from mien.expression import ALL_NAMES
from mien.training.classifier.config import ClassifierConfig


class Pictures(NamedTuple):
    """images (n, S, S, 3) uint8 RGB; labels (n,) places in the list of labels; people (n,) whose they are."""

    images: np.ndarray
    labels: np.ndarray
    people: np.ndarray


@dataclass(frozen=True)
class Lesson:
    """What is learnt, and of whom: labels, the training people's rows, and what a card says of them (`trained_on`).
    held: the rows of the other people by the part of the split; left_out: pictures of labels that are not learnt;
    alone: pictures of people who show one label only, left out too."""

    folder: Path
    told: dict[str, Any]
    labels: tuple[str, ...]
    rows: list[Row]
    trained_on: dict[str, Any]
    held: dict[str, list[Row]]
    left_out: int
    alone: int


def lesson(folder: Path, config: ClassifierConfig) -> Lesson:
    """What there is to learn in a prepared folder; a `MienError` if that is nothing."""
    told = read_dataset(folder)
    if told["options"]["size"] < config.size:
        size = told["options"]["size"]
        raise MienError(f"{folder} has crops of {size} px, but size is {config.size}: --set size={size} or less")
    parts = training_parts(folder, told, config.fold)
    rows = read_rows(folder)
    mine = of_parts(rows, parts, config.renders)
    labels = tuple(name for name in ALL_NAMES if any(row.expression == name for row in mine))
    if config.expressions:
        missing = [name for name in config.expressions if name not in labels]
        if missing:
            raise MienError(f"no photograph of a training person in {folder} shows {missing[0]}")
        labels = tuple(name for name in labels if name in config.expressions)
    if len(labels) < 2:
        there = f"only {labels[0]}" if labels else "none of the expressions"
        raise MienError(f"the training people's photographs in {folder} show {there}: a classifier tells two apart")
    known = [row for row in mine if row.expression in labels]
    kept = _paired(known, labels) if config.paired else known
    people = identities(kept)
    if len(people) == 1:
        raise MienError(
            f"{people[0]} is the only training person in {folder}: what is learnt of one holds for nobody else"
        )
    trained_on = {
        "database": told["database"],
        "split": ",".join(parts),
        "people": people or None,  # None: nobody is told apart
    }
    return Lesson(
        folder, told, labels, kept, trained_on, held_out(rows, parts), len(mine) - len(known), len(known) - len(kept)
    )


def _paired(rows: list[Row], labels: Sequence[str]) -> list[Row]:
    """The rows of people who show two labels or more, and of nobody known; all rows where a label, or all people but
    one, would be lost."""
    shown: dict[str, set[str]] = {}
    for row in rows:
        shown.setdefault(row.identity, set()).add(row.expression)
    kept = [row for row in rows if not row.identity or len(shown[row.identity]) > 1]
    enough = {row.expression for row in kept} == set(labels) and len(identities(kept)) != 1
    return kept if enough else rows


def read_pictures(folder: Path, rows: Sequence[Row], labels: Sequence[str], size: int) -> Pictures:
    """The rows' crops; those whose expression is no label must not be among them."""
    return Pictures(
        read_crops(folder, [row.crop for row in rows], size),
        np.array([labels.index(row.expression) for row in rows], np.int64),
        np.array([row.person for row in rows], str),
    )


def fingerprint(pictures: Pictures, labels: Sequence[str]) -> str:
    """SHA-256 of what is learnt from: a run is gone on with on the same pictures only."""
    digest = hashlib.sha256(",".join(labels).encode())
    for values in (pictures.images, pictures.labels, np.char.encode(pictures.people, "utf-8")):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
