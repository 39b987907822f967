"""The ablations of the paper's system on the val people -> docs/results/uc_gan.{md,json} and docs/pictures/uc_gan.jpg.

    python bench/uc_gan.py --shared ../shared --runs runs --work /tmp/mien-uc-gan

--runs holds the folders of `mien train configs/uc_gan.toml`: NAME_SEED, such as base_1 (see configs/uc_gan.toml). All
methods get the same neutral crops of 128 px and are judged on crops of 128 px, so are the thresholds; beside the runs
stand the input itself, the rig that taught them, and mien's default generator. Resumable: what is judged stays judged.
--weights NAME=FILE adds weights in use, such as uc-gan=weights/uc-gan.onnx. --keep lets rows of the last page stand
whose runs are not in --runs any more: weights that ship are measured long after the runs that led to them are gone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from measure import SIX, val_people
from torchmetrics.functional.image import structural_similarity_index_measure
from uc_gan_page import page, picture

from mien import Editor
from mien.expression import parse
from mien.rig.facekit import FaceKit
from mien.rig.photo import PhotoRig
from mien.training.paper.faces import photo_crop
from mien.training.paper.learner import load_generator, read_run, run_config

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "judges"))
from judged import DETECTED, Judgement, judge  # noqa: E402
from score import ALIASES, thresholds  # noqa: E402

SIZE = 128
SHOWN = 384
"""The judges' detectors want larger faces than 128 px; all crops are enlarged alike, and nothing is gained by it."""
ORDER = ("base", "pairs", "triplet", "both", "noskip")
LEAST = 0.05
DRAWS = 5000
RATES = {"1%": "1.0%", "0.1%": "0.1%"}

Maker = Callable[[str, str], np.ndarray]
"""person, name of an expression -> (128, 128, 3) uint8."""


class Photos:
    """The London photographs at 128 px: neutral and smiling crops of everybody, each aligned by its own landmarks."""

    def __init__(self, london: Path, work: Path) -> None:
        self.london, self.editor = london, Editor()
        self.people = val_people(london)
        self.paths: dict[str, dict[str, Path]] = {"neutral": {}, "smiling": {}}
        for kind, found in self.paths.items():
            (work / "real" / kind).mkdir(parents=True, exist_ok=True)
            for photo in sorted((london / kind).glob("*.jpg")):
                found[photo.stem] = work / "real" / kind / f"{photo.stem}.png"
                if not found[photo.stem].exists():
                    save(found[photo.stem], self.crop(photo, read(photo)))

    def crop(self, photo: Path, pixels: np.ndarray) -> np.ndarray:
        """`pixels` (a photo or an edit of it) in the frame of the photo's face."""
        landmarks = self.editor.faces(photo)[0].landmarks
        return photo_crop(pixels, photo, lambda _: landmarks, SIZE)

    def small(self, kind: str, person: str) -> np.ndarray:
        """(128, 128, 3) uint8."""
        return read(small(self.paths[kind][person]))


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def small(path: Path) -> Path:
    """The crop as it is, of an enlarged one."""
    return path.parent / "small" / path.name


def save(path: Path, crop: np.ndarray) -> None:
    small(path).parent.mkdir(exist_ok=True)
    cv2.imwrite(str(small(path)), crop[..., ::-1])
    enlarged = cv2.resize(crop, (SHOWN, SHOWN), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), enlarged[..., ::-1])


def by_run(folder: Path, photos: Photos) -> Maker:
    """The averaged generator of a run."""
    net, names = load_generator(folder), run_config(folder).categories

    def make(person: str, name: str) -> np.ndarray:
        crop = torch.from_numpy(photos.small("neutral", person).transpose(2, 0, 1)[None].copy()).float() / 255
        category = torch.eye(len(names))[[names.index(name)]]
        with torch.no_grad():
            made = net(crop, category)[0].clamp(0, 1).permute(1, 2, 0).numpy()
        return np.round(made * 255).astype(np.uint8)

    return make


def by_default(photos: Photos, weights: Path | None = None) -> Maker:
    """The default generator at the photo's own resolution, with these weights or the shipped ones."""
    editor = Editor(weights)

    def make(person: str, name: str) -> np.ndarray:
        path = photos.london / "neutral" / f"{person}.jpg"
        return photos.crop(path, editor.edit(path, name).image)

    return make


def by_rig(photos: Photos, assets: Path) -> Maker:
    kit, laid = FaceKit.load(assets), {}

    def make(person: str, name: str) -> np.ndarray:
        path = photos.london / "neutral" / f"{person}.jpg"
        if person not in laid:
            laid.clear()
            laid[person] = PhotoRig(kit, read(path), photos.editor.faces(path)[0])
        return photos.crop(path, laid[person].edit(read(path), parse(name).weights))

    return make


