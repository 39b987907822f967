"""Measure the shipped weights on the val people: edits, locality, speed, outside judges -> docs/results/edits.{md,json}.

    python bench/measure.py --shared ../shared --work /tmp/mien-measure

Methods, all from the same photos: `mien` (the shipped generator), `mien from a smile` (the same from the smiling photo),
`rig` (the classical baseline). Pictures and contact sheets stay in --work. Takes about ten minutes on two cores.
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

from mien import Editor
from mien.expression import NAMES, PROTOTYPES, parse
from mien.face import Face

HERE = Path(__file__).resolve().parent
SIX = [name for name in NAMES if name != "neutral"]


def val_people(london: Path) -> list[str]:
    with (london / "people.csv").open(newline="") as file:
        return [row["id"] for row in csv.DictReader(file) if row["split"] == "val"]


def outside_identical(before: np.ndarray, after: np.ndarray, box: tuple[float, ...]) -> float:
    """Share of the pixels outside the face's box, grown by a fifth on every side, that are bit-identical."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    outside = np.ones(before.shape[:2], bool)
    left, top = max(0, int(x0 - 0.2 * w)), max(0, int(y0 - 0.2 * h))
    outside[top : int(np.ceil(y1 + 0.2 * h)), left : int(np.ceil(x1 + 0.2 * w))] = False
    return float((before == after).all(axis=2)[outside].mean())


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
            shares.append(outside_identical(before, after, face.box))
            tiles.append(after)
        rows.append(np.hstack([cv2.resize(t[100:-100, 100:-100], (300, 300), interpolation=cv2.INTER_AREA) for t in tiles]))
    for k in range(0, len(rows), 4):
        cv2.imwrite(str(folder.parent / f"{folder.name}-sheet-{k // 4 + 1}.png"), np.vstack(rows[k : k + 4])[..., ::-1])
    return shares, rows


def judged(pictures: Path, london: Path, references: Path, out: Path) -> dict:
    """The figures of bench/judges for a folder of pictures."""
    command = [str(HERE / "judges" / "run.sh"), str(pictures), str(references), "--london", str(london), "--json", str(out)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHON": sys.executable}, stdout=subprocess.DEVNULL)
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

    from mien.rig.photo import PhotoRig

    laid: dict[Path, tuple[PhotoRig, Face, np.ndarray]] = {}

    def by_rig(path: Path, name: str) -> tuple[np.ndarray, Face]:
        if path not in laid:
            laid.clear()
            rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
            face = editor.faces(path)[0]
            laid[path] = (PhotoRig(assets, rgb, face), face, rgb)
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
        figures: dict = {"identical_outside_mean": float(np.mean(shares)), "identical_outside_worst": float(np.min(shares))}
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


def page(result: dict) -> str:
    """The figures as Markdown."""
    methods = result["methods"]

    def percent(one: dict) -> str:
        return f"{one['share']:.0%} [{one['low']:.0%}, {one['high']:.0%}]"

    lines = [
        "# Edits of people nobody trained on",
        "",
        f"{result['people']} `val` people of the London set, six expressions each, weights `{result['weights_sha256'][:12]}`.",
        "Judged by outside networks (see `bench/judges/README.md`), which the prototypes were tuned with on these same",
        "people: so read the expression figures as a development measure. Intervals: 95% bootstrap over people. Made by",
        "",
        f"    {result['command']}",
        "",
        "| called right by face-api | " + " | ".join(methods) + " |",
        "| --- |" + " --- |" * len(methods),
    ]
    expressions = {title: m["judges"]["expression"] for title, m in methods.items()}
    lines.append("| all six | " + " | ".join(percent(e["overall"]) for e in expressions.values()) + " |")
    for name in next(iter(expressions.values()))["per_class"]:
        lines.append(f"| {name} | " + " | ".join(percent(e["per_class"][name]) for e in expressions.values()) + " |")
    real = methods["mien"]["judges"]["real"]
    lines += ["", "The same classifier on real photographs of the same people: "]
    lines[-1] += ", ".join(f"{name} {percent(one)}" for name, one in real["per_class"].items()) + "."
    lines += ["", "| identity: accepted as the person of the neutral photo | " + " | ".join(methods) + " | real smiles |"]
    lines.append("| --- |" + " --- |" * (len(methods) + 1))
    for judge in ("face-api", "dlib", "faceres"):
        for rate in ("1.0%", "0.1%"):
            cells = [percent(m["judges"]["identity"][judge]["pictures"]["all"][rate]) for m in methods.values()]
            cells.append(percent(methods["mien"]["judges"]["identity"][judge]["real_smiles"]["all"][rate]))
            lines.append(f"| {judge}, {rate} false accepts | " + " | ".join(cells) + " |")
        cells = [f"{m['judges']['identity'][judge]['pictures']['mean_distance']:.3f}" for m in methods.values()]
        cells.append(f"{methods['mien']['judges']['identity'][judge]['real_smiles']['mean_distance']:.3f}")
        lines.append(f"| {judge}, mean distance | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| pixels outside the face's box, grown by a fifth, that are bit-identical | " + " | ".join(methods) + " |",
        "| --- |" + " --- |" * len(methods),
        "| mean | " + " | ".join(f"{m['identical_outside_mean']:.3%}" for m in methods.values()) + " |",
        "| worst picture | " + " | ".join(f"{m['identical_outside_worst']:.3%}" for m in methods.values()) + " |",
        "",
        f"Strength 0 returns the input exactly: {'yes' if result['strength_0_exact'] else 'NO'}.",
        "",
        f"`mien edit` of a 1350x1350 photo as a whole process: {result['speed']['process_s']:.2f} s; a further edit in one "
        f"`Editor`: {result['speed']['further_edit_s']:.2f} s (medians, two cores).",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
