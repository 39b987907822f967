"""results.json and the pictures -> report.html, one file that opens offline; results.md; faces.jpg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.evaluation import figures, markdown
from mien.evaluation.metrics.expression import NONE
from mien.evaluation.protocol import Protocol
from mien.formats import write_bytes

PAGE, TABLE, FACES = "report.html", "results.md", "faces.jpg"
SHOWN = 5
"""Best and worst pictures of each method."""

THUMB = 150

DRAWN = ("accuracy", "verified_0.1%", "acd", "ssim")
"""Metrics drawn with their intervals."""


def report(folder: Path, told: Mapping[str, Any], asked: Protocol, show: Sequence[str] = ()) -> Path:
    """Write the three files; gives the page."""
    real = {(crop.person, crop.expression): crop.image for crop in asked.mine}
    faces = figures.same_people(told, folder, figures.chosen(asked.people, show), real)
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(faces[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    write_bytes(folder / FACES, data.tobytes())
    write_bytes(folder / TABLE, markdown.markdown(told).encode())
    return write_bytes(folder / PAGE, page(folder, told, faces).encode())


def page(folder: Path, told: Mapping[str, Any], faces: np.ndarray) -> str:
    """The page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    shelf = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    shelf.filters["parted"] = parted
    drawn = [metric for metric in markdown.metrics(told) if metric.partition("/")[0] in DRAWN]
    expression = [name for name, one in told["judges"].items() if one["kind"] == "expression"]
    identity = [name for name, one in told["judges"].items() if one["kind"] == "identity"]
    curves = []
    if told["curves"]:
        for judge in expression:
            targets = [target for target in told["protocol"]["targets"] if target != "neutral"]
            parts = [figures.curve(told, judge, target) for target in targets]
            curves.append((judge, figures.curve(told, judge), parts))
    return shelf.get_template("report.html.j2").render(
        told=told,
        asked=told["protocol"],
        expression=expression,
        identity=identity,
        main=[_table(told, "", part) for part in (markdown.OF_PEOPLE, markdown.OF_PICTURES)],
        back=[_table(told, "neutralise/", part) for part in (markdown.OF_PEOPLE, markdown.OF_PICTURES)],
        drawn=[figures.intervals(told, metric) for metric in drawn],
        curves=curves,
        confusions=[(judge, [(name, heat(table)) for name, table in _confusions(told, judge)]) for judge in expression],
        by_expression=[(judge, _expressions(told, judge)) for judge in expression],
        compared=markdown.compared(told),
        galleries=[(name, *_extremes(folder, rows)) for name, rows in told["pictures"].items()],
        faces=figures.picture_uri(faces, quality=86),
        cell=markdown.cell,
        title=markdown.title,
    )


def _table(told: Mapping[str, Any], prefix: str, part: Sequence[str]) -> dict[str, Any]:
    """head, rows (name, cells); the best of each metric is marked, where it says something to be the best."""
    shown = [metric for metric in markdown.metrics(told, prefix) if metric.partition("/")[0] in part]
    rows = []
    best: dict[str, float] = {}
    for metric in shown:
        sign = markdown.BETTER.get(metric.partition("/")[0], 1)
        found = [
            sign * one[prefix + metric]["value"] for name, one in told["methods"].items()
            if prefix + metric in one and name != "identity"
        ]  # fmt: skip
        if len(set(found)) > 1 and metric.partition("/")[0] != "fid":
            best[metric] = max(found) * sign
    for name, one in told["methods"].items():
        cells = [
            (split(markdown.cell(m, one.get(prefix + m))), name != "identity" and m in best
             and one.get(prefix + m, {}).get("value") == best[m])
            for m in shown
        ]  # fmt: skip
        rows.append((name, cells))
    if any(metric in told["real"] for metric in shown) and not prefix:
        rows.append(("real photographs", [(split(markdown.cell(m, told["real"].get(m))), False) for m in shown]))
    return {"head": [parted(metric) for metric in shown], "rows": rows if shown else []}


def split(text: str) -> tuple[str, str]:
    """A value and its interval."""
    value, _, rest = text.partition(" ")
    return value, rest


def parted(metric: str) -> tuple[str, str]:
    """A metric's title and the judge's name."""
    kind, _, judge = metric.partition("/")
    return markdown.title(kind), judge


def _expressions(told: Mapping[str, Any], judge: str) -> dict[str, Any]:
    targets = told["protocol"]["targets"]
    named = [*told["methods"].items(), ("real photographs", told["real"])]
    rows = [(name, [one.get(f"accuracy/{judge}/{target}") for target in targets]) for name, one in named]
    return {"head": targets, "rows": rows}


def _confusions(told: Mapping[str, Any], judge: str) -> list[tuple[str, dict[str, dict[str, int]]]]:
    named = [("real photographs", told["judges"][judge]["confusion"])]
    for name, tasks in told["confusion"].items():
        merged: dict[str, dict[str, int]] = {}
        for of_task in tasks.values():
            merged |= of_task.get(judge, {})
        named.append((name, merged))
    return named


def heat(table: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """A confusion matrix as head and rows (asked, [(count, share)])."""
    asked = sorted(table)
    called = sorted({said for row in table.values() for said in row} - {NONE} | set(asked))
    called += [NONE] if any(NONE in row for row in table.values()) else []
    rows = [
        (name, [(table[name].get(said, 0), table[name].get(said, 0) / sum(table[name].values())) for said in called])
        for name in asked
    ]
    return {"head": called, "rows": rows}


def _extremes(folder: Path, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The best and the worst pictures, each (input, output or None, row)."""
    express = [row for row in rows if row["task"] == "express"]
    best, worst = express[:SHOWN], express[::-1][: min(SHOWN, max(0, len(express) - SHOWN))]
    return [_shown(folder, row) for row in best], [_shown(folder, row) for row in worst]


def _shown(folder: Path, row: Mapping[str, Any]) -> tuple[str | None, str | None, Mapping[str, Any]]:
    return _thumb(Path(row["input"])), _thumb(folder / row["file"]) if row["made"] else None, row


def _thumb(path: Path) -> str | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else figures.picture_uri(np.ascontiguousarray(image[..., ::-1]), THUMB)
