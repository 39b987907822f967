"""What the documentation's commands work on and nobody has lying about: clips, databases, prepared folders, runs.

A command fits the first pattern of `MADE`; its maker puts what it names into a folder, under the names that the page
uses, and the command is run there as it stands.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

import certificates
from data import trees
from docs.shown import ROOT, Shown
from evaluation import small
from made_prepared import write_prepared
from mien.expression import NAMES
from support import SAMPLE, SHARED
from surfaces import moving

Maker = Callable[[Path, Sequence[str]], None]


@dataclass(frozen=True)
class Made:
    """make: puts what a command of these words needs into a folder. more: words added, so that a training is a test."""

    pattern: str
    make: Maker
    more: tuple[str, ...] = ()

    def fits(self, shown: Shown) -> bool:
        return shown.complete and re.match(self.pattern, " ".join(shown.words)) is not None


def photo(folder: Path, side: int = 300) -> np.ndarray:
    """photo.jpg: the sample, smaller."""
    pixels = cv2.resize(cv2.imread(str(SAMPLE)), (side, side), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "photo.jpg"), pixels)
    return pixels


def clip(folder: Path, words: Sequence[str]) -> None:
    """in.mp4 of five frames, a small photo, and a certificate with its key."""
    photo(folder, 120)
    moving.write_clip(folder / "in.mp4", [moving.frame(dx=2 * i) for i in range(5)], sound=True)
    if "--c2pa-cert" in words:
        certificates.write_chain(folder)


def photos(folder: Path, words: Sequence[str]) -> None:
    photo(folder)
    (folder / "photos").mkdir()
    (folder / "photo.jpg").rename(folder / "photos" / "anna.jpg")


def rig(folder: Path, words: Sequence[str]) -> None:
    if not (SHARED / "assets" / "ict-facekit").is_dir():
        pytest.skip("the face model is not here: set MIEN_SHARED to its folder")
    photo(folder)
    (folder / "DIR").symlink_to(SHARED)


def runs(folder: Path, words: Sequence[str]) -> None:
    """Folders of runs: those whose checkpoints are published."""
    for name, there in (("runs/base", "base"), ("runs64/stargan", "baselines/stargan")):
        (folder / name).parent.mkdir()
        (folder / name).symlink_to(ROOT / "checkpoints" / there)


def exported(folder: Path, words: Sequence[str]) -> None:
    photo(folder)
    for end in ("onnx", "json"):
        (folder / f"generator.{end}").symlink_to(ROOT / "src" / "mien" / "weights" / f"generator.{end}")


FEW = {
    "rafd": lambda root: trees.rafd(root, models=(1, 2), angles=("090",)),
    "kdef": lambda root: trees.kdef(root, ("F01", "M02"), "A"),
    "oulu": lambda root: trees.oulu(root, (1, 72), cameras=("VL",), lights=("Strong",), frames=3),
    "mug": lambda root: trees.mug(root, frames=4, takes=1),
    "ck+": lambda root: trees.ckplus(root, frames=4),
}
"""Trees of fewer pictures than tests/data reads; the others are small as they are."""


def database(folder: Path, words: Sequence[str]) -> None:
    """DIR as the database that the words name, of faces; for one's own, my/pictures and my/table.csv too."""
    name = next(word for word in words if word in trees.TREES)
    before, trees.picture = trees.picture, lambda path, *_, **__: trees.face(path, 110)
    try:
        root = FEW.get(name, trees.TREES[name])(folder / ("my/pictures" if name == "folder" else "DIR"))
    finally:
        trees.picture = before
    if name == "folder":
        (folder / "DIR").symlink_to(root)
        with (folder / "my" / "table.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("path", "identity", "expression"))
            for path in sorted(root.rglob("*.jpg")):
                table.writerow((path.relative_to(folder / "my"), path.parts[-3], path.parts[-2]))


def prepared(folder: Path, words: Sequence[str]) -> None:
    """prepared/NAME for each name in the words, or in the configuration that they name."""
    (folder / "configs").symlink_to(ROOT / "configs")
    text = " ".join([*words, *((folder / w).read_text() for w in words if w.startswith("configs/"))])
    for name in set(re.findall(r"prepared/([a-z0-9]+)", text)):
        write_prepared(
            folder / "prepared" / name,
            expressions=(*NAMES, "contempt"),
            size=128,
            takes=1,
            renders=("anger",),
            database=name,
        )


def judged(folder: Path, words: Sequence[str]) -> None:
    """Prepared faces to evaluate on, and pictures of theirs that some other program made."""
    small.prepared(folder / "prepared" / "open")
    for person in ("a", "b", "c"):
        small.save(folder / "pictures" / f"{person}-neutral_happy.png", small.smiling(person))


def classified(folder: Path, words: Sequence[str]) -> None:
    """The published judge, and the people that it was not trained on."""
    prepared(folder, words)
    for end in ("onnx", "json"):
        (folder / f"open-classifier.{end}").symlink_to(ROOT / "weights" / "judges" / f"open-classifier.{end}")


def _set(*settings: str) -> tuple[str, ...]:
    return tuple(word for setting in settings for word in ("--set", setting))


PAPER = _set("size=64", "width=4", "discriminator.width=4", "discriminator.layers=1", "loss.triplet_weight=0",
             "optimiser.steps=1", "optimiser.batch=2")  # fmt: skip
CLASSIFIER = _set("size=32", "widths=[4,8,16]", "blocks=[1,1,1]", "steps=2", "batch=8", "warmup=1")

MADE = (
    Made(r"mien (video|animate) ", clip),
    Made(r"mien edit .* --c2pa-", clip),
    Made(r"mien edit .* --model generator.onnx", exported),
    Made(r"mien stimuli .* --match-luminance(?! --embedder)", photos),
    Made(r"mien rig ", rig),
    Made(r"mien export runs/base ", runs),
    Made(r"python -m mien.training.baselines.export ", runs),
    Made(r"mien data (check|prepare) (?!open|NAME)", database),
    Made(r"mien train .*uc_gan(_kdef|_rafd|_oulu)?.toml (?!--shared)", prepared, PAPER),
    Made(r"mien classifier train ", prepared, CLASSIFIER),
    Made(r"mien classifier measure ", classified),
    Made(r"mien augment ", prepared),
    Made(r"mien evaluate (?!.*--judge)", judged),
)