def pictures(folder: Path, stamp: str, photos: Photos, make: Maker) -> dict[tuple[str, str], Path]:
    """<person>_<name>.png of the val people, made anew where `stamp` (of the weights) is another."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "made-by.txt"
    fresh = not note.exists() or note.read_text() != stamp
    found = {(p, name): folder / f"{p}_{name}.png" for p in photos.people for name in SIX}
    for (person, name), path in found.items():
        if fresh or not path.exists():
            save(path, make(person, name))
    note.write_text(stamp)
    return found


def figures(made: dict[tuple[str, str], Path], photos: Photos, judged: dict[Path, Judgement], limits: dict) -> dict:
    """Per person: what is measured of each picture, averaged; detection failures count as failures."""
    faceres = limits["faceres"]
    found = {p: judged[path].descriptors.get("faceres") for p, path in photos.paths["neutral"].items()}
    gallery = {p: descriptor for p, descriptor in found.items() if descriptor is not None}
    each: dict[str, dict[str, list[float]]] = {}
    for (person, name), path in made.items():
        one, row = judged[path], each.setdefault(person, {})

        def add(key: str, value: float, row: dict[str, list[float]] = row) -> None:
            row.setdefault(key, []).append(float(value))

        wanted = ALIASES.get(name, name)
        add("expression", one.called == wanted)
        add(f"expression/{name}", one.called == wanted)
        add("detected", one.score >= DETECTED)
        seen = one.descriptors.get("faceres")
        near = {p: np.linalg.norm(seen - d) for p, d in gallery.items()} if seen is not None else {}
        for rate, key in RATES.items():
            add(f"verified {rate}", bool(near) and near.get(person, np.inf) < faceres["all"][key])
        add("first of all", bool(near) and min(near, key=lambda p: near[p]) == person)
        if person in near:
            add("ACD", near[person])
        if name == "happy":
            real = photos.small("smiling", person)
            crop = read(small(path))
            add("L1", np.abs(crop.astype(float) - real).mean() / 255)
            add("SSIM", ssim(crop, real))
    return {person: {key: float(np.mean(values)) for key, values in row.items()} for person, row in each.items()}


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, of two (H, W, 3) uint8 pictures."""
    both = [torch.from_numpy(x.transpose(2, 0, 1)[None].copy()).float() / 255 for x in (a, b)]
    return float(structural_similarity_index_measure(*both, data_range=1.0))


def summed(per_person: list[dict]) -> dict:
    """Mean over people (and seeds) and its 95% bootstrap interval over people."""
    people = sorted(per_person[0])
    out = {}
    for key in per_person[0][people[0]]:
        table = np.array([[seed[p].get(key, np.nan) for p in people] for seed in per_person])
        values = np.nanmean(table, axis=0)
        lots = np.random.default_rng(0).integers(0, len(people), (DRAWS, len(people)))
        low, high = np.nanpercentile(np.nanmean(values[lots], axis=1), [2.5, 97.5])
        out[key] = {
            "value": float(np.nanmean(values)),
            "low": float(low),
            "high": float(high),
            "seeds": [float(v) for v in np.nanmean(table, axis=1)],
        }
    return out


def compared(a: list[dict], b: list[dict]) -> dict:
    """b minus a, person by person over the seeds that both have: mean and 95% bootstrap interval over people."""
    count = min(len(a), len(b))
    people = sorted(a[0])
    difference = [
        {p: {key: b[s][p][key] - a[s][p][key] for key in a[s][p] if key in b[s][p]} for p in people}
        for s in range(count)
    ]
    return {key: {k: v for k, v in one.items() if k != "seeds"} for key, one in summed(difference).items()}


def titled(folder: Path) -> tuple[str, str]:
    name, _, seed = folder.name.rpartition("_")
    return name, seed


