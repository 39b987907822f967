"""`mien evaluate`, top to bottom: read the protocol, open judges and methods, make the pictures, judge and measure.

Everything that costs time is kept by content: pictures in the report's folder, judgements in the cache. Run it again
and only what is missing or has changed is done.
"""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien import __version__
from mien.errors import MienError
from mien.evaluation import measure, results
from mien.evaluation.judges import DETECTED, Judge, parse_judges
from mien.evaluation.measure import Gallery, Lpips, Values
from mien.evaluation.methods import Method, Run, parse_methods, resized
from mien.evaluation.pictures import Pictures
from mien.evaluation.protocol import EXPRESS, NEUTRAL, TARGETS, Case, Crop, Protocol, read_protocol
from mien.evaluation.seen import Seen, Tell
from mien.expression import MAX_AMOUNT
from mien.inside import target

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
PICTURES, CACHE = "pictures", ".judgements"

Stage = Callable[[str], AbstractContextManager[Tell]]
"""Title of a part of the work -> what is told its progress."""


@dataclass(frozen=True)
class Options:
    """methods, judges: as on the command line. size: px that every picture is brought to before it is judged, 0: that
    of the prepared crops. most: people, 0: all. cache: folder of judgements that reports share, None: the report's own.
    """

    data: Path
    split: str
    methods: tuple[str, ...]
    out: Path
    judges: tuple[str, ...] = ()
    size: int = 0
    targets: tuple[str, ...] = TARGETS
    strengths: tuple[float, ...] = STRENGTHS
    assets: Path | None = None
    judges_dir: Path | None = None
    lpips: Path | None = None
    cache: Path | None = None
    most: int = 0
    command: str = ""


def protocol_of(options: Options) -> Protocol:
    """The protocol, after a look at the options."""
    for strength in options.strengths:
        if not 0 <= strength <= MAX_AMOUNT:
            raise MienError(f"strengths must be within 0 to {MAX_AMOUNT}, not {strength:g}")
    if options.size and not 32 <= options.size <= 2048:
        raise MienError(f"--size is px, 32 to 2048, not {options.size}")
    return read_protocol(options.data, options.split, options.targets, options.strengths, options.most)


def evaluate(options: Options, stage: Stage) -> tuple[dict[str, Any], Protocol]:
    """The content of results.json, and what was asked; the pictures are in `options.out`."""
    asked = protocol_of(options)
    judges, warnings = parse_judges(options.judges, options.judges_dir, asked.database, asked.split, asked.people)
    methods = parse_methods(options.methods, options.assets)
    if not methods:
        raise MienError("give at least one --method")
    lpips = None if options.lpips is None else Lpips(options.lpips)
    made = {method.name: _make(method, asked, options.out, stage) for method in methods}
    size = options.size or asked.size
    bench = Bench(asked, judges, options.cache or inside(options.out, CACHE), size, stage)
    told: dict[str, Any] = {
        "format": results.FORMAT,
        "mien": __version__,
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "command": options.command,
        "protocol": asked.describe() | {"judged_px": size, "strengths": sorted({*options.strengths, 1.0})},
        "lpips_sha256": lpips.sha256 if lpips else None,
        "judges": {judge.card.name: bench.told(judge) for judge in judges},
    }
    all_values: dict[str, Values] = {"real photographs": bench.real}
    about: dict[str, Any] = {}
    for method in methods:
        values, more = _measured(bench, made[method.name], lpips)
        all_values[method.name] = values
        about[method.name] = more
    warnings += _warnings(asked, judges, methods)
    return told | results.assembled(all_values, about, warnings), asked


def _make(method: Method, asked: Protocol, out: Path, stage: Stage) -> Pictures:
    if isinstance(method, Run) and asked.curves:
        method.look(asked.cases)
    cases = [*asked.cases, *(asked.curves if method.strengths else ())]
    pictures = Pictures(inside(out, f"{PICTURES}/{method.name}"), method, asked.size)
    with stage(f"{method.name}: pictures") as tell:
        pictures.make(cases, tell)
    return pictures


