"""Pictures and what judges said of them -> measurements: metric -> person -> values. What failed counts as failure.

A picture that was not made, or in which a judge finds no face, shows no expression, is nobody's, and is not detected.
Distances and likenesses can only be taken where there is a picture: read them beside `made` and `detected`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.evaluation.judges import DETECTED
from mien.evaluation.metrics.control import exact, monotonicity, outside_identical
from mien.evaluation.metrics.distribution import frechet
from mien.evaluation.metrics.expression import NONE, called, confusion
from mien.evaluation.metrics.identity import RATES, distances, impostors, threshold
from mien.evaluation.metrics.likeness import l1, psnr, ssim
from mien.evaluation.protocol import EXPRESS, NEUTRAL, Case, Crop
from mien.evaluation.seen import Seen

Values = dict[str, dict[str, list[float]]]
"""Metric -> person -> measurements."""

CURVE = "curve"


@dataclass(frozen=True)
class Gallery:
    """What an identity judge says of real pictures. limits: name of a rate -> distance below which a face is accepted,
    None where there are too few impostor pairs to measure it. people, descriptors: one neutral picture of each; own:
    person -> the place of theirs."""

    limits: dict[str, float | None]
    pairs: int
    impostor_mean: float | None
    people: tuple[str, ...]
    descriptors: np.ndarray
    features: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, person: str) -> np.ndarray | None:
        return self.descriptors[self.people.index(person)] if person in self.people else None


def gallery(real: Sequence[Crop], seen: Mapping[Crop, Seen]) -> Gallery:
    """Thresholds from real impostor pairs, and everybody's neutral descriptor."""
    found = [(crop, seen[crop].descriptor) for crop in real if seen[crop].descriptor is not None]
    if not found:
        return Gallery(dict.fromkeys(RATES), 0, None, (), np.zeros((0, 1)))
    table = np.stack([descriptor for _, descriptor in found if descriptor is not None])
    neutral = [crop.expression == NEUTRAL for crop, _ in found]
    gaps = impostors(table, [crop.person for crop, _ in found], neutral)
    limits = {name: threshold(gaps, rate) for name, rate in RATES.items()}
    first = {crop.person: place for place, (crop, _) in reversed(list(enumerate(found))) if neutral[place]}
    people = tuple(sorted(first))
    features: dict[str, list[np.ndarray]] = {}
    for place, (crop, _) in enumerate(found):
        features.setdefault(crop.expression, []).append(table[place])
    return Gallery(
        limits, len(gaps), float(gaps.mean()) if len(gaps) else None, people,
        table[[first[person] for person in people]] if people else np.zeros((0, table.shape[1])),
        {name: np.stack(rows) for name, rows in features.items()},
    )  # fmt: skip


def add(values: Values, metric: str, person: str, value: float) -> None:
    values.setdefault(metric, {}).setdefault(person, []).append(float(value))


def by_expression(
    values: Values, judge: str, asked: Sequence[tuple[str, str, Seen | None]]
) -> dict[str, dict[str, int]]:
    """Accuracy of (person, expression asked for, what the judge saw; None: no picture), and the confusion matrix."""
    pairs = []
    for person, target, seen in asked:
        said = called(seen.probabilities) if seen is not None else NONE
        add(values, f"accuracy/{judge}", person, said == target)
        add(values, f"accuracy/{judge}/{target}", person, said == target)
        pairs.append((target, said))
    return confusion(pairs)


