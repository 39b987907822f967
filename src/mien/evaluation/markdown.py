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
    elif kind in ("psnr", "fid"):
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
    lines += ["## Failures", "", *failures(told), ""]
    return "\n".join(lines)


def methods(told: Mapping[str, Any], prefix: str = "") -> list[str]:
    """One row a method."""
    shown = metrics(told, prefix)
    rows = [
        (name, *(cell(metric, one.get(prefix + metric)) for metric in shown)) for name, one in told["methods"].items()
    ]
    if told["real"] and not prefix:
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


def _named(told: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name, one in told["judges"].items() if one["kind"] == kind]
