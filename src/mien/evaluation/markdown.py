"""results.json as Markdown: the table of all methods, accuracy by expression, judges, failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PERCENT = ("accuracy", "verified_1%", "verified_0.1%", "first", "detected", "made", "locality", "exact_0")
"""Metrics that are shares."""

TITLES = {
    "accuracy": "expression", "verified_1%": "verified 1%", "verified_0.1%": "verified 0.1%", "first": "first of all",
    "acd": "ACD", "detected": "detected", "l1": "L1", "psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS", "fid": "FID",
    "monotonicity": "monotonic", "locality": "untouched outside", "exact_0": "strength 0 exact", "seconds": "s a face",
    "made": "made",
}  # fmt: skip

BETTER = {"acd": -1, "l1": -1, "lpips": -1, "fid": -1, "seconds": -1}
"""-1 where less is better; else more is."""


OF_PEOPLE = ("accuracy", "verified_1%", "verified_0.1%", "first", "acd", "detected")
OF_PICTURES = (
    "made", "l1", "psnr", "ssim", "lpips", "fid", "monotonicity", "locality", "exact_0", "seconds",
)  # fmt: skip
"""The columns of the tables of judges' figures and of pictures'."""


def title(metric: str) -> str:
    """'accuracy/face-api' is 'expression (face-api)'."""
    kind, _, judge = metric.partition("/")
    return TITLES.get(kind, kind) + (f" ({judge})" if judge else "")


def cell(metric: str, one: Mapping[str, Any] | None) -> str:
    """Such as 71% [62, 80] or 0.540 [0.521, 0.559]; "" where nothing was measured."""
    if one is None or one.get("value") is None:
        return ""
    value: float = one["value"]
    low, high = one.get("low"), one.get("high")
    kind = metric.partition("/")[0]
    if kind in PERCENT:
        text, span = f"{value:.0%}", "" if low is None or high is None else f" [{low * 100:.0f}, {high * 100:.0f}]"
    elif kind == "psnr":
        text, span = f"{value:.1f}", "" if low is None else f" [{low:.1f}, {high:.1f}]"
    else:
        text, span = f"{value:.3f}", "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return text + span + (f" ({one['n']} to {one['real']})" if "real" in one else "")


def metrics(told: Mapping[str, Any], prefix: str = "", whole: bool = True) -> list[str]:
    """The metrics that any method has, in the order of `TITLES`; `whole`: none of single expressions."""
    found = {
        metric.removeprefix(prefix)
        for one in told["methods"].values() for metric in one
        if metric.startswith(prefix) and (prefix or not metric.startswith("neutralise/"))
    }  # fmt: skip
    order, judges = list(TITLES), list(told["judges"])

    def place(metric: str) -> tuple[int, int]:
        kind, _, judge = metric.partition("/")
        return order.index(kind) if kind in order else 99, judges.index(judge) if judge in judges else -1

    return sorted((metric for metric in found if metric.count("/") < 2 or not whole), key=place)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def overview(told: Mapping[str, Any]) -> list[str]:
    """A few columns in plain text, for a terminal."""
    kinds = ("accuracy", "verified_0.1%", "acd", "ssim", "seconds")
    shown = [metric for metric in metrics(told) if metric.partition("/")[0] in kinds]
    rows = [("", *(title(metric) for metric in shown))]
    rows += [(name, *(cell(metric, one.get(metric)) for metric in shown)) for name, one in told["methods"].items()]
    if told["real"]:
        rows.append(("real photographs", *(cell(metric, told["real"].get(metric)) for metric in shown)))
    width = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(text.ljust(w) for text, w in zip(row, width, strict=True)).rstrip() for row in rows]


def markdown(told: Mapping[str, Any]) -> str:
    """The page results.md."""
    asked = told["protocol"]
    lines = ["# Evaluation", "", f"    {told['command']}", ""]
    lines += [
        f"{len(asked['people'])} people of the split `{asked['split']}` of {asked['database']}, judged at "
        f"{asked['judged_px']} px. Means over people with 95% bootstrap intervals over people.", "",
    ]  # fmt: skip
    lines += [f"- {warning}" for warning in told["warnings"]] + ([""] if told["warnings"] else [])
    lines += ["## The judges on real pictures of the same people", "", *judges(told), ""]
    lines += ["## From neutral to each expression", "", *methods(told), ""]
    for judge in _named(told, "expression"):
        lines += [f"Called right by {judge}:", "", *expressions(told, judge), ""]
    if any(metric.startswith("neutralise/") for one in told["methods"].values() for metric in one):
        lines += ["## From a real smile back to neutral", "", *methods(told, "neutralise/"), ""]
    if told["comparisons"]:
        lines += ["## Person by person", "", *differences(told), ""]
        lines += ["Shares in percentage points; bold: the interval does not hold 0.", ""]
    lines += ["## Failures", "", *failures(told), ""]
    return "\n".join(lines)


def methods(told: Mapping[str, Any], prefix: str = "") -> list[str]:
    """One row a method, in two tables: what judges say, and what the pictures say."""
    parts = [_methods(told, prefix, part) for part in (OF_PEOPLE, OF_PICTURES)]
    return parts[0] + [""] + parts[1] if parts[0] else parts[1]


def _methods(told: Mapping[str, Any], prefix: str, part: Sequence[str]) -> list[str]:
    shown = [metric for metric in metrics(told, prefix) if metric.partition("/")[0] in part]
    if not shown:
        return []
    rows = [
        (name, *(cell(metric, one.get(prefix + metric)) for metric in shown)) for name, one in told["methods"].items()
    ]
    if any(metric in told["real"] for metric in shown) and not prefix:
        rows.append(("real photographs", *(cell(metric, told["real"].get(metric)) for metric in shown)))
    return table(("", *(title(metric) for metric in shown)), rows)


def expressions(told: Mapping[str, Any], judge: str) -> list[str]:
    """Accuracy by expression, one row a method."""
    shown = told["protocol"]["targets"]
    rows = [
        (name, *(cell("accuracy", one.get(f"accuracy/{judge}/{target}")) for target in shown))
        for name, one in [*told["methods"].items(), ("real photographs", told["real"])]
    ]
    return table(("", *shown), rows)


def judges(told: Mapping[str, Any]) -> list[str]:
    """What each judge is worth on real pictures, and its hash."""
    rows = []
    for name, one in told["judges"].items():
        real = ", ".join(
            f"{title(metric.rpartition('/')[0]) if metric.count('/') == 1 else metric.rpartition('/')[2]} "
            f"{cell(metric, figures)}"
            for metric, figures in one["real"].items()
        )
        limits = one.get("thresholds")
        more = "" if not limits else "; ".join(
            f"{rate} of {one['impostor_pairs']} impostor pairs nearer than {limit:.3f}" if limit is not None
            else f"{rate}: too few impostor pairs ({one['impostor_pairs']})" for rate, limit in limits.items()
        )  # fmt: skip
        rows.append((name, one["kind"], real, more, f"`{one['sha256'][:16]}`", one["licence"]))
    return table(("judge", "kind", "on real pictures", "thresholds", "SHA-256", "licence"), rows)


def failures(told: Mapping[str, Any]) -> list[str]:
    """What was not made, and where no face was found, a row a method."""
    finders = sorted({name for one in told["failures"].values() for name in one["no_face"]})
    rows = [
        (name, f"{len(one['not_made'])} of {one['asked']}", *(str(one["no_face"].get(judge, "")) for judge in finders))
        for name, one in told["failures"].items()
    ]
    return table(("", "not made", *(f"not detected ({name})" for name in finders)), rows)


def compared(told: Mapping[str, Any]) -> dict[str, Any]:
    """Everyone less the first method: its name, the metrics, rows of (name, [difference])."""
    first = next(iter(told["methods"]))
    ending = f" - {first}"  # the first method comes first in no other pair
    rows = [
        (pair.removesuffix(ending), row)
        for pair, row in told["comparisons"].items()
        if pair.endswith(ending) and pair.removesuffix(ending) in told["methods"]
    ]
    shown = [metric for metric in metrics(told) if any(metric in row for _, row in rows)]
    cells = [(name, [difference(metric, row.get(metric)) for metric in shown]) for name, row in rows]
    return {"first": first, "metrics": shown, "rows": cells}


def difference(metric: str, one: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Value, interval, and "better", "worse" or "" where the interval holds 0."""
    if one is None:
        return "", "", ""
    scale, form = (100, "+.0f") if metric.partition("/")[0] in PERCENT else (1, "+.3f")
    value: float = one["value"]
    text, low, high = format(value * scale, form), one["low"], one["high"]
    if low is None or high is None:
        return text, "", ""
    span = f"[{format(low * scale, form)}, {format(high * scale, form)}]"
    sign = BETTER.get(metric.partition("/")[0], 1)
    if low * sign > 0 and high * sign > 0:
        return text, span, "better"
    return text, span, "worse" if low * sign < 0 and high * sign < 0 else ""


def differences(told: Mapping[str, Any]) -> list[str]:
    """Everyone less the first method; bold: the interval does not hold 0."""
    found = compared(told)
    rows = [
        (name, *(f"**{text} {span}**" if sign else f"{text} {span}".strip() for text, span, sign in cells))
        for name, cells in found["rows"]
    ]
    return table((f"less {found['first']}", *(title(metric) for metric in found["metrics"])), rows)


def _named(told: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name, one in told["judges"].items() if one["kind"] == kind]