def by_identity(
    values: Values, judge: str, shelf: Gallery, asked: Sequence[tuple[str, Seen | None, Seen | None]], detects: bool
) -> None:
    """Verification, rank, ACD and detection of (person, what the judge saw in the input, in the output)."""
    for person, source, seen in asked:
        there = seen is not None and seen.descriptor is not None
        if detects:
            add(values, f"detected/{judge}", person, seen is not None and seen.score >= DETECTED)
        gap = None
        if seen is not None and seen.descriptor is not None and source is not None and source.descriptor is not None:
            gap = float(np.linalg.norm(seen.descriptor - source.descriptor))
            add(values, f"acd/{judge}", person, gap)
        for rate, limit in shelf.limits.items():
            if limit is not None:
                add(values, f"verified_{rate}/{judge}", person, gap is not None and gap < limit)
        if person in shelf.people and len(shelf.people) > 1:
            nearest = None
            if there and seen is not None and seen.descriptor is not None:
                nearest = shelf.people[int(distances(seen.descriptor[None], shelf.descriptors).argmin())]
            add(values, f"first/{judge}", person, nearest == person)


def by_truth(values: Values, case: Case, made: np.ndarray, truth: np.ndarray, lpips: Lpips | None) -> None:
    """Likeness of two pictures of one size."""
    add(values, "l1", case.person, l1(made, truth))
    add(values, "psnr", case.person, psnr(made, truth))
    if len(made) >= 11:
        add(values, "ssim", case.person, ssim(made, truth))
    if lpips is not None:
        add(values, "lpips", case.person, lpips(made, truth))


def by_control(values: Values, case: Case, made: np.ndarray) -> None:
    """Locality, and exactness at strength 0, of a picture at its input's own size."""
    before = case.source.image
    assert before is not None
    if case.strength == 0:
        add(values, "exact_0", case.person, exact(before, made))
    elif case.strength == 1:
        share = outside_identical(before, made, case.source.face.box)
        if share is not None:
            add(values, "locality", case.person, share)


def by_strength(values: Values, judge: str, curves: Mapping[tuple[str, str], Mapping[float, Seen | None]]) -> None:
    """Rank correlation of requested strength and the judge's probability of what was asked for, and the mean curve.

    curves: (stem of the input's person, target) -> strength -> what the judge saw.
    """
    for (person, target), points in curves.items():
        requested = sorted(points)
        said = [points[at] for at in requested]
        measured = [one.probabilities.get(target, 0.0) if one is not None else 0.0 for one in said]
        add(values, f"monotonicity/{judge}", person, monotonicity(requested, measured))
        for at, value in zip(requested, measured, strict=True):
            add(values, f"{CURVE}/{judge}/{at:g}", person, value)
            add(values, f"{CURVE}/{judge}/{at:g}/{target}", person, value)


def by_distribution(shelf: Gallery, made: Mapping[str, list[np.ndarray]]) -> dict[str, float | int | None]:
    """Frechet distance of generated and real descriptors, over the expressions that both have, with both counts."""
    both = sorted(set(made) & set(shelf.features))
    if not both:
        return {"value": None, "low": None, "high": None, "n": 0, "real": 0}
    ours = np.concatenate([np.stack(made[name]) for name in both])
    theirs = np.concatenate([shelf.features[name] for name in both])
    return {"value": frechet(ours, theirs), "low": None, "high": None, "n": len(ours), "real": len(theirs)}


class Lpips:
    """Learnt perceptual distance (Zhang et al. 2018) by a network that is given: two inputs (1, 3, S, S), RGB in
    [-1, 1], one number out."""

    def __init__(self, path: Path) -> None:
        from mien.synthesis.session import open_weights

        if not path.is_file():
            raise MienError(f"no LPIPS network {path}")
        weights = open_weights(path)
        if len(weights.inputs) != 2:
            raise MienError(f"{path} takes {len(weights.inputs)} inputs; LPIPS compares two pictures")
        self.sha256, self._session, self._names = weights.sha256, weights.session, list(weights.inputs)

    def __call__(self, a: np.ndarray, b: np.ndarray) -> float:
        feed = {
            name: np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32) / np.float32(127.5) - 1
            for name, x in zip(self._names, (a, b), strict=True)
        }
        return float(np.asarray(self._session.run(None, feed)[0]).mean())


def task_prefix(task: str) -> str:
    """Metrics of the main task have none."""
    return "" if task == EXPRESS else f"{task}/"
