"""A prepared folder -> an ImageFolder of generated, labelled faces; resumable, each file whole or not at all.

OUT gets <expression>/<person>_<crop>_<strength>.png, manifest.csv with a row a picture, also for what failed, and
augment.json, which says of whom, with which weights and under which licence. The prepared folder is only read.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien import __version__
from mien.augment.plan import Planned, people_of, plan
from mien.data.crops import Made
from mien.data.journal import JOURNAL, Journal
from mien.data.labelled import Row, identities, licence_of, read_rows
from mien.data.manifest import MANIFEST, read_dataset
from mien.data.prepared import training_parts
from mien.editor import Editor, Portrait
from mien.errors import MienError
from mien.expression import MAX_AMOUNT
from mien.face import Face, face_box
from mien.face.align import SIZE, apply, crop_transform
from mien.formats import write_bytes
from mien.inside import outside, target
from mien.picture import read

FORMAT, DESCRIPTION = 1, "augment.json"
KEPT = ("val", "test")
"""Parts that are for measuring alone: nothing to train on is made of their people."""

COLUMNS = (
    "file", "expression", "strength", "identity", "split", "crop", "crop_expression", "crop_sha256", "sha256", "model",
    "model_sha256", "mien", "seed", "error",
)  # fmt: skip

Tell = Callable[[int, int], None]
"""Told after each face: how many are done, of how many."""


@dataclass(frozen=True)
class Options:
    """expressions: names. strengths: each face has one of them, in (0, 1.3]. per_person: faces of each person in each
    expression. sources: expressions of the photographs to start from, none named: all. split: parts of the
    prepared split, none named: all that are trained on. fold: of a k-fold split, the part that is not trained on."""

    expressions: tuple[str, ...] = ()
    strengths: tuple[float, ...] = (0.7, 1.0)
    per_person: int = 2
    sources: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    fold: int = 0
    seed: int = 1


@dataclass(frozen=True)
class Summary:
    """told: the content of augment.json; failed: rows with an error."""

    told: dict[str, Any]
    failed: list[dict[str, Any]]


def augment(
    prepared: Path, out: Path, editor: Editor, options: Options = Options(), tell: Tell | None = None
) -> Summary:
    """Make the faces into `out`, or go on where a run before stopped."""
    told, rows = read_dataset(prepared), read_rows(prepared)
    parts = chosen_parts(prepared, told, options)
    expressions = _expressions(editor, options)
    _check(rows, prepared, out, options)
    mine = people_of(rows, parts, options.sources)
    planned = plan(mine, expressions, options.strengths, options.per_person, options.seed)
    if not planned:
        raise MienError(
            f"there is nothing to make: no photograph of {', '.join(parts)} in {prepared} fits what was asked"
        )
    _place(out)
    head = _head(told, editor, options, parts, expressions)
    with Journal(out, head) as journal:
        _clear(out)
        _run(planned, prepared, out, editor, journal, tell)
        lines = [_line(one, journal, editor, options) for one in planned]
        _tidy(out, journal, {one.name for one in planned})
    failed = [line for line in lines if line["error"]]
    said = _description(prepared, told, editor, head, mine, lines)
    _write_manifest(out, lines)
    write_bytes(out / DESCRIPTION, json.dumps(said, indent=1, ensure_ascii=False).encode() + b"\n")
    return Summary(said, failed)


def chosen_parts(prepared: Path, told: dict[str, Any], options: Options) -> tuple[str, ...]:
    """The parts of the split whose people may be used; never those that are kept for measuring."""
    parts = training_parts(prepared, told, options.fold)
    if not options.split or options.split == ("train",):
        return parts
    there = sorted(told["counts"]["by_split"])
    for part in options.split:
        if part not in there:
            raise MienError(f"{prepared} has no part {part!r}: its parts are {', '.join(there)}")
        if part in KEPT:
            raise MienError(f"the people of {part!r} are kept for measuring: nothing to train on is made of them")
    return tuple(dict.fromkeys(options.split))


def _expressions(editor: Editor, options: Options) -> tuple[str, ...]:
    """Those asked for, or all that the weights know."""
    known = editor.generator.names
    missing = [name for name in options.expressions if name not in known]
    if missing:
        raise MienError(f"these weights do not make {missing[0]}: they make {', '.join(known)}")
    return tuple(dict.fromkeys(options.expressions)) or known


def _check(rows: Sequence[Row], prepared: Path, out: Path, options: Options) -> None:
    if not options.strengths or not all(0 < s <= MAX_AMOUNT for s in options.strengths):
        raise MienError(f"strengths must be above 0, and at most {MAX_AMOUNT}")
    if not identities(rows):
        raise MienError(f"nobody in {prepared} is told apart, so training people cannot be kept from others")
    here, there = out.resolve(), prepared.resolve()
    if here == there or there in here.parents or here in there.parents:
        raise MienError(f"{out} and {prepared} must not lie within each other: inputs are never touched")


def _place(out: Path) -> None:
    """Make the folder `out`; refuse one that holds other things."""
    if out.exists() and not out.is_dir():
        raise MienError(f"{out} is a file, not a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / JOURNAL).is_file():
        raise MienError(f"{out} is not empty, and 'mien augment' did not make it: give a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {out}: {error.strerror}") from None


def _clear(out: Path) -> None:
    """Remove halves that a killed run left behind."""
    for left in (*out.glob(".*.part"), *out.glob("*/.*.part")):
        left.unlink(missing_ok=True)


def _head(
    told: dict[str, Any], editor: Editor, options: Options, parts: Sequence[str], expressions: Sequence[str]
) -> dict[str, Any]:
    """What has to be the same for going on."""
    return {
        "format": FORMAT,
        "made": "augment",
        "database": told["database"],
        "size": told["options"]["size"],
        "split": list(parts),
        "expressions": list(expressions),
        "strengths": sorted(set(options.strengths)),
        "sources": list(options.sources),
        "per_person": options.per_person,
        "seed": options.seed,
        "model_sha256": editor.generator.sha256,
        "mien": __version__,
    }


def _run(
    planned: Sequence[Planned], prepared: Path, out: Path, editor: Editor, journal: Journal, tell: Tell | None
) -> None:
    """Make what is not made yet."""
    stamps = {crop: _stamp(prepared / crop) for crop in {one.source.crop for one in planned}}

    def is_done(one: Planned) -> bool:
        entry = journal.entries.get(one.name)
        if entry is None or entry.stamp != stamps[one.source.crop] or entry.trouble:
            return False  # what failed is tried again
        return (out / one.name).is_file()

    todo = [one for one in planned if not is_done(one)]
    done = len(planned) - len(todo)
    if tell:
        tell(done, len(planned))
    portrait, crop, digest = None, "", ""
    for one in todo:
        if one.source.crop != crop:
            portrait, crop, digest = None, one.source.crop, ""
        try:
            if portrait is None:
                portrait = opened(prepared, one.source, editor)
                digest = portrait.origin["sha256"]
            edited = portrait.edit(one.expression, one.strength)
        except Exception as error:  # one odd crop among thousands must not stop them; its row says what happened
            what = str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
            with contextlib.suppress(MienError):  # a link: nothing is touched where it leads
                target(out, one.name).unlink(missing_ok=True)
            made = Made(one.name, digest, " ".join(what.split()))
        else:
            path = target(out, one.name)
            edited.save(path)
            made = Made(one.name, digest, row={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
        journal.add(made, stamps[one.source.crop])
        done += 1
        if tell:
            tell(done, len(planned))


def opened(prepared: Path, row: Row, editor: Editor) -> Portrait:
    """A crop as a photo whose face is known: the manifest knows better than a detector in a small crop."""
    picture = read(prepared / row.crop)
    portrait = Portrait(picture, editor.generator)
    portrait.faces = [face_of(row, picture.pixels.shape[0])]
    return portrait


def face_of(row: Row, size: int) -> Face:
    """The face of a crop of `size` px, in the crop's own pixels."""
    try:
        transform = np.array(row.transform.split(), float).reshape(2, 3)
        landmarks = np.array(row.landmarks.split(), float).reshape(68, 2)
        points = (apply(transform, landmarks) + 0.5) * (size / SIZE) - 0.5  # the outer edges of both grids coincide
        there = crop_transform(points)
    except ValueError:  # no numbers, too few, or none that a face can have
        raise MienError("the manifest does not say where the face lies: run 'mien data prepare' again") from None
    return Face(face_box(points, there), points, there)


