"""Measurements of all methods -> results.json: means over people with intervals, comparisons person by person."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.evaluation.measure import CURVE, Values
from mien.evaluation.metrics.bootstrap import Estimate, compared, estimate
from mien.formats import write_bytes

FORMAT = 1
RESULTS = "results.json"
REAL = "real photographs"

COMPARED = ("accuracy", "verified_1%", "verified_0.1%", "first", "acd", "detected", "l1", "psnr", "ssim", "lpips")
"""Metrics in which methods are compared, with whatever judge."""


def figures(values: Mapping[str, list[float]]) -> dict[str, Any] | None:
    """{value, low, high, n} of person -> measurements; None where nothing was measured."""
    found = estimate(values)
    return None if found is None else plain(found)


def plain(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def assembled(all_values: Mapping[str, Values], about: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """methods.NAME.METRIC, people.NAME.METRIC.PERSON, curves, comparisons, confusion, failures, pictures, warnings."""
    methods: dict[str, dict[str, Any]] = {}
    people: dict[str, dict[str, dict[str, float]]] = {}
    curves: dict[str, dict[str, Any]] = {}
    for name, values in all_values.items():
        for metric, measured in sorted(values.items()):
            found = estimate(measured)
            if found is None:
                continue
            if metric.startswith(f"{CURVE}/"):
                curves.setdefault(name, {})[metric.removeprefix(f"{CURVE}/")] = plain(found)
                continue
            methods.setdefault(name, {})[metric] = plain(found)
            people.setdefault(name, {})[metric] = {who: round(value, 6) for who, value in found.people.items()}
        methods.setdefault(name, {})
        if name in about:
            methods[name] |= {key: one for key, one in about[name]["fid"].items() if one["value"] is not None}
    real = methods.pop(REAL, {})
    real_people = people.pop(REAL, {})
    return {
        "methods": methods,
        "real": real,
        "people": people | ({REAL: real_people} if real_people else {}),
        "about": {
            name: {key: one[key] for key in ("about", "sha256", "strengths", "saw")} for name, one in about.items()
        },
        "curves": curves,
        "confusion": {name: one["confusion"] for name, one in about.items()},
        "comparisons": comparisons(people),
        "failures": {name: one["failures"] for name, one in about.items()},
        "warnings": warnings,
        "pictures": {name: one["pictures"] for name, one in about.items()},
    }


def comparisons(people: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, Any]]:
    """'B - A' -> metric -> the mean difference over the people both have, with its 95% interval: for every two."""
    out: dict[str, dict[str, Any]] = {}
    for a, b in itertools.combinations(people, 2):
        both = [
            metric for metric in people[a]
            if metric in people[b] and metric.count("/") < 2 and metric.partition("/")[0] in COMPARED
        ]  # fmt: skip
        row = {metric: compared(people[a][metric], people[b][metric]) for metric in both}
        out[f"{b} - {a}"] = {metric: plain(found) for metric, found in row.items() if found is not None}
    return out


def write_results(folder: Path, told: Mapping[str, Any]) -> Path:
    """Write results.json, whole or not at all."""
    return write_bytes(folder / RESULTS, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())


def read_results(folder: Path) -> dict[str, Any]:
    """The content of a report's results.json; a `MienError` if it is none."""
    path = folder / RESULTS
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise ValueError("not of this version")
    except (OSError, ValueError) as error:
        raise MienError(f"{path} holds no results of 'mien evaluate': {error}") from None
    return told