def contrasts(people: dict, runs: dict) -> list[tuple[str, str]]:
    """What is compared with what: each ablation with the base, variants with the whole, other defaults with ours."""
    pairs = [
        ("base", "pairs"),
        ("base", "triplet"),
        ("triplet", "both"),
        ("pairs", "both"),
        ("base", "both"),
        ("both", "noskip"),
    ]
    known = {*ORDER, "input", "rig", "default", "real smiles"}
    pairs += [("default" if "default" in runs.get(name, {}) else "both", name) for name in people if name not in known]
    return [(a, b) for a, b in pairs if a in people and b in people]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", required=True, type=Path)
    parser.add_argument("--runs", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--results", type=Path, default=HERE.parent / "docs")
    parser.add_argument(
        "--weights", nargs="*", default=[], metavar="NAME=FILE", help="weights in use (.onnx) beside the default's"
    )
    parser.add_argument("--keep", action="store_true", help="rows of the last page whose runs are gone stay")
    parser.add_argument("--only", nargs="*", help="names of runs, such as base_1; nothing is written to --results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    photos = Photos(arguments.shared / "data" / "london", arguments.work)
    folders = sorted(path.parent for path in arguments.runs.glob("*_[0-9]*/checkpoint.safetensors"))
    if arguments.only:
        folders = [f for f in folders if f.name in arguments.only]
    methods: dict[str, dict[str, dict[tuple[str, str], Path]]] = {}
    runs: dict[str, dict] = {}
    here = arguments.work
    for title, maker in (
        ("input", lambda: lambda person, name: photos.small("neutral", person)),
        ("rig", lambda: by_rig(photos, arguments.shared / "assets")),
        ("default", lambda: by_default(photos)),
    ):
        stamp = photos.editor.generator.sha256 if title == "default" else title
        methods[title] = {"": pictures(here / title, stamp, photos, maker())}
    for name, _, file in (text.partition("=") for text in arguments.weights):
        stamp = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        methods[name] = {"": pictures(here / name, stamp, photos, by_default(photos, Path(file)))}
        runs[name] = {"sha256": stamp, "default": True}
    for folder in folders:
        loaded = read_run(folder)
        assert loaded is not None
        stamp = hashlib.sha256((folder / "checkpoint.safetensors").read_bytes()).hexdigest()
        name, seed = titled(folder)
        made = pictures(here / folder.name, stamp, photos, by_run(folder, photos))
        methods.setdefault(name, {})[seed] = made
        runs[folder.name] = {"sha256": stamp, "step": loaded[1]["step"], "config": loaded[1]["config"]}

    # run.sh fetches the judges; here it only has to see one folder
    first = next(iter(methods.values()))[""]
    command = [HERE / "judges" / "run.sh", next(iter(first.values())).parent, photos.london / "neutral"]
    command += ["--london", photos.london, "--json", here / "input.json"]
    subprocess.run([str(c) for c in command], check=True, env={**os.environ, "PYTHON": sys.executable}, stdout=2)
    real = [path for found in photos.paths.values() for path in found.values()]
    shown = [path for seeds in methods.values() for made in seeds.values() for path in made.values()]
    # dlib's network is what the loss saw; where the face is, is known, so it is judged even where it is hard to detect
    judged = judge(list(dict.fromkeys(real + shown)), SHOWN, with_dlib=False, least=LEAST)
    limits = {"faceres": thresholds(photos.paths, judged, "faceres", photos.london)}
    people = {name: [figures(made, photos, judged, limits) for made in seeds.values()]
              for name, seeds in methods.items()}  # fmt: skip
    smiles = {(p, "happy"): photos.paths["smiling"][p] for p in photos.people}
    people["real smiles"] = [figures(smiles, photos, judged, limits)]
    last = arguments.results / "results" / "uc_gan.json"
    kept = {}
    if arguments.keep:
        earlier = json.loads(last.read_text())
        assert np.isclose(earlier["threshold"]["1.0%"], limits["faceres"]["all"]["1.0%"], atol=1e-3), "other judges"
        kept = {name: seeds for name, seeds in earlier["per_person"].items() if name not in people}
        mine = {name: run for name, run in earlier["runs"].items() if {name, titled(Path(name))[0]} & kept.keys()}
        people, runs = kept | people, mine | runs
    result = {
        "kept": sorted(kept),
        "command": shlex.join(["python", "bench/uc_gan.py", *sys.argv[1:]]),
        "people": len(photos.people),
        "threshold": limits["faceres"]["all"],
        "impostor_mean": limits["faceres"]["impostor_mean"],
        "default_sha256": photos.editor.generator.sha256,
        "methods": {name: summed(seeds) for name, seeds in people.items()},
        "differences": {f"{b} - {a}": compared(people[a], people[b]) for a, b in contrasts(people, runs)},
        "runs": runs,
        "per_person": people,
    }  # fmt: skip
    text = page(result)
    if arguments.only is not None:
        print(text)
        return
    (arguments.results / "results").mkdir(parents=True, exist_ok=True)
    last.write_text(json.dumps(result, indent=1) + "\n")
    (arguments.results / "results" / "uc_gan.md").write_text(text)
    picture(arguments.results / "pictures" / ("uc_gan_now.jpg" if kept else "uc_gan.jpg"), methods)


if __name__ == "__main__":
    main()
