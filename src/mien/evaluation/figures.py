"""The report's drawings: strength curves, intervals of all methods, and the same people by every method."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.evaluation.markdown import PERCENT, title
from mien.evaluation.protocol import EXPRESS, NEUTRAL

TILE, GAP = 104, 3
COLOURS = ("#2364aa", "#d1495b", "#3a7d44", "#8f5fbf", "#c9820a", "#0f8b8d", "#7a5c3e", "#5b6770", "#e07a9b", "#6a994e")


def picture_uri(image: np.ndarray, side: int = 0, quality: int = 88) -> str:
    """A picture (H, W, 3) uint8 RGB as a JPEG data URI, reduced to `side` px if larger."""
    if side and max(image.shape[:2]) > side:
        zoom = side / max(image.shape[:2])
        image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def intervals(told: Mapping[str, Any], metric: str) -> str:
    """Every method's value with its interval, as a PNG data URI."""
    rows = [(name, one[metric]) for name, one in told["methods"].items() if metric in one]
    real = told["real"].get(metric)
    figure, axes = _figure(5.2, 0.55 + 0.27 * (len(rows) + (real is not None)))
    for place, (name, one) in enumerate(reversed(rows)):
        colour = COLOURS[list(told["methods"]).index(name) % len(COLOURS)]
        if one["low"] is not None:
            axes.plot([one["low"], one["high"]], [place, place], color=colour, lw=2, solid_capstyle="round")
        axes.plot(one["value"], place, "o", color=colour, ms=6)
    if real is not None:
        axes.axvline(real["value"], color="#888", lw=1, ls="--")
        axes.text(real["value"], len(rows) - 0.35, "real", color="#666", ha="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)], fontsize=9)
    axes.set_ylim(-0.6, len(rows) - 0.2)
    axes.set_title(title(metric), fontsize=10, loc="left")
    if metric.partition("/")[0] in PERCENT:
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(axis="x", color="#e6e6e6")
    return _uri(figure)


def curve(told: Mapping[str, Any], judge: str, target: str = "") -> str:
    """Mean probability of what was asked for against the strength asked for, a line a method, as a PNG data URI."""
    figure, axes = _figure(3.4 if target else 6.4, 2.5 if target else 3.4)
    for name, points in told["curves"].items():
        mine = {}
        for key, one in points.items():
            parts = key.split("/")
            if parts[0] == judge and (parts[2] if len(parts) > 2 else "") == target:
                mine[float(parts[1])] = one
        if len(mine) < 2:
            continue
        colour = COLOURS[list(told["methods"]).index(name) % len(COLOURS)]
        at = sorted(mine)
        axes.plot(at, [mine[x]["value"] for x in at], "-o", color=colour, ms=4, lw=1.8, label=name)
        if not target and mine[at[0]]["low"] is not None:
            low, high = ([mine[x][side] for x in at] for side in ("low", "high"))
            axes.fill_between(at, low, high, color=colour, alpha=0.12, lw=0)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(color="#e6e6e6")
    if target:
        axes.set_title(target, fontsize=9, loc="left")
    else:
        axes.set_xlabel("strength asked for", fontsize=9)
        axes.set_ylabel(f"probability ({judge})", fontsize=9)
        axes.legend(frameon=False, fontsize=8)
    return _uri(figure)


def same_people(
    told: Mapping[str, Any],
    folder: Path,
    people: Sequence[str],
    real: Mapping[tuple[str, str], np.ndarray | None] | None = None,
    methods: Sequence[str] = (),
    tile: int = TILE,
) -> np.ndarray:
    """(H, W, 3) uint8: a block a person, two beside each other; rows are `methods` (all), columns the targets.

    real: (person, expression) -> their photographs, for a row above; None shows no photograph.
    """
    targets = [target for target in told["protocol"]["targets"] if target != NEUTRAL]
    columns = targets if real is None else [NEUTRAL, *targets]
    rows = [*(() if real is None else ("real",)), *(methods or told["methods"])]
    font, small = ImageFont.load_default(max(11, tile // 8)), ImageFont.load_default(max(9, tile // 10))
    left = int(max([font.getlength(name) for name in rows] + [40])) + 12
    wide, high = left + len(columns) * (tile + GAP) + 12, 26 + len(rows) * (tile + GAP) + 14
    across = 2 if len(people) > 1 else 1
    paper = Image.new("RGB", (across * wide, -(-len(people) // across) * high + 4), "white")
    pen = ImageDraw.Draw(paper)
    made = {
        (one["person"], one["asked"], name): folder / one["file"]
        for name, found in told["pictures"].items()
        for one in found
        if one["task"] == EXPRESS and one["made"]
    }
    for number, person in enumerate(people):
        x0, y0 = (number % across) * wide + 6, (number // across) * high + 4
        pen.text((x0, y0 + 12), person, "#777", small, anchor="lm")
        for k, target in enumerate(columns):
            text = "input" if target == NEUTRAL else target
            pen.text((x0 + left + k * (tile + GAP) + tile / 2, y0 + 12), text, "#333", small, anchor="mm")
        for place, name in enumerate(rows):
            y = y0 + 24 + place * (tile + GAP)
            pen.text((x0, y + tile / 2), name, "#111", font, anchor="lm")
            for k, target in enumerate(columns):
                path, at = made.get((person, target, name)), (x0 + left + k * (tile + GAP), y)
                if name == "real":
                    image = None if real is None else real.get((person, target))
                else:
                    image = None if path is None else _read(path)
                if image is not None:
                    paper.paste(Image.fromarray(cv2.resize(image, (tile, tile), interpolation=cv2.INTER_AREA)), at)
                elif name != "real" and target != NEUTRAL:
                    pen.rectangle((*at, at[0] + tile - 1, at[1] + tile - 1), "#f3f3f3")
                    pen.text((at[0] + tile / 2, at[1] + tile / 2), "not made", "#999", small, anchor="mm")
    return np.asarray(paper)


def chosen(people: Sequence[str], show: Sequence[str]) -> list[str]:
    """The people that names or the ends of names mean; the first four where none are given."""
    if not show:
        return list(people[:4])
    return [person for want in show for person in people if person == want or person.endswith(f"-{want}")][:8]


def _read(path: Path) -> np.ndarray | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else np.ascontiguousarray(image[..., ::-1])


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#bbb")
    axes.tick_params(labelsize=8, color="#bbb")
    return figure, axes


def _uri(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