def _stamp(path: Path) -> str:
    """Size and time of a crop: what is made of one that has changed is made again."""
    try:
        found = path.stat()
    except OSError:
        return "gone"
    return f"{found.st_size} {found.st_mtime_ns}"


def _line(one: Planned, journal: Journal, editor: Editor, options: Options) -> dict[str, Any]:
    """A row of the manifest."""
    entry = journal.entries[one.name]
    return {
        "file": "" if entry.trouble else one.name,
        "expression": one.expression,
        "strength": f"{one.strength:g}",
        "identity": one.identity,
        "split": one.source.part,
        "crop": one.source.crop,
        "crop_expression": one.source.expression,
        "crop_sha256": entry.digest,
        "sha256": journal.row(one.name).get("sha256", ""),
        "model": model_name(editor),
        "model_sha256": editor.generator.sha256,
        "mien": __version__,
        "seed": options.seed,
        "error": entry.trouble,
    }


def model_name(editor: Editor) -> str:
    return str(editor.generator.manifest.get("name") or editor.generator.path.stem)


def _tidy(out: Path, journal: Journal, wanted: set[str]) -> None:
    """Remove what a run before made and this one does not: of crops that are gone since."""
    for name in journal.entries.keys() - wanted:
        if not outside(name):  # the folder may come from somebody else
            with contextlib.suppress(OSError, MienError):
                target(out, name).unlink(missing_ok=True)


def _description(
    prepared: Path,
    told: dict[str, Any],
    editor: Editor,
    head: dict[str, Any],
    mine: Sequence[Row],
    lines: list[dict[str, Any]],
) -> dict[str, Any]:
    """What augment.json says."""
    made = [line for line in lines if not line["error"]]
    return {
        **head,
        "prepared": str(prepared),
        "title": told["title"],
        "model": model_name(editor),
        "licence": licence_of(told, "made of"),
        "people": identities(mine),
        "pictures": len(made),
        "failed": len(lines) - len(made),
        "by_expression": dict(sorted(Counter(line["expression"] for line in made).items())),
    }


def _write_manifest(out: Path, lines: list[dict[str, Any]]) -> None:
    buffer = io.StringIO(newline="")
    table = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(lines)
    write_bytes(out / MANIFEST, buffer.getvalue().encode())
