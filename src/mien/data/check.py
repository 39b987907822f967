"""`mien data check`: what is in a database's folder, what is missing, and what is the matter with the rest.

Nothing is written. Names and labels are read by the database's loader, then every picture is opened.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien.data.databases import Database
from mien.data.databases.fer2013 import pixels
from mien.data.filters import Filters
from mien.data.locate import Located, locate
from mien.data.record import Note, Record
from mien.errors import MienError
from mien.expression import NAMES
from mien.picture import read
from mien.processes import cores

DARK = 10
"""A picture whose mean (grey, 0 to 255) is below this is black."""

Tell = Callable[[int, int], None]
"""Told now and then: how many pictures are done, of how many."""


TOLD = ("database", "pictures", "identities", "by_expression", "repaired", "skipped", "missing", "trainable")
"""The keys of the object that `mien data check --json` prints; a prepared folder's dataset.json has more."""


class Seen(NamedTuple):
    """A picture that was opened: its content's SHA-256, "" if it could not be read; and what is the matter with it."""

    digest: str
    trouble: str


@dataclass
class Report:
    """What `check` says; `wrong`: why the folder is not the right one, or training cannot go ahead."""

    database: Database
    path: Path
    records: list[Record] = field(default_factory=list)
    repaired: list[Note] = field(default_factory=list)
    skipped: list[Note] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    left_out: int = 0
    hints: list[str] = field(default_factory=list)
    wrong: str = ""

    @property
    def trainable(self) -> bool:
        return not self.wrong

    def by_expression(self) -> dict[str, int]:
        """Expression -> pictures: the vocabulary's in its order, then others."""
        counts = Counter(record.expression for record in self.records)
        order = [*NAMES, *sorted(counts.keys() - set(NAMES))]
        return {name: counts[name] for name in order if name in counts}

    def by_identity(self) -> dict[str, int]:
        counts = Counter(record.identity for record in self.records if record.identity)
        return dict(sorted(counts.items()))

    def as_dict(self) -> dict[str, Any]:
        """All that is said; `TOLD` are the keys that `--json` prints."""
        return {
            "database": self.database.name,
            "title": self.database.title,
            "path": str(self.path),
            "pictures": len(self.records),
            "identities": len(self.by_identity()),
            "by_expression": self.by_expression(),
            "by_identity": self.by_identity(),
            "repaired": [note._asdict() for note in self.repaired],
            "skipped": [note._asdict() for note in self.skipped],
            "missing": self.missing,
            "left_out": self.left_out,
            "fit_for": self.database.fit_for,
            "trainable": self.trainable,
            "hint": "; ".join(filter(None, [self.wrong, *self.hints])),
        }


def check(
    database: Database,
    path: Path,
    filters: Filters = Filters(),
    frames: int | None = None,
    tell: Tell | None = None,
) -> Report:
    """Read `path` as `database`; a folder that is not it gives a report that says so."""
    located = locate(database, path, filters, frames)
    report = report_of(located, path)
    if report.wrong:
        return report
    seen = look_at(located.tree.root, report.records, tell)
    report.records, troubles = sound(report.records, seen, database)
    report.skipped += troubles
    report.wrong = untrainable(report.records, database)
    return report


def report_of(located: Located, path: Path) -> Report:
    """What the names alone say."""
    if located.elsewhere:
        return Report(located.database, path, wrong=located.wrong)
    reading = located.reading
    return Report(
        located.database,
        path,
        list(reading.records),
        list(reading.repaired),
        list(reading.skipped),
        list(reading.missing),
        reading.left_out,
        [hint for hint in reading.hints if hint not in located.wrong],
        located.wrong,
    )


def look_at(root: Path, records: list[Record], tell: Tell | None = None) -> list[Seen]:
    """Open every picture, several at a time: decoding does not hold Python's lock."""
    seen = []
    with ThreadPoolExecutor(cores()) as threads:
        for one in _in_turn(threads, lambda record: look(root, record)[0], records):
            seen.append(one)
            if tell:
                tell(len(seen), len(records))
    return seen


def _in_turn(threads: ThreadPoolExecutor, work: Callable[[Record], Seen], records: Iterable[Record]) -> Iterator[Seen]:
    """The results in order, with few pictures in memory at once."""
    waiting = iter(records)
    running = [threads.submit(work, record) for record in islice(waiting, 64)]
    while running:
        yield running.pop(0).result()
        running += [threads.submit(work, record) for record in islice(waiting, 1)]


def look(root: Path, record: Record) -> tuple[Seen, np.ndarray | None]:
    """Open a picture: what is the matter with it, and its pixels (H, W, 3) uint8 RGB if nothing is."""
    try:
        if record.frame is not None and record.path.lower().endswith(".csv"):
            rgb = np.repeat(pixels(root, record)[..., None], 3, axis=2)
            digest = hashlib.sha256(rgb.tobytes()).hexdigest()
        else:
            file = root / record.path
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            rgb = read(file).rgb
    except OSError as error:
        return Seen("", f"unreadable: {error.strerror or error}"), None
    except MienError as error:
        why = str(error).replace(f"{root / record.path} ", "").replace(f"{root / record.path}: ", "")
        return Seen("", f"unreadable: {why}"), None
    mean = float(rgb.mean())
    if mean < DARK:
        return Seen(digest, f"black: its mean is {mean:.1f} of 255"), None
    return Seen(digest, ""), rgb


def sound(records: list[Record], seen: list[Seen], database: Database) -> tuple[list[Record], list[Note]]:
    """The records whose pictures are whole, and notes on the others: unreadable, black, or the same as another.

    Frames of one sequence may be alike; any other two pictures are not.
    """
    kept, notes = [], []
    first: dict[str, Record] = {}
    for record, (digest, trouble) in zip(records, seen, strict=True):
        twin = first.get(digest)
        if trouble:
            notes.append(Note(_name(record), trouble))
        elif twin is not None and not (database.peak and _folder(twin) == _folder(record)):
            what = ", ".join(filter(None, [twin.identity, twin.expression]))
            same = (
                "" if (twin.identity, twin.expression) == (record.identity, record.expression) else f", which is {what}"
            )
            notes.append(Note(_name(record), f"duplicate: the same picture as {_name(twin)}{same}"))
        else:
            first.setdefault(digest, record)
            kept.append(record)
    return kept, notes


def untrainable(records: list[Record], database: Database) -> str:
    """Why nothing can be trained on these records; "" if something can."""
    expressions = {record.expression for record in records}
    if not records:
        return "no sound picture is left"
    if len(expressions) < 2:
        return f"there is but one expression, {expressions.pop()}"
    if not database.repeats:
        return ""
    shown: dict[str, set[str]] = {}
    for record in records:
        shown.setdefault(record.identity, set()).add(record.expression)
    if len(shown) < 2:
        return f"there is but one person, {next(iter(shown))}: pairs with other people need two"
    if all(len(of) < 2 for of in shown.values()):
        return "nobody is there with two expressions"
    return ""


def _name(record: Record) -> str:
    return record.path if record.frame is None else f"{record.path}:{record.frame}"


def _folder(record: Record) -> str:
    return record.path.rpartition("/")[0]
