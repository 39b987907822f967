"""A folder of photos -> a set of stimuli for experiments: `mien stimuli`.

Top to bottom: cut every edit to one frame (resumable), learn the set's luminance, finish and measure every picture,
then write the manifest, what the set is, and a sheet. How: docs/stimuli.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien import __version__
from mien.credentials import Credentials
from mien.editor import Editor
from mien.errors import MienError
from mien.formats import write, write_bytes
from mien.picture import Picture, read
from mien.provenance import stamped, write_signed
from mien.sheet import grid
from mien.surfaces.folders import workers as processes
from mien.surfaces.folders.folder import pictures, place
from mien.surfaces.folders.journal import Journal
from mien.surfaces.folders.names import labels
from mien.surfaces.folders.runs import (
    Made,
    Summary,
    Tell,
    check_face,
    expressions_of,
    failed,
    is_done,
    note,
    strengths_of,
)  # fmt: skip
from mien.surfaces.folders.table import sha256_of, write_table
from mien.surfaces.stimuli.make import EYES, Cutter, Finisher, Job, Options, Sitter, begin, make
from mien.surfaces.stimuli.measures import Describer

JOURNAL, MANIFEST, ABOUT, SHEET = ".mien-stimuli.jsonl", "manifest.csv", "stimuli.json", "sheet.png"

COLUMNS = (
    "output", "output_sha256", "id", "expression", "strength", "measured_strength", "motion", "identity_distance",
    *EYES, "zoom", "beyond", "lightness", "contrast", "clipped", "input", "input_sha256", "box", "model",
    "model_sha256", "version", "seed", "time", "error",
)  # fmt: skip
"""What each means: docs/stimuli.md."""

PEOPLE, TILE = 6, 128
"""On the sheet at most, and px of a picture there."""


def stimuli(
    source: Path,
    out: Path,
    options: Options = Options(),
    model: str | Path | None = None,
    workers: int | None = None,
    tell: Tell | None = None,
    credentials: Credentials | None = None,
) -> Summary:
    """Make the set of every picture below `source` in `out`, or go on where a run before stopped."""
    if any(abs(100 * value - round(100 * value)) > 1e-6 for value in strengths_of(options.strengths)):
        raise MienError("strengths of stimuli are whole percents, such as 0.25, as their names say them")
    check_face(options.face)
    if options.face == "all":
        raise MienError("a stimulus shows one face: 'largest' or a number from 1 on")
    if options.embedder:
        Describer(options.embedder)  # says at once if it is none
    options = replace(options, strengths=strengths_of(options.strengths))
    editor = Editor(model, threads=1)
    expressions = expressions_of(options.expressions, editor)
    found = pictures(source)
    if not found:
        raise MienError(f"no pictures in {source} (JPEG, PNG, WebP, TIFF, BMP)")
    place(source, out, JOURNAL)
    job = Job(source.resolve(), out.resolve(), editor.generator.path.resolve(), expressions, options, None, credentials)
    named = zip(found, labels([one.path for one in found]), strict=True)
    sitters = [Sitter(one.path, one.trouble, label) for one, label in named]
    head = _head(job, editor)
    with Journal(out / JOURNAL, head) as journal:
        _cut(sitters, job, journal, processes.count(workers), tell)
        job = replace(job, light=_light(sitters, journal) if options.match else None)
        done = _finish(sitters, job, journal, processes.count(workers), tell)
    rows = [row for made in done for row in made.rows]
    manifest = write_table(out / MANIFEST, COLUMNS, ({k: v for k, v in row.items() if k in COLUMNS} for row in rows))
    good = [row for row in rows if not row["error"]]
    if good:
        drawn = Picture(_sheet(good, out))
        told = {"edited": any(options.strengths), "made": "sheet", "strengths": list(options.strengths)}
        told |= {"mien": __version__, "expressions": head["expressions"]}
        told |= {"model": {"name": good[0]["model"], "sha256": good[0]["model_sha256"]}}
        if options.provenance:
            write_signed(out / SHEET, stamped(drawn, told), credentials)
        else:
            write(out / SHEET, drawn)
    _about(out, job, head, good)
    failures = [(row["input"], row["error"]) for row in rows if row["error"]]
    return Summary(len(sitters), len(good), failures, manifest)


def background_of(text: str) -> tuple[int, int, int] | None:
    """Read keep, grey, or a colour such as #808080."""
    if text == "keep":
        return None
    match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    if text in ("grey", "gray"):
        return 128, 128, 128
    if match is None:
        raise MienError(f"cannot read the background '{text}': write keep, grey, or a colour such as #808080")
    red, green, blue = (int(part, 16) for part in match.groups())
    return red, green, blue


