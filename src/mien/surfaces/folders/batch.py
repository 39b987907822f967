"""A folder of photos -> a folder of edits, in processes, resumable: `mien batch`.

Top to bottom: plan one task a photo, do those that are not done yet, write the manifest. A photo or an edit that fails
becomes a row that says why. The photos are only read, and `OUT` may not lie where they do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from mien import __version__
from mien.credentials import Credentials
from mien.editor import Editor, Portrait
from mien.errors import MienError
from mien.expression import Expression
from mien.face import Choice
from mien.formats import EXTENSIONS
from mien.inside import target
from mien.surfaces.folders import workers as processes
from mien.surfaces.folders.folder import Found, pictures, place, stamp
from mien.surfaces.folders.journal import Journal
from mien.surfaces.folders.names import slug, stems
from mien.surfaces.folders.runs import (
    Made,
    Summary,
    Tell,
    boxes,
    check_face,
    expressions_of,
    failed,
    is_done,
    made_with,
    note,
    reason,
    signed,
    strengths_of,
)  # fmt: skip
from mien.surfaces.folders.table import sha256_of, write_table

JOURNAL, MANIFEST = ".mien-batch.jsonl", "manifest.csv"
ENGINES = ("local", "ray")

COLUMNS = (
    "input", "input_sha256", "output", "output_sha256", "faces", "box", "expression", "strength", "model",
    "model_sha256", "version", "seed", "time", "error",
)  # fmt: skip
"""input, output: relative to IN and OUT. faces: how many were edited; box: x0 y0 x1 y1 of each in photo px, with ";"
between. seed: 0 always, as nothing is drawn by chance. time: seconds of this edit, the one column that differs between
two runs. error: what went wrong, "" if nothing; a photo that cannot be used has one row without expression."""


@dataclass(frozen=True)
class Options:
    """expressions: as `parse` reads them, or "all" for the seven names, as far as the weights know them. strengths: as
    in `Portrait.edit`. form: extension of the outputs without dot, "" for that of each photo."""

    expressions: tuple[str, ...] = ("all",)
    strengths: tuple[float, ...] = (1.0,)
    face: Choice = "largest"
    form: str = ""
    provenance: bool = True


@dataclass(frozen=True)
class Edits:
    """One photo to do. path, stem: relative to the folders, with "/"; suffix: of the outputs, with its dot."""

    path: str
    trouble: str
    stem: str
    suffix: str


@dataclass(frozen=True)
class Job:
    """What every process has to know. model: a file; credentials: to sign with, and in no file of ours."""

    root: Path
    out: Path
    model: Path
    expressions: tuple[Expression, ...]
    options: Options
    credentials: Credentials | None = field(default=None, repr=False)


def batch(
    source: Path,
    out: Path,
    options: Options = Options(),
    model: str | Path | None = None,
    workers: int | None = None,
    engine: str = "local",
    tell: Tell | None = None,
    credentials: Credentials | None = None,
) -> Summary:
    """Edit every picture below `source` into `out`, or go on where a run before stopped. What is signed with
    `credentials` is new to the byte in every run: C2PA draws lots."""
    if engine not in ENGINES:
        raise MienError(f"the engine is {' or '.join(ENGINES)}, not '{engine}'")
    form = options.form.lower().removeprefix(".")
    if form and f".{form}" not in EXTENSIONS:
        raise MienError(f"unknown format '{options.form}'; known: {', '.join(e[1:] for e in EXTENSIONS)}")
    options = replace(options, form=form, strengths=strengths_of(options.strengths))
    check_face(options.face)
    editor = Editor(model, threads=1)
    expressions = expressions_of(options.expressions, editor)
    found = pictures(source)
    if not found:
        raise MienError(f"no pictures in {source} (JPEG, PNG, WebP, TIFF, BMP)")
    place(source, out, JOURNAL)
    job = Job(source.resolve(), out.resolve(), editor.generator.path.resolve(), expressions, options, credentials)
    tasks = plan(found, options)
    with Journal(out / JOURNAL, head(job, editor)) as journal:
        todo = [task for task in tasks if not is_done(task.path, job.root, job.out, journal)]
        if tell:
            tell(len(tasks) - len(todo), len(tasks))
        for number, made in enumerate(_engine(engine)(todo, job, workers), len(tasks) - len(todo) + 1):
            note(journal, made)
            if tell:
                tell(number, len(tasks))
        written = write_table(out / MANIFEST, COLUMNS, _rows(tasks, journal))
        failures = [(row["input"], row["error"]) for row in _rows(tasks, journal) if row["error"]]
        count = sum(1 for row in _rows(tasks, journal) if not row["error"])
    return Summary(len(tasks), count, failures, written)


def plan(found: Sequence[Found], options: Options) -> list[Edits]:
    """One task a photo, in the order of their paths."""
    paths = [one.path for one in found]
    return [
        Edits(one.path, one.trouble, stem, f".{options.form}" if options.form else PurePosixPath(one.path).suffix)
        for one, stem in zip(found, stems(paths, options.form), strict=True)
    ]


def head(job: Job, editor: Editor) -> dict[str, Any]:
    """What has to be the same for going on."""
    told = asdict(job.options) | {"expressions": [str(one) for one in job.expressions], "face": str(job.options.face)}
    return {
        "mien": __version__,
        "model_sha256": editor.generator.sha256,
        "photos": str(job.root),
        **told,
        **signed(job.credentials),
    }


def local(todo: Sequence[Edits], job: Job, workers: int | None) -> Iterator[Made]:
    """The photos as they are done, by processes of this machine."""

    def lost(task: Edits, why: str) -> Made:
        return failed(task.path, job.root, why, readable=not task.trouble)

    for _, made in processes.work(todo, make, begin, (job,), lost, processes.count(workers)):
        yield made


def _engine(name: str) -> Callable[[Sequence[Edits], Job, int | None], Iterator[Made]]:
    if name == "ray":
        from mien.surfaces.folders.batch_ray import on_ray

        return on_ray
    return local


def _rows(tasks: Sequence[Edits], journal: Journal) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for row in journal.read(task.path)["rows"]:
            yield {key: value for key, value in row.items() if key in COLUMNS}


class Worker:
    """One process' editor."""

    def __init__(self, job: Job) -> None:
        import cv2

        cv2.setNumThreads(1)  # the other processes have the other cores
        self.job, self.editor = job, Editor(job.model, threads=1)

    def make(self, task: Edits) -> Made:
        """All edits of a photo; nothing that goes wrong with it is raised."""
        job = self.job
        read_at = stamp(job.root / task.path)
        if task.trouble:
            return failed(task.path, job.root, task.trouble, readable=False)
        try:
            portrait = self.editor.open(job.root / task.path)
            known = {"input": task.path, "input_sha256": portrait.origin.get("sha256", "")}
            known |= made_with(self.editor)
            portrait.choose(job.options.face)
        except Exception as error:
            return failed(task.path, job.root, reason(error, job.root, job.out), read_at)
        rows = [
            self._edit(portrait, task, known, expression, strength)
            for expression in job.expressions
            for strength in job.options.strengths
        ]
        return Made(task.path, read_at, rows, sum(bool(row["error"]) for row in rows))

    def _edit(
        self, portrait: Portrait, task: Edits, known: dict[str, Any], expression: Expression, strength: float
    ) -> dict[str, Any]:
        job, began = self.job, time.perf_counter()
        name = f"{task.stem}_{slug(expression)}_{strength:g}{task.suffix}"
        row = known | {"expression": str(expression), "strength": f"{strength:g}", "error": ""}
        try:
            path = target(job.out, name)
            edit = portrait.edit(expression, strength, job.options.face)
            edit.save(path, job.options.provenance, job.credentials)
            row |= {"faces": len(edit.faces), "box": boxes(edit.faces), "output": name, "stamp": stamp(path)}
            row |= {"output_sha256": sha256_of(path)}
        except Exception as error:
            row |= {"error": reason(error, job.root, job.out)}
        return row | {"time": f"{time.perf_counter() - began:.3f}"}


_worker: Worker | None = None


def begin(job: Job) -> None:
    """A process begins."""
    global _worker
    _worker = Worker(job)


def make(task: Edits) -> Made:
    """A process does a photo."""
    assert _worker is not None
    return _worker.make(task)
