"""The crops of a prepared folder as arrays to train on: who is kept for testing stays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mien.data.manifest import read_dataset, read_manifest
from mien.errors import MienError
from mien.expression import NAMES


class Prepared(NamedTuple):
    """images (n, S, S, 3) uint8 RGB; identities and expressions (n,); held_out (k, S, S, 3): a neutral crop of each
    person who is kept for testing."""

    images: np.ndarray
    identities: np.ndarray
    expressions: np.ndarray
    held_out: np.ndarray


def check_prepared(folder: Path, size: int, fold: int, expressions: Sequence[str] = ()) -> tuple[str, ...]:
    """Raise a `MienError` if the folder cannot be trained on with these expressions; else the parts of its split to
    train on."""
    told = read_dataset(folder)
    if told["fit_for"] != "synthesis":
        raise MienError(f"{folder}: nobody in {told['title']} is there twice, so it is fit for {told['fit_for']}")
    if told["options"]["size"] < size:
        raise MienError(
            f"{folder} has crops of {told['options']['size']} px, but size is {size}: prepare it with --size 256"
        )
    there = told["counts"]["by_expression"]
    gone = [name for name in expressions if name not in there]
    if gone:
        raise MienError(
            f"{folder} has no picture of {', '.join(gone)}, but categories asks for it: it has {', '.join(there)}"
        )
    return training_parts(folder, told, fold)


def training_parts(folder: Path, told: Mapping[str, Any], fold: int) -> tuple[str, ...]:
    """The parts of a split to train on: "train", or all folds but one. `told`: the folder's dataset.json."""
    parts = sorted(told["counts"]["by_split"])
    if "train" in parts:
        return ("train",)
    if fold >= 0 and f"fold{fold}" not in parts:
        raise MienError(f"{folder} has no fold {fold} (data.fold): its parts are {', '.join(parts)}")
    return tuple(part for part in parts if part != f"fold{fold}")


def read_prepared(folder: Path, expressions: Sequence[str], size: int, fold: int = 0, people: int = 0) -> Prepared:
    """The crops with these `expressions`, of the first so many `people` (0: all) who are trained on."""
    train = check_prepared(folder, size, fold)
    table = read_manifest(folder, ("crop", "identity", "expression", "split"))
    mine = table[table["split"].isin(train)]
    if people:
        mine = mine[mine["identity"].isin(sorted(set(mine["identity"]))[:people])]
    mine = mine[mine["expression"].isin(list(expressions))]
    if mine.empty:
        raise MienError(f"{folder} has no picture to train on with {', '.join(expressions)}")
    kept = table[~table["split"].isin(train) & (table["expression"] == NAMES[0])].drop_duplicates("identity")
    return Prepared(
        read_crops(folder, mine["crop"].tolist(), size),
        mine["identity"].to_numpy(str),
        mine["expression"].to_numpy(str),
        read_crops(folder, kept["crop"].tolist(), size),
    )


def read_crops(folder: Path, names: Sequence[str], size: int) -> np.ndarray:
    """(n, size, size, 3) uint8 RGB; larger crops are reduced by area."""
    out = np.empty((len(names), size, size, 3), np.uint8)
    for place, name in enumerate(names):
        image = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
        if image is None:
            raise MienError(f"the crop {folder / name} is gone or damaged: run 'mien data prepare' on {folder} again")
        if len(image) != size:
            image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        out[place] = image[..., ::-1]
    return out
