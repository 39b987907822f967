"""The figures of uc_gan.py as a Markdown page, and its picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

TITLES = {
    "input": "identity copy (the input)",
    "base": "base (ICMR 2018): U-Net + condition + L1 + GAN",
    "pairs": "base + other-identity pairs",
    "triplet": "base + triplet",
    "both": "both (TOMM 2019)",
    "noskip": "both, no skips",
    "rig": "the rig that taught them",
    "default": "mien's default generator",
    "real smiles": "real smiles",
    "retrained": "the default retrained with pairs and triplet (configs/base_identity.toml, 600 steps)",
    "uc-gan": "`--model uc-gan` as shipped (10,000 steps; laid over the photo)",
}
COLUMNS = ("expression", "verified 1%", "verified 0.1%", "first of all", "ACD", "detected", "L1", "SSIM")
NAMES = ("happy", "sad", "anger", "fear", "disgust", "surprise")
SHOWN = ("012", "103", "130", "062")


def cell(key: str, one: dict | None) -> str:
    """Such as 71% [62, 80]."""
    if one is None:
        return ""
    if key in ("ACD", "L1", "SSIM"):
        return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
    return f"{one['value']:.0%} [{one['low'] * 100:.0f}, {one['high'] * 100:.0f}]"


def ordered(names: dict) -> list[str]:
    """The table's rows, variants that are not of the five behind them."""
    order = ["real smiles", "input", "base", "pairs", "triplet", "both", "noskip"]
    rest = sorted(set(names) - set(order) - {"rig", "default"})
    return [n for n in [*order, *rest, "rig", "default"] if n in names]


def page(result: dict) -> str:
    """The figures as Markdown; what they say is in `docs/uc_gan.md`, written by hand."""
    methods, runs = result["methods"], {n: r for n, r in result["runs"].items() if "step" in r}
    lines = [
        "# The paper's system: figures",
        "",
        f"    {result['command']}",
        "",
        f"{result['people']} `val` people, six expressions each from a neutral crop of 128 px; runs of",
        f"{', '.join(sorted({str(r['step']) for r in runs.values()}))} steps of "
        f"{', '.join(sorted({str(r['config']['optimiser']['batch']) for r in runs.values()}))} faces, width "
        f"{', '.join(sorted({str(r['config']['width']) for r in runs.values()}))}. Means over people (and seeds), 95%",
        "bootstrap intervals over people. Expression: called right by face-api, with which the rig's prototypes were",
        "tuned on these people. Identity: `faceres`, which no loss has seen, against the neutral photo; thresholds let",
        "1% and 0.1% of real impostor pairs pass at the same 128 px; *first of all*: nearer to the own neutral photo",
        "than to those of 81 others; ACD: mean distance (impostors "
        f"{result['impostor_mean']:.2f}). L1 and SSIM: happy beside the person's real smile.",
        "What these figures say: [docs/uc_gan.md](../uc_gan.md).",
        "",
        "| | seeds | " + " | ".join(COLUMNS) + " |",
        "| --- | --- |" + " --- |" * len(COLUMNS),
    ]
    for name in ordered(methods):
        seeds = len(methods[name]["expression"]["seeds"])
        cells = [cell(key, methods[name].get(key)) for key in COLUMNS]
        lines.append(f"| {TITLES.get(name, name)} | {seeds} | " + " | ".join(cells) + " |")
    lines += ["", "| called right | " + " | ".join(NAMES) + " |", "| --- |" + " --- |" * len(NAMES)]
    for name in ordered(methods):
        cells = [cell(k, methods[name].get(k)) for k in (f"expression/{n}" for n in NAMES)]
        lines.append(f"| {TITLES.get(name, name)} | " + " | ".join(cells) + " |")
    keys = ("expression", "verified 0.1%", "first of all", "ACD", "SSIM")
    lines += [
        "",
        "Differences, person by person (over the seeds that both have); an interval without 0 is a difference:",
    ]
    lines += ["", "| | " + " | ".join(keys) + " |", "| --- |" + " --- |" * len(keys)]
    for title, found in result["differences"].items():
        cells = [f"{found[k]['value']:+.3f} [{found[k]['low']:+.3f}, {found[k]['high']:+.3f}]" for k in keys]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", "| each seed | " + " | ".join(("expression", "ACD", "SSIM")) + " |", "| --- | --- | --- | --- |"]
    for name in ordered(methods):
        if len(methods[name]["expression"]["seeds"]) > 1:
            cells = [", ".join(f"{v:.3f}" for v in methods[name][k]["seeds"]) for k in ("expression", "ACD", "SSIM")]
            lines.append(f"| {TITLES.get(name, name)} | " + " | ".join(cells) + " |")
    lines += ["", "![Rows: methods; columns: six expressions of two people](../pictures/uc_gan.jpg)", ""]
    lines += [
        "Rows of the picture: "
        + ", ".join(TITLES.get(n, n) for n in ordered(methods) if n not in ("input", "real smiles", "uc-gan"))
        + "."
    ]
    if result["kept"]:
        fresh = [n for n in ordered(methods) if n not in (*result["kept"], "input", "real smiles")]
        lines += [
            "",
            f"Rows that stand as they were measured, their runs being gone: {', '.join(result['kept'])}. The picture",
            f"above was made with them; the one below shows what was measured now: {', '.join(fresh)}.",
            "",
            "![The same people and expressions, by what was measured now](../pictures/uc_gan_now.jpg)",
        ]
    lines += ["", "| run | step | SHA-256 of its checkpoint |", "| --- | --- | --- |"]
    lines += [f"| {name} | {run['step']} | `{run['sha256'][:16]}` |" for name, run in runs.items()]
    lines += [
        f"| {name} | | `{run['sha256'][:16]}` (.onnx) |" for name, run in result["runs"].items() if "default" in run
    ]
    return "\n".join(lines) + "\n"


def picture(path: Path, methods: dict[str, dict[str, dict[tuple[str, str], Path]]], tile: int = 150) -> None:
    """A row a method, two people side by side, the six expressions each. Generated pictures only, no photograph."""
    rows = []
    for name in ordered(methods):
        if name == "input":
            continue
        made = next(iter(methods[name].values()))
        faces = [cv2.imread(str(made[person, n])) for person in SHOWN[:2] for n in NAMES]
        rows.append(np.hstack([cv2.resize(f[20:, 30:-30], (tile, tile * 364 // 324), interpolation=cv2.INTER_AREA)
                               for f in faces]))  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])
