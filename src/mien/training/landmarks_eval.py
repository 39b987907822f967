"""Measure detection, landmarks and alignment: `python -m mien.training.landmarks_eval --shared DIR --assets DIR`.

On the 14 `val` people, whom no training saw: their photographs, changed photographs (`landmarks_changes`) and rig
renders with expressions and turned heads. The whole path from the detector on is measured. `--report FILE` writes the
tables as Markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mien.data.rigs import neutral_rigs
from mien.errors import MienError
from mien.expression import ALL_NAMES, SHAPES
from mien.face.align import apply, crop_transform
from mien.face.detect import detect
from mien.face.landmarks import COARSE, FINE, coarse, fuse, refine
from mien.rig.emotions import prototype
from mien.rig.facekit import FaceKit
from mien.training.landmarks_changes import CHANGES
from mien.training.landmarks_data import Person, people, photos
from mien.training.landmarks_manifest import FIVE, OURS, record
from mien.training.landmarks_renders import posed

GROUPS = {
    "brows": slice(17, 27),
    "eyes": slice(36, 48),
    "nose": slice(27, 36),
    "mouth": slice(48, 68),
    "jaw": slice(0, 17),
    "all": slice(0, 68),
}

POSES = [(y, 0) for y in (-25, -20, -10, 10, 20, 25)] + [(0, p) for p in (-15, 15)]


@dataclass
class Score:
    """What was measured under one condition, one row a face found."""

    faces: int = 0
    errors: list[np.ndarray] = field(default_factory=list)  # (68,) % of the distance between the outer eye corners
    aligned: dict[str, list[float]] = field(default_factory=dict)  # way of aligning -> px of the crop

    def add(self, rgb: np.ndarray, truth: np.ndarray) -> None:
        """Find the face in `rgb` and compare with its true landmarks (68, 2) px."""
        self.faces += 1
        middle = truth.mean(axis=0)
        boxes = [b for b in detect(rgb) if b[0] < middle[0] < b[2] and b[1] < middle[1] < b[3]]
        if not boxes:
            return
        rough = coarse(rgb, boxes[0])
        fine = refine(rgb, rough)
        both = fuse(fine, rough)
        self.errors.append(100 * np.linalg.norm(both - truth, axis=1) / np.linalg.norm(truth[45] - truth[36]))
        for name, transform in (("five", rough), ("ours", crop_transform(fine)), ("both", crop_transform(both))):
            self.aligned.setdefault(name, []).append(displacement(transform, truth))

    def error(self, group: str) -> float:
        """Mean error of a group of landmarks, % of the inter-ocular distance."""
        return float(np.mean([e[GROUPS[group]].mean() for e in self.errors])) if self.errors else float("nan")


def displacement(transform: np.ndarray, truth: np.ndarray) -> float:
    """How far off a crop is: the mean distance in crop px over the face's 68 true landmarks, against the true crop."""
    return float(np.linalg.norm(apply(transform, truth) - apply(crop_transform(truth), truth), axis=1).mean())


def conditions(shared: Path, assets: Path) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """(table, condition, photo (H, W, 3) uint8, true landmarks (68, 2) in its px) of everything that is measured."""
    for _, rgb, points in photos(shared, "val"):
        yield "photographs", "neutral, 14 people", rgb, points
    faces = people(shared, "val")
    for name, change in CHANGES.items():
        for number, face in enumerate(faces):
            changed = change(face, np.random.default_rng(number))
            yield "changes", name, changed.image, changed.points
    for name, rig in neutral_rigs(FaceKit.load(assets), shared, "val").items():
        for expression in ALL_NAMES[1:]:
            render: Person = posed(name, rig, prototype(expression))
            yield "renders", expression, render.image, render.points
        for yaw, pitch in POSES:
            render = posed(name, rig, np.zeros(len(SHAPES)), yaw, pitch)
            label = (
                f"turned {abs(yaw)} degrees" if yaw else f"{'raised' if pitch < 0 else 'lowered'} {abs(pitch)} degrees"
            )
            yield "renders", label, render.image, render.points


def measure(shared: Path, assets: Path) -> dict[str, dict[str, Score]]:
    """Table -> condition -> score."""
    tables: dict[str, dict[str, Score]] = {}
    for table, condition, rgb, truth in conditions(shared, assets):
        tables.setdefault(table, {}).setdefault(condition, Score()).add(rgb, truth)
    return tables


def rows(scores: dict[str, Score]) -> Iterator[list[str]]:
    """The table's header, then one row a condition."""
    yield ["condition", "found", *GROUPS, "5-point alone", "68 alone", "both", "worst"]
    for name, score in scores.items():
        shifts = [f"{np.mean(score.aligned[way]):.2f}" for way in ("five", "ours", "both")]
        errors = [f"{score.error(group):.2f}" for group in GROUPS]
        yield [name, f"{len(score.errors)}/{score.faces}", *errors, *shifts, f"{max(score.aligned['both']):.1f}"]


def report(tables: dict[str, dict[str, Score]], command: str) -> str:
    """The tables as Markdown."""
    lines = [
        "# Landmarks and alignment",
        "",
        f"Written by `{command}`.",
        "",
        "Errors are mean distances in % of the distance between the outer eye corners. Alignment is the mean distance,",
        "in px of the 256 px crop, between where the found and the true crop transform put the 68 true landmarks; for",
        "dlib's five points alone, for our 68 alone, and for both as shipped, with the worst face of these. The `val`",
        "people were in no training, and the changes are drawn by other code than the training's.",
    ]
    titles = {
        "photographs": "Photographs with human-placed landmarks",
        "changes": "The 14 `val` people, changed",
        "renders": "Rig renders of the 14 `val` people: expressions, and neutral faces turned",
    }
    for table, scores in tables.items():
        found = list(rows(scores))
        lines += ["", f"## {titles[table]}", "", "| " + " | ".join(found[0]) + " |", "|" + " --- |" * len(found[0])]
        lines += ["| " + " | ".join(row) + " |" for row in found[1:]]
    return "\n".join(lines) + "\n"


def figures(tables: dict[str, dict[str, Score]], way: str) -> dict[str, object]:
    """The short of it for the manifest: of the shipped path ("both"), or of the alignment by five points ("five")."""
    short: dict[str, object] = {}
    if way == "both":
        neutral = tables["photographs"]["neutral, 14 people"]
        short["error on 14 unseen people, % of inter-ocular distance"] = {g: round(neutral.error(g), 2) for g in GROUPS}
    for table, scores in tables.items():
        mean = np.mean([np.mean(score.aligned[way]) for score in scores.values()])
        short[f"alignment error, {table}, crop px"] = round(float(mean), 2)
    return short


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="mien.training.landmarks_eval", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/london")
    parser.add_argument("--assets", type=Path, required=True, help="folder with ict-facekit.npz")
    parser.add_argument("--report", type=Path, help="Markdown file to write")
    parser.add_argument(
        "--weights", type=Path, help="folder of the predictors, to write their figures into its manifest"
    )
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        tables = measure(chosen.shared, chosen.assets)
    except (MienError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    text = report(tables, "python -m mien.training.landmarks_eval --shared DIR --assets DIR --report FILE")
    print(text)
    if chosen.report:
        chosen.report.write_text(text)
    if chosen.weights:
        ours, five = chosen.weights / FINE, chosen.weights / COARSE
        recipe = json.loads((chosen.weights / "landmarks.json").read_text())[FINE].get("recipe")
        record(ours, {**OURS, "recipe": recipe, "figures": figures(tables, "both")})
        record(five, {**FIVE, "figures": figures(tables, "five")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