def _head(job: Job, editor: Editor) -> dict[str, Any]:
    """What has to be the same for going on with the first pass."""
    options = job.options
    return {
        "mien": __version__,
        "model_sha256": editor.generator.sha256,
        "photos": str(job.root),
        "expressions": [str(one) for one in job.expressions],
        "strengths": list(options.strengths),
        "crop": [options.framing.width, options.framing.height],
        "face": str(options.face),
    }


def _cut(sitters: Sequence[Sitter], job: Job, journal: Journal, workers: int, tell: Tell | None) -> None:
    """The first pass: what is not cut yet."""
    todo = [sitter for sitter in sitters if not is_done(sitter.path, job.root, job.out, journal)]

    def lost(sitter: Sitter, why: str) -> Made:
        return failed(sitter.path, job.root, why, readable=not sitter.trouble)

    done = len(sitters) - len(todo)
    if tell:
        tell(done, 2 * len(sitters))
    for number, (_, made) in enumerate(processes.work(todo, make, begin, (Cutter, job), lost, workers), done + 1):
        note(journal, made)
        if tell:
            tell(number, 2 * len(sitters))


def _light(sitters: Sequence[Sitter], journal: Journal) -> tuple[float, float] | None:
    """The mean of the pictures' mean lightness, and of their contrasts: what the set is brought to."""
    figures = [
        (row["mean"], row["deviation"])
        for sitter in sitters
        for row in journal.read(sitter.path)["rows"]
        if not row["error"] and row["asked"]
    ]
    if not figures:
        return None
    mean, deviation = np.array(figures).mean(axis=0)
    return float(mean), float(deviation)


def _finish(sitters: Sequence[Sitter], job: Job, journal: Journal, workers: int, tell: Tell | None) -> list[Made]:
    """The second pass, in the order of the photos; it is done anew in every run."""
    told = [Made(s.path, **{k: journal.read(s.path)[k] for k in ("stamp", "rows", "failed")}) for s in sitters]

    def lost(cut: Made, why: str) -> Made:
        return failed(cut.path, job.root, why)

    done = {made.path: made for made in told if made.failed}
    todo = [made for made in told if not made.failed]
    for cut, made in processes.work(todo, make, begin, (Finisher, job), lost, workers):
        done[cut.path] = made
        if tell:
            tell(len(sitters) + len(done), 2 * len(sitters))
    return [done[sitter.path] for sitter in sitters]


def _sheet(rows: Sequence[dict[str, Any]], out: Path) -> np.ndarray:
    """A row a photo and expression, a column a strength, of some photos, evenly chosen."""
    people = list(dict.fromkeys(row["id"] for row in rows))
    shown = people if len(people) <= PEOPLE else [people[i * len(people) // PEOPLE] for i in range(PEOPLE)]
    lines: dict[tuple[str, str], list[tuple[str, np.ndarray] | None]] = {}
    for row in rows:
        if row["id"] in shown:
            label = f"{row['id'][:8]} {row['expression'][:12]} {row['strength']}"
            lines.setdefault((row["id"], row["expression"]), []).append((label, _tile(out / row["output"])))
    return grid(list(lines.values()), TILE)


def _tile(path: Path) -> np.ndarray:
    pixels = read(path).pixels
    height, width = pixels.shape[:2]
    side = max(height, width)
    square = np.full((side, side, 3), 255, np.uint8)
    square[(side - height) // 2 :, (side - width) // 2 :][:height, :width] = pixels
    return cv2.resize(square, (TILE, TILE), interpolation=cv2.INTER_AREA)


def _about(out: Path, job: Job, head: dict[str, Any], good: Sequence[dict[str, Any]]) -> None:
    """What the set is, in stimuli.json."""
    options, framing = job.options, job.options.framing
    found = np.array([[float(row[key]) for key in EYES] for row in good if EYES[0] in row]).reshape(-1, 2, 2)
    off = np.linalg.norm(found - framing.eyes, axis=-1)
    told = {key: value for key, value in head.items() if key != "photos"} | {
        "eyes": framing.eyes.tolist(),
        "background": "keep" if options.background is None else list(options.background),
        "lightness": None if job.light is None else {"mean": job.light[0], "deviation": job.light[1]},
        "embedder_sha256": sha256_of(options.embedder) if options.embedder else None,
        "pictures": len(good),
        "measured": {
            "faces_found": len(found),
            "eyes_off_mean_px": round(float(off.mean()), 3) if len(found) else None,
            "eyes_off_most_px": round(float(off.max()), 3) if len(found) else None,
            "clipped_most": max((float(row["clipped"]) for row in good), default=0.0),
        },
    }
    write_bytes(out / ABOUT, (json.dumps(told, indent=1) + "\n").encode())
