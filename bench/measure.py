"""Measure the shipped weights on the val people -> docs/results/edits.{md,json} and the manifest.

    python bench/measure.py --shared ../shared --work /tmp/mien-measure

Methods: `mien` (the shipped generator, from neutral photos), `mien from a smile` (from the same people's smiling
photos), `rig` (the classical baseline). Pictures and contact sheets stay in --work. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from measure_page import page

from mien import Editor
from mien.evaluation.metrics.control import outside_identical
from mien.expression import NAMES, PROTOTYPES, parse
from mien.face import Face

HERE = Path(__file__).resolve().parent
SIX = [name for name in NAMES if name != "neutral"]


def val_people(london: Path) -> list[str]:
    with (london / "people.csv").open(newline="") as file:
        return [row["id"] for row in csv.DictReader(file) if row["split"] == "val"]


def make_pictures(
    folder: Path, photos: dict[str, Path], edit: Callable[[Path, str], tuple[np.ndarray, Face]]
) -> tuple[list[float], list[np.ndarray]]:
    """Write <person>_<name>.png for the six names; (identical shares, one contact row a person)."""
    folder.mkdir(parents=True, exist_ok=True)
    shares, rows = [], []
    for person, path in photos.items():
        before = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        tiles = [before]
        for name in SIX:
            after, face = edit(path, name)
            cv2.imwrite(str(folder / f"{person}_{name}.png"), after[..., ::-1])
            share = outside_identical(before, after, face.box)
            assert share is not None  # photographs reach beyond the face
            shares.append(share)
            tiles.append(after)
        small = [cv2.resize(t[100:-100, 100:-100], (300, 300), interpolation=cv2.INTER_AREA) for t in tiles]
        rows.append(np.hstack(small))
    for k in range(0, len(rows), 4):
        cv2.imwrite(str(folder.parent / f"{folder.name}-sheet-{k // 4 + 1}.png"), np.vstack(rows[k : k + 4])[..., ::-1])
    return shares, rows


def judged(pictures: Path, london: Path, references: Path, out: Path) -> dict:
    """The figures of bench/judges for a folder of pictures."""
    command = [HERE / "judges" / "run.sh", pictures, references, "--london", london, "--json", out]
    subprocess.run(
        [str(part) for part in command],
        check=True,
        env={**os.environ, "PYTHON": sys.executable},
        stdout=subprocess.DEVNULL,
    )
    return json.loads(out.read_text())


def speed(photo: Path, work: Path) -> dict[str, float]:
    """Median seconds of a whole `mien edit` process, and of a further edit in one Editor."""
    whole = []
    for _ in range(3):
        start = time.perf_counter()
        command = [sys.executable, "-m", "mien", "edit", str(photo), "-e", "happy", "-o", str(work / "speed.png")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        whole.append(time.perf_counter() - start)
    editor = Editor()
    editor.edit(photo, "happy")
    further = []
    for name in (*SIX, *SIX):
        start = time.perf_counter()
        editor.edit(photo, name)
        further.append(time.perf_counter() - start)
    return {"process_s": statistics.median(whole), "further_edit_s": statistics.median(further)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--results", type=Path, default=HERE.parent / "docs" / "results")
    parser.add_argument("--no-judges", action="store_true")
    arguments = parser.parse_args()
    london, assets = arguments.shared / "data" / "london", arguments.shared / "assets"
    people = val_people(london)
    editor = Editor()

    def by_mien(path: Path, name: str) -> tuple[np.ndarray, Face]:
        edited = editor.edit(path, name)
        return edited.image, edited.faces[0]

    from mien.rig.facekit import FaceKit
    from mien.rig.photo import PhotoRig

    kit = FaceKit.load(assets)
    laid: dict[Path, tuple[PhotoRig, Face, np.ndarray]] = {}

    def by_rig(path: Path, name: str) -> tuple[np.ndarray, Face]:
        if path not in laid:
            laid.clear()
            rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
            face = editor.faces(path)[0]
            laid[path] = (PhotoRig(kit, rgb, face), face, rgb)
        rig, face, rgb = laid[path]
        return rig.edit(rgb, parse(name).weights), face

    neutral = {p: london / "neutral" / f"{p}.jpg" for p in people}
    smiling = {p: london / "smiling" / f"{p}.jpg" for p in people}
    methods = {
        "mien": (neutral, by_mien),
        "mien from a smile": (smiling, by_mien),
        "rig": (neutral, by_rig),
    }
    result: dict = {
        "command": "python bench/measure.py --shared ../shared --work /tmp/mien-measure",
        "weights_sha256": editor.generator.sha256,
        "prototypes_sha256": hashlib.sha256(json.dumps(PROTOTYPES, sort_keys=True, default=dict).encode()).hexdigest(),
        "people": len(people),
        "methods": {},
    }
    first = next(iter(neutral.values()))
    unchanged = editor.edit(first, "happy", strength=0).image
    result["strength_0_exact"] = bool((unchanged == cv2.imread(str(first))[..., ::-1]).all())
    for title, (photos, edit) in methods.items():
        folder = arguments.work / title.replace(" ", "-")
        shares, _ = make_pictures(folder, photos, edit)
        figures: dict = {"outside_mean": float(np.mean(shares)), "outside_worst": float(np.min(shares))}
        if not arguments.no_judges:
            figures["judges"] = judged(folder, london, london / "neutral", arguments.work / f"{folder.name}.json")
        result["methods"][title] = figures
        print(title, f"identical outside: worst {min(shares):.5f}", flush=True)
    result["speed"] = speed(first, arguments.work)
    if arguments.no_judges:
        print(json.dumps(result, indent=1))
        return
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "edits.json").write_text(json.dumps(result, indent=1) + "\n")
    (arguments.results / "edits.md").write_text(page(result))
    manifest = editor.generator.path.with_suffix(".json")
    content = json.loads(manifest.read_text())
    content["figures"] = {"command": result["command"], "val": summary(result)}
    manifest.write_text(json.dumps(content, indent=1) + "\n")


def summary(result: dict) -> dict:
    """What the weights' manifest says of itself: shares and seconds on the val people."""
    mien = result["methods"]["mien"]
    expression, identity = mien["judges"]["expression"], mien["judges"]["identity"]
    return {
        "expression_right": round(expression["overall"]["share"], 3),
        **{f"{name}_right": round(one["share"], 3) for name, one in expression["per_class"].items()},
        **{
            f"same_person_{name}_far1": round(one["pictures"]["all"]["1.0%"]["share"], 3)
            for name, one in identity.items()
        },
        "identical_outside_worst": round(mien["outside_worst"], 5),
        **{name: round(value, 2) for name, value in result["speed"].items()},
    }


if __name__ == "__main__":
    main()
