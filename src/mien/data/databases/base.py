"""What the loaders share: how a database describes itself, what the full set has, and files of one name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from mien.data.record import Note, Reading, Record
from mien.data.tree import Tree, is_copy

Loader = Callable[[Tree, int], Reading]
"""A folder, and how many frames of a sequence count as its peak (databases of single photographs take no notice)."""


@dataclass(frozen=True)
class Database:
    """name: what the command line calls it; aliases: what else it may be called. example: a file as it lies in the
    folder. repeats: whether people come back with other expressions. home: pattern of the folders of its own
    distribution around a picture, down to the picture; person: of the folder of one person. peak: frames of a sequence
    that show its expression, 0 where there are no sequences."""

    name: str
    title: str
    holds: str
    licence: str
    source: str
    example: str
    read: Loader
    repeats: bool = True
    home: str = ""
    person: str = ""
    aliases: tuple[str, ...] = ()
    peak: int = 0

    @property
    def fit_for(self) -> str:
        return "synthesis" if self.repeats else "classifiers only"


def one_each(
    found: Iterable[tuple[Hashable, Record]], reading: Reading, repairs: Mapping[str, str] | None = None
) -> None:
    """Add the records to `reading`, one a key: of several files the one with the plain name, the others are skipped.

    `repairs`: path -> what was put right about its name.
    """
    repairs = dict(repairs or {})
    first: dict[Hashable, Record] = {}
    found = list(found)
    for _, record in found:
        if record.path not in repairs and is_copy(record.path):
            repairs[record.path] = "misnamed: taken for what its name says without the mark of a copy"
    for key, record in sorted(found, key=lambda item: (item[1].path in repairs, item[1].path)):
        if key in first:
            reading.skipped.append(Note(record.path, f"duplicate: a second file for {first[key].path}"))
            continue
        first[key] = record
        reading.records.append(record)
        if record.path in repairs:
            reading.repaired.append(Note(record.path, repairs[record.path]))
    reading.records.sort(key=lambda record: record.path)


def absent(
    facets: Sequence[tuple[str, Sequence[str]]], there: Collection[tuple[str, ...]], name: Callable[..., str], what: str
) -> list[str]:
    """What of the full product of `facets` (title, values) is not `there`: one line for a value of which there is
    nothing, else one an item, by its `name`."""
    lines = []
    left = []
    for place, (title, values) in enumerate(facets):
        here = {key[place] for key in there}
        gone = [value for value in values if value not in here]
        size = 1
        for other, (_, others) in enumerate(facets):
            size *= len(others) if other != place else 1
        if there:
            lines += [f"{title} {value}: none of {size} {what}" for value in gone]
        left.append([value for value in values if value in here])
    if not there:
        return ["everything"]
    return lines + [name(*key) for key in product(*left) if key not in there]


def unnamed(tree: Tree, reading: Reading, used: set[str], example: str, known: str = r"(?!)") -> None:
    """Note the pictures that were not `used` because their names say nothing; `known`: paths that belong to the
    database but are not its photographs."""
    for path in tree.pictures:
        if path not in used and not re.search(known, path, re.IGNORECASE):
            reading.skipped.append(Note(path, f"misnamed: not a name such as {example}"))
    for path in tree.other_pictures:
        reading.skipped.append(Note(path, "unreadable: not a JPEG, PNG, WebP, TIFF or BMP file"))
