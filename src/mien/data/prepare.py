"""`mien data prepare`: from a database's folder to one that can be trained on, in processes, resumable.

Top to bottom: read the names, plan the crops, make what is not yet made, then settle what only all together can tell
(duplicates, splits) and write manifest, contact sheet and description.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien import __version__
from mien.data.check import Seen, report_of, sound, untrainable
from mien.data.contact import contact_sheet
from mien.data.crops import Task, is_whole, make
from mien.data.databases import Database
from mien.data.filters import Filters
from mien.data.journal import JOURNAL, Journal
from mien.data.locate import Located, locate
from mien.data.manifest import COLUMNS, CROPS, FORMAT, MANIFEST, SHEET, write_dataset, write_manifest
from mien.data.names import crop_names
from mien.data.pool import WITH_RIG, WORKERS, Maker, count_workers, work
from mien.data.record import Note, Record
from mien.data.splits import FOLDS, part_of, split
from mien.errors import MienError

SIZES = (128, 256)
Tell = Callable[[int, int], None]
"""Told after each task: how many pictures are done, of how many."""


@dataclass(frozen=True)
class Options:
    """size: of a crop, px. frames: of each sequence, None for the database's own number. split: one of
    `mien.data.splits.SCHEMES`, "" for the database's usual one. variants: renders of each person in each expression
    (the open set)."""

    size: int = 128
    filters: Filters = field(default_factory=Filters)
    frames: int | None = None
    split: str = ""
    folds: int = FOLDS
    seed: int = 1
    variants: int = 3


@dataclass(frozen=True)
class Summary:
    """What was prepared: the content of dataset.json, and why nothing can be trained on it, "" if something can."""

    told: dict[str, Any]
    untrainable: str


def prepare(
    database: Database,
    path: Path,
    out: Path,
    options: Options = Options(),
    workers: int | None = None,
    tell: Tell | None = None,
) -> Summary:
    """Prepare the database in `path` into `out`, or go on where a run before stopped."""
    if options.size not in SIZES:
        raise MienError(f"--size is {' or '.join(map(str, SIZES))}, not {options.size}")
    located = locate(database, path, options.filters, options.frames)
    if located.wrong:
        raise MienError(located.wrong)
    scheme = options.split or usual_split(located)
    parts = split(located.reading.records, scheme, options.folds, options.seed)
    tasks, maker = _plan(located, out, options)
    _place(out)
    head = {"format": FORMAT, "database": database.name, "size": options.size}
    with Journal(out, head) as journal:
        most = WORKERS if maker is make else WITH_RIG
        _run(tasks, located.tree.root, maker, journal, count_workers(workers, most), tell)
        pairs = [pair for task in tasks for pair in zip(task.records, task.names, strict=True)]
        kept, notes = _settle(pairs, journal, database, out)
        write_manifest(out, _rows(kept, parts, journal))
        retried = [
            {"path": record.path, "how": row["found"]} for record, row in _with_rows(kept, journal) if row["found"]
        ]
        contact_sheet(out, kept, out / SHEET)
        told = _description(located, path, options, scheme, parts, kept, notes, retried)
        write_dataset(out, told)
        journal.tidy([name for _, name in pairs])
    return Summary(told, told["hint"] if not told["trainable"] else "")


def usual_split(located: Located) -> str:
    """The database's own where people are not told apart, and the open set's; else k-fold."""
    known = any(record.identity for record in located.reading.records)
    return "own" if located.database.name == "open" or not known else "k-fold"


def _plan(located: Located, out: Path, options: Options) -> tuple[list[Task], Maker]:
    """The tasks, in the order of the records, and who does them."""
    records, root = located.reading.records, located.tree.root
    if located.database.name == "open":
        from mien.data.open_faces import make_person, plan_people

        return plan_people(root, records, out, options.size, options.variants), make_person
    named = zip(records, crop_names(records), strict=True)
    return [Task(str(root), (record,), (name,), str(out), options.size) for record, name in named], make


def _place(out: Path) -> None:
    """Make the folder `out`; refuse one that holds other things."""
    if out.exists() and not out.is_dir():
        raise MienError(f"{out} is a file, not a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / JOURNAL).is_file():
        raise MienError(f"{out} is not empty, and 'mien data prepare' did not make it: give a new folder")
    if not (out / CROPS).resolve().is_relative_to(out.resolve()):
        raise MienError(f"{out / CROPS} is a link that leads out of {out}: nothing is written or removed there")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for left in (*out.glob(".*.part"), *(out / CROPS).rglob(".*.part")):  # of a run that was killed
            left.unlink(missing_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {out}: {error.strerror}") from None


def _run(tasks: list[Task], root: Path, maker: Maker, journal: Journal, workers: int, tell: Tell | None) -> None:
    """Do the tasks that are not done yet."""
    stamps = {path: _stamp(root / path) for path in {record.path for task in tasks for record in task.records}}
    twins = Counter(entry.digest for entry in journal.entries.values())

    def is_done(task: Task) -> bool:
        for record, name in zip(task.records, task.names, strict=True):
            entry = journal.entries.get(name)
            if entry is None or entry.stamp != stamps[record.path]:
                return False
            # of pictures that are the same only one has a crop
            if not entry.trouble and twins[entry.digest] == 1 and not is_whole(Path(task.out) / name):
                return False
        return True

    count = sum(len(task.records) for task in tasks)
    todo = [task for task in tasks if not is_done(task)]
    done = count - sum(len(task.records) for task in todo)
    if tell:
        tell(done, count)
    for task, made in work(todo, maker, workers):
        for record, one in zip(task.records, made, strict=True):
            journal.add(one, stamps[record.path])
        done += len(made)
        if tell:
            tell(done, count)


def _stamp(path: Path) -> str:
    """Size and time of a source: a picture that has changed is made again."""
    try:
        found = path.stat()
    except OSError:
        return "gone"
    return f"{found.st_size} {found.st_mtime_ns}"


Pairs = list[tuple[Record, str]]
"""Records and the names of their crops."""


def _settle(pairs: Pairs, journal: Journal, database: Database, out: Path) -> tuple[Pairs, list[Note]]:
    """The pairs whose crops stay, and notes on the others; crops that no row names are removed."""
    names = {id(record): name for record, name in pairs}
    entries = [journal.entries[name] for _, name in pairs]
    seen = [Seen(entry.digest, entry.trouble) for entry in entries]
    records, notes = sound([record for record, _ in pairs], seen, database)
    if not records:
        why, times = Counter(note.reason.partition(":")[0] for note in notes).most_common(1)[0]
        first = notes[0]
        count = f"none of {len(pairs)} pictures could be prepared ({times} times: {why})"
        raise MienError(f"{count}, such as {first.path}: {first.reason}")
    kept = [(record, names[id(record)]) for record in records]
    wanted = {name for _, name in kept}
    for crop in (out / CROPS).rglob("*.png"):
        if crop.relative_to(out).as_posix() not in wanted:
            crop.unlink(missing_ok=True)
    return kept, notes


def _with_rows(kept: Pairs, journal: Journal) -> Iterator[tuple[Record, dict[str, Any]]]:
    for record, name in kept:
        yield record, journal.row(name)


def _rows(kept: Pairs, parts: dict[str, str], journal: Journal) -> Iterator[dict[str, Any]]:
    """The rows of the manifest."""
    for (record, name), (_, row) in zip(kept, _with_rows(kept, journal), strict=True):
        known = {key: "" if value is None else value for key, value in asdict(record).items()}
        source = known.pop("path")
        yield {"crop": name, "source": source, **known, "split": part_of(record, parts), **row}


def _description(
    located: Located,
    path: Path,
    options: Options,
    scheme: str,
    parts: dict[str, str],
    kept: Pairs,
    notes: list[Note],
    retried: list[dict[str, str]],
) -> dict[str, Any]:
    """What dataset.json says."""
    database, reading = located.database, located.reading
    report = report_of(located, path)
    report.records = [record for record, _ in kept]
    report.skipped += notes
    report.wrong = untrainable(report.records, database)
    told = report.as_dict()
    filters = {key: list(value) for key, value in asdict(options.filters).items() if value}
    more: dict[str, Any] = {"variants": options.variants} if database.name == "open" else {}
    frames = database.peak if options.frames is None else options.frames
    if database.peak:
        more["frames"] = frames
    counts = ("pictures", "identities", "by_expression", "by_identity")
    return {
        "format": FORMAT,
        "mien": __version__,
        "database": database.name,
        "title": database.title,
        "source": str(path),
        "licence": database.licence,
        "fit_for": database.fit_for,
        "trainable": told["trainable"],
        "hint": told["hint"],
        "options": {"size": options.size, **filters, **more},
        "counts": {key: told[key] for key in counts}
        | {"by_split": dict(sorted(Counter(part_of(record, parts) for record, _ in kept).items()))},
        "split": {
            "scheme": scheme,
            "folds": options.folds,
            "seed": options.seed,
            "identities": dict(sorted(parts.items())),
        },
        "repaired": told["repaired"],
        "retried": retried,
        "skipped": told["skipped"],
        "left_out": reading.left_out,
        "missing": told["missing"],
        "files": {"rows": MANIFEST, "crops": CROPS, "sheet": SHEET, "columns": list(COLUMNS)},
    }