def inside(out: Path, name: str) -> Path:
    """A folder of the report, made; a `MienError` where a link leads out of it."""
    return target(out, f"{name}/x").parent


class Bench:
    """Judges with what they say of the real pictures. real: measurements of those of the people evaluated, as if a
    method had made them."""

    def __init__(self, asked: Protocol, judges: Sequence[Judge], cache: Path, size: int, stage: Stage) -> None:
        self.asked, self.judges, self._cache, self.size, self._stage = asked, judges, cache, size, stage
        self.real: Values = {}
        self.confusion: dict[str, dict[str, dict[str, int]]] = {}
        self.galleries: dict[str, Gallery] = {}
        self.sources: dict[str, dict[Crop, Seen | None]] = {}
        neutral = {crop.person: crop for crop in asked.mine if crop.expression == NEUTRAL}
        for judge in judges:
            name = judge.card.name
            expression = judge.card.kind == "expression"
            crops = list(asked.mine if expression else dict.fromkeys([*asked.real, *asked.mine]))
            found = self.seen(judge, "real pictures", {crop: crop.image for crop in crops})
            if expression:
                known_to = judge.card.labels
                rows = [(c.person, c.expression, found[c]) for c in asked.mine if c.expression in known_to]
                self.confusion[name] = measure.by_expression(self.real, name, rows)
                continue
            known = {crop: seen for crop, seen in found.items() if seen is not None}
            shelf = measure.gallery([crop for crop in asked.real if crop in known], known)
            self.galleries[name] = shelf
            inputs = {crop: found.get(crop) for crop in asked.inputs}
            self.sources[name] = inputs
            smiles = [
                (crop.person, found[neutral[crop.person]], found[crop])
                for crop in asked.mine if crop.expression != NEUTRAL and crop.person in neutral
            ]  # fmt: skip
            measure.by_identity(self.real, name, shelf, smiles, judge.detects)

    def seen(self, judge: Judge, what: str, pictures: Mapping[Any, np.ndarray | None]) -> dict[Any, Seen | None]:
        """What a judge sees in pictures brought to one size; None where there is no picture."""
        there = {key: resized(image, self.size) for key, image in pictures.items() if image is not None}
        with self._stage(f"{judge.card.name}: {what}") as tell:
            said = judge.judge(list(there.values()), self._cache, tell)
        found = dict(zip(there, said, strict=True))
        return {key: found.get(key) for key in pictures}

    def told(self, judge: Judge) -> dict[str, Any]:
        """What the results say of a judge: who it is, what it has seen, what it is worth on real pictures."""
        card = judge.card
        out = {
            "kind": card.kind, "labels": list(card.labels), "about": card.about, "sha256": card.sha256,
            "licence": card.licence,
            "trained_on": {"database": card.trained_on.database, "split": card.trained_on.split},
            "losses_of": list(card.losses_of),
            "real": {
                metric: results.figures(values) for metric, values in sorted(self.real.items())
                if metric.split("/")[1] == card.name
            },
        }  # fmt: skip
        if card.kind == "expression":
            return out | {"confusion": self.confusion[card.name]}
        shelf = self.galleries[card.name]
        return out | {
            "thresholds": shelf.limits, "impostor_pairs": shelf.pairs, "impostor_mean": shelf.impostor_mean,
            "gallery": len(shelf.people),
        }  # fmt: skip


