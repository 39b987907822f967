"""Do our faces help a classifier? The same on real and on real + generated -> docs/results/usefulness.{md,json}.

    mien data prepare open --from ../shared prepared/open
    python bench/usefulness.py --data prepared/open --work /tmp/mien-usefulness

Equal steps, equal batches, the same first weights: half of each batch is generated instead of real, that is all. Of
nobody who is measured a photograph or a generated face is learnt from. With a k-fold split each fold is kept out once.
--people 4,16,0 also asks how it is with few people to train on (0: all). Resumable: runs that are done are kept in
--work.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from usefulness_page import page

from mien import Editor, __version__
from mien.augment.make import KEPT, Options, augment
from mien.data.labelled import Row, identities, of_parts, read_rows
from mien.data.manifest import MANIFEST, read_dataset
from mien.data.prepared import read_crops
from mien.errors import MienError
from mien.evaluation.metrics.bootstrap import compared, estimate
from mien.expression import ALL_NAMES
from mien.models.resnet import scores
from mien.training.classifier.batches import normalised
from mien.training.classifier.config import ClassifierConfig
from mien.training.classifier.learner import Learner, train
from mien.training.classifier.pictures import Pictures, fingerprint, read_pictures
from mien.training.progress import bar

ARMS = ("real", "real + generated")
PUBLISHED = Path(__file__).resolve().parents[1] / "docs" / "results" / "usefulness"

Right = dict[str, dict[str, float]]
"""Label -> person -> share of their pictures of it that were called right."""


def rounds(told: dict, rows: Sequence[Row], most: int) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(parts to train on, parts to measure on): the prepared split, or each of `most` folds (0: all) kept out once."""
    parts = sorted(told["counts"]["by_split"])
    if "train" in parts:
        held = tuple(part for part in parts if part != "train")
        return [(("train",), ("val",) if "val" in held else held)]
    folds = parts[: most or None]
    return [(tuple(part for part in parts if part != fold), (fold,)) for fold in folds]