def _measured(bench: Bench, made: Pictures, lpips: Lpips | None) -> tuple[Values, dict[str, Any]]:
    """A method's measurements, and what else is told of it."""
    method, asked, values = made.method, bench.asked, Values()
    cases = [*asked.cases, *(asked.curves if method.strengths else ())]
    pictures = {case: made.read(case) for case in cases}
    for case in asked.cases:
        prefix, image = measure.task_prefix(case.task), pictures[case]
        part = Values()
        measure.add(part, "made", case.person, image is not None)
        took = made.made[case.file].seconds
        if took and image is not None:
            measure.add(part, "seconds", case.person, took)
        truth = case.truth.image if case.truth is not None else None
        if image is not None and truth is not None:
            measure.by_truth(part, case, resized(image, bench.size), resized(truth, bench.size), lpips)
        if image is not None:
            measure.by_control(part, case, image)
        _join(values, part, prefix)
    for case in asked.curves if method.strengths else ():
        image = pictures[case]
        if image is not None:
            measure.by_control(values, case, image)
    confusions: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    seen_by: dict[str, dict[Case, Seen | None]] = {}
    for judge in bench.judges:
        name = judge.card.name
        if judge.card.kind == "identity":  # strengths say nothing of who it is
            wanted: Mapping[Case, np.ndarray | None] = {case: pictures[case] for case in asked.cases}
        else:
            wanted = pictures
        seen = seen_by[name] = bench.seen(judge, made.method.name, wanted)
        for task in dict.fromkeys(case.task for case in asked.cases):
            part, mine = Values(), [case for case in asked.cases if case.task == task]
            if judge.card.kind == "expression":
                rows = [(case.person, case.target, seen[case]) for case in mine if case.target in judge.card.labels]
                confusions.setdefault(task, {})[name] = measure.by_expression(part, name, rows)
            else:
                source = bench.sources[name]
                triples = [(case.person, source[case.source], seen[case]) for case in mine]
                measure.by_identity(part, name, bench.galleries[name], triples, judge.detects)
            _join(values, part, measure.task_prefix(task))
        if judge.card.kind == "expression" and method.strengths and asked.curves:
            measure.by_strength(values, name, _curves(asked, pictures, seen, judge.card.labels))
    fid = {
        f"fid/{name}": measure.by_distribution(shelf, _features(asked, seen_by[name]))
        for name, shelf in bench.galleries.items()
    }
    more = {
        "about": method.about, "sha256": method.sha256, "strengths": method.strengths, "saw": list(method.saw),
        "fid": fid, "confusion": confusions, "failures": _failures(asked, made, pictures, seen_by, bench),
        "pictures": _scores(bench, made, pictures, seen_by),
    }  # fmt: skip
    return values, more


def _join(values: Values, part: Values, prefix: str) -> None:
    for metric, people in part.items():
        for person, mine in people.items():
            values.setdefault(prefix + metric, {}).setdefault(person, []).extend(mine)


def _curves(
    asked: Protocol, pictures: Mapping[Case, Any], seen: Mapping[Case, Seen | None], labels: Sequence[str]
) -> dict[tuple[str, str], dict[float, Seen | None]]:
    """(person, target) -> strength -> what was seen; only of what could be made at every strength, and has a label."""
    curves: dict[tuple[str, str], dict[float, Seen | None]] = {}
    broken = set()
    for case in [*asked.cases, *asked.curves]:
        if case.task == EXPRESS and case.target in labels:
            curves.setdefault((case.person, case.target), {})[case.strength] = seen[case]
            if pictures[case] is None:
                broken.add((case.person, case.target))
    return {key: points for key, points in curves.items() if key not in broken}


def _features(asked: Protocol, seen: Mapping[Case, Seen | None]) -> dict[str, list[np.ndarray]]:
    """Expression -> descriptors of what was made."""
    out: dict[str, list[np.ndarray]] = {}
    for case in asked.cases:
        one = seen[case]
        if case.task == EXPRESS and one is not None and one.descriptor is not None:
            out.setdefault(case.target, []).append(one.descriptor)
    return out