def common_labels(told: dict, rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Expressions that people to train on and people to measure on both show, and that the weights make."""
    shown = [{row.expression for row in of_parts(rows, parts)} for pair in rounds(told, rows, 0) for parts in pair]
    return [name for name in ALL_NAMES if name in names and all(name in there for there in shown)]


def generated(folder: Path, labels: Sequence[str], size: int) -> Pictures:
    """What `mien augment` made, as pictures to learn from."""
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if not line["error"]]
    return Pictures(
        read_crops(folder, [line["file"] for line in lines], size),
        np.array([labels.index(line["expression"]) for line in lines], np.int64),
        np.array([line["identity"] for line in lines], str),
    )


def of_people(pictures: Pictures, people: Sequence[str]) -> Pictures:
    chosen = np.isin(pictures.people, list(people))
    return Pictures(*(values[chosen] for values in pictures))


def drawn(real: Pictures, labels: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` of the people who show every label, as the seed draws them; 0: everybody."""
    everybody = sorted(set(real.people.tolist()))
    if not count:
        return everybody
    full = [who for who in everybody if len(set(real.labels[real.people == who].tolist())) == len(labels)]
    if len(full) < count:
        raise MienError(f"--people {count}: only {len(full)} people to train on show {', '.join(labels)}")
    return sorted(np.random.default_rng((seed, count)).permutation(full)[:count].tolist())


def run(
    config: ClassifierConfig, labels: Sequence[str], real: Pictures, made: Pictures | None, held: Pictures
) -> Right:
    """Train one classifier and say what it calls right."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    torch.set_num_threads(1)
    network = train(Learner(config, real, labels, made), fabric)
    photos = torch.from_numpy(held.images.transpose(0, 3, 1, 2).copy()).float() / 255
    said = torch.cat([scores(network, normalised(part)).argmax(1) for part in photos.split(64)]).numpy()
    right: Right = {}
    for number, label in enumerate(labels):
        for who in sorted(set(held.people[held.labels == number].tolist())):
            mine = (held.labels == number) & (held.people == who)
            right.setdefault(label, {})[who] = float((said[mine] == number).mean())
    return right


def summary(runs: list[dict[str, Right]], labels: Sequence[str]) -> dict:
    """Seeds averaged for each person, then means over people, arm by arm, and their difference person by person.

    `runs`: one for each seed (folds merged), arm -> label -> person -> share right.
    """

    def means(arm: str, wanted: Sequence[str]) -> dict[str, float]:
        people: dict[str, list[float]] = {}
        for one in runs:
            for label in wanted:
                for who, value in one[arm].get(label, {}).items():
                    people.setdefault(who, []).append(value)
        return {who: float(np.mean(values)) for who, values in people.items()}

    out = {}
    for name, wanted in [("all", list(labels)), *((label, [label]) for label in labels)]:
        arms = {arm: means(arm, wanted) for arm in ARMS}
        found = {arm: estimate({who: [value] for who, value in values.items()}) for arm, values in arms.items()}
        found["difference"] = compared(arms[ARMS[0]], arms[ARMS[1]])
        out[name] = {
            key: {"value": one.value, "low": one.low, "high": one.high, "people": len(one.people)}
            for key, one in found.items()
        }
    out["seeds"] = {
        arm: [float(np.mean([v for label in labels for v in one[arm].get(label, {}).values()])) for one in runs]
        for arm in ARMS
    }
    return out


class Kept:
    """Runs that are done, in a file: a run is what it learns from, what it is measured on, and how."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, Right] = json.loads(path.read_text()) if path.is_file() else {}

    def get(self, about: list, make: Callable[[], Right]) -> Right:
        key = hashlib.sha256(json.dumps([__version__, *about]).encode()).hexdigest()
        if key not in self.done:
            self.done[key] = make()
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps(self.done))
            part.replace(self.path)
        return self.done[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of 'mien data prepare'")
    parser.add_argument("--work", type=Path, default=Path("usefulness"), help="generated faces and finished runs")
    parser.add_argument("--out", type=Path, default=PUBLISHED, help="page and figures, without extension")
    parser.add_argument("--model", default="default", help="weights of the generator")
    parser.add_argument("--people", default="0", help="people to train on; 0: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=0, help="of a k-fold split, so many; 0: all")
    parser.add_argument("--per-person", type=int, default=2, help="generated faces of a person and expression")
    parser.add_argument("--strengths", default="0.6,0.8,1")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--widths", default="16,32,64,128")
    args = parser.parse_args()
    try:
        result = measured(args)
    except MienError as error:
        print(f"usefulness: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(page(result))
    print(page(result))


def measured(args: argparse.Namespace) -> dict:
    """All runs, and what they amount to."""
    told, rows = read_dataset(args.data), read_rows(args.data)
    if not identities(rows):
        raise MienError(f"nobody in {args.data} is told apart, so nothing can be subject-disjoint")
    editor = Editor(args.model)
    labels = common_labels(told, rows, editor.generator.names)
    if len(labels) < 2:
        raise MienError(f"{args.data} has fewer than two expressions that are both trained on and measured")
    widths = tuple(map(int, args.widths.split(",")))
    config = ClassifierConfig(
        size=min(args.size, told["options"]["size"]),
        steps=args.steps,
        batch=args.batch,
        widths=widths,
        blocks=(2,) * len(widths),
        warmup=20,
        # varied mildly, so that few steps are enough to fit what there is to learn
        dropout=0.0,
        turn=4.0,
        zoom=0.04,
        shift=0.03,
        colour=0.3,
        blur=0.0,
    )
    config.check()
    turns = rounds(told, rows, args.folds)
    options = Options(
        expressions=tuple(labels),
        strengths=tuple(map(float, args.strengths.split(","))),
        per_person=args.per_person,
        split=tuple(sorted({part for train_on, _ in turns for part in train_on} - set(KEPT))),
    )
    args.work.mkdir(parents=True, exist_ok=True)
    counts = [int(word) for word in args.people.split(",")]
    kept, results = Kept(args.work / "runs.json"), {}
    with bar() as progress:
        task = progress.add_task("faces", total=None, loss="")
        folder = args.work / "generated"
        about = augment(
            args.data, folder, editor, options, lambda n, of: progress.update(task, completed=n, total=of)
        ).told
        made = generated(folder, labels, config.size)
        total = len(counts) * args.seeds * len(turns) * len(ARMS)
        task = progress.add_task("classifiers", total=total, loss="")
        for count in counts:
            runs, sizes = [], []
            for seed in range(1, args.seeds + 1):
                merged: dict[str, Right] = {arm: {label: {} for label in labels} for arm in ARMS}
                for train_on, measure_on in turns:
                    real, held = (photographs(args.data, rows, p, labels, config.size) for p in (train_on, measure_on))
                    people = drawn(real, labels, count, seed)
                    assert not set(people) & set(held.people.tolist()), "somebody is trained on and measured"
                    some, more = of_people(real, people), of_people(made, people)
                    sizes.append((len(people), len(some.images), len(more.images)))
                    for arm, other in zip(ARMS, (None, more), strict=True):
                        one = replace(config, seed=seed)
                        prints = [fingerprint(p, labels) for p in (some, held, other) if p is not None]
                        right = kept.get(
                            [one.as_dict(), prints],
                            lambda one=one, some=some, other=other, held=held: run(one, labels, some, other, held),
                        )
                        for label, theirs in right.items():
                            merged[arm][label] |= theirs
                        progress.advance(task)
                runs.append(merged)
            found = summary(runs, labels)
            names = ("people", "photographs", "generated")
            results[str(count)] = found | {n: int(np.median([s[i] for s in sizes])) for i, n in enumerate(names)}
    return {
        "commands": [
            f"    mien data prepare {told['database']} DIR {args.data}",
            "    python bench/usefulness.py " + " ".join(_said(args)),
        ],
        "mien": __version__,
        "database": told["database"],
        "title": told["title"],
        "split": told["split"]["scheme"],
        "measured_on": sorted({part for _, held in turns for part in held}),
        "folds": len(turns),
        "labels": labels,
        "seeds": args.seeds,
        "model": about["model"],
        "model_sha256": about["model_sha256"],
        "strengths": list(options.strengths),
        "per_person": args.per_person,
        "failed": about["failed"],
        "config": config.as_dict(),
        "results": results,
    }


def photographs(folder: Path, rows: Sequence[Row], parts: Sequence[str], labels: Sequence[str], size: int) -> Pictures:
    """The real pictures of these parts with these labels."""
    mine = [row for row in of_parts(rows, parts) if row.identity and row.expression in labels]
    return read_pictures(folder, mine, labels, size)


def _said(args: argparse.Namespace) -> list[str]:
    """The options that decide the figures, as they would be typed."""
    names = ("data", "model", "people", "seeds", "folds", "per_person", "strengths", "size", "steps", "batch", "widths")
    return [f"--{name.replace('_', '-')} {getattr(args, name)}" for name in names]


if __name__ == "__main__":
    main()