def _failures(
    asked: Protocol,
    made: Pictures,
    pictures: Mapping[Case, Any],
    seen_by: Mapping[str, Mapping[Case, Seen | None]],
    bench: Bench,
) -> dict[str, Any]:
    """What went wrong, counted: pictures that were not made, with the reason, and faces that judges did not find."""
    not_made = [
        {"file": case.file, "person": case.person, "asked": case.target, "reason": made.made[case.file].error or "gone"}
        for case in pictures if pictures[case] is None
    ]  # fmt: skip
    unseen = {
        judge.card.name: sum(
            pictures[case] is not None and (one := seen_by[judge.card.name][case]) is not None and one.score < DETECTED
            for case in asked.cases
        )
        for judge in bench.judges if judge.detects
    }  # fmt: skip
    unreadable = sorted({crop.path.name for crop in asked.inputs if crop.image is None})
    return {"asked": len(pictures), "not_made": not_made, "no_face": unseen, "unreadable_inputs": unreadable}


def _scores(
    bench: Bench,
    made: Pictures,
    pictures: Mapping[Case, Any],
    seen_by: Mapping[str, Mapping[Case, Seen | None]],
) -> list[dict[str, Any]]:
    """A line a picture, the best first: by the mean probability that expression judges give what was asked for, less
    the mean distance of identity judges as a share of that of strangers (0 each, or 1, where there is no face)."""
    rows = []
    for case in bench.asked.cases:
        shown, apart = [], []
        row: dict[str, Any] = {"file": f"{PICTURES}/{made.method.name}/{case.file}", "input": str(case.source.path)}
        row |= {"person": case.person, "task": case.task, "asked": case.target, "made": pictures[case] is not None}
        for judge in bench.judges:
            name = judge.card.name
            one = seen_by[name][case]
            if judge.card.kind == "expression":
                said = one.probabilities if one is not None else {}
                if case.target in judge.card.labels:
                    shown.append(said.get(case.target, 0.0))
                row.setdefault("said", {})[name] = max(said, key=lambda k: said[k]) if said else "none"
                continue
            source, shelf = bench.sources[name][case.source], bench.galleries[name]
            gap = None
            if one is not None and one.descriptor is not None and source is not None and source.descriptor is not None:
                gap = float(np.linalg.norm(one.descriptor - source.descriptor))
            row.setdefault("distance", {})[name] = None if gap is None else round(gap, 4)
            if shelf.impostor_mean:
                apart.append(1.0 if gap is None else min(1.0, gap / shelf.impostor_mean))
        if pictures[case] is None:
            score = -1.0
        else:
            score = (float(np.mean(shown)) if shown else 0.0) - (float(np.mean(apart)) if apart else 0.0)
        rows.append(row | {"score": round(score, 4)})
    return sorted(rows, key=lambda row: (-row["score"], row["file"]))


def _warnings(asked: Protocol, judges: Sequence[Judge], methods: Sequence[Method]) -> list[str]:
    """Where a judge is not as independent as it looks, or a number cannot be had."""
    out = []
    for judge in judges:
        card = judge.card
        partial = [m.name for m in methods if m.name in card.losses_of or set(card.seen_as) & set(m.saw)]
        if partial:
            out.append(f"{card.name} was seen by a training loss of {', '.join(partial)}: its figures flatter them")
        unknown = [target for target in asked.targets if target not in card.labels]
        if card.kind == "expression" and unknown:
            out.append(f"{card.name} does not know {', '.join(unknown)}: its figures are of the others")
    if asked.database == "open" and asked.split == "val" and any(j.card.name == "face-api" for j in judges):
        out.append(
            "the vocabulary's shape weights, which default, rig and morph use and the rig taught to others, were tuned "
            "with face-api on these people: read its figures as development figures"
        )
    kinds = {judge.card.kind for judge in judges}
    out += [f"no judge of {kind} was given: nothing is said of it" for kind in ("expression", "identity")
            if kind not in kinds]  # fmt: skip
    if not any(case.truth is not None for case in asked.cases):
        out.append("nobody has a real picture of what was asked for: nothing is said of likeness")
    return out
