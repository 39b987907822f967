"""From a name and a folder to the records in it; where the folder is another one, a hint which would be right."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from mien.data.databases import DATABASES, Database
from mien.data.filters import Filters, chosen
from mien.data.record import Reading
from mien.data.tree import PREPARED, Tree
from mien.errors import MienError

OTHER = 10
"""A folder with so many times more strange names than known ones may be another database's."""

PART = 5
"""Less than such a part of the pictures may have another database's names by chance."""

NAMED = tuple(one for one in DATABASES.values() if one.name != "folder")
"""The databases that know their own files."""


@dataclass
class Located:
    """What a folder holds; `wrong`: why nothing of it can be used, and what to do; `elsewhere`: as another folder was
    meant."""

    database: Database
    tree: Tree
    reading: Reading = field(default_factory=Reading)
    wrong: str = ""
    elsewhere: bool = False


def locate(database: Database, path: Path, filters: Filters = Filters(), frames: int | None = None) -> Located:
    """Read the names below `path`; no picture is opened. frames: of each sequence, instead of the database's own."""
    tree = Tree(path)
    peak = database.peak if frames is None else frames
    reading = database.read(tree, peak)
    reading.skipped += tree.troubles
    located = Located(database, tree, reading)
    located.wrong = _elsewhere(located, path)
    located.elsewhere = bool(located.wrong)
    located.wrong = located.wrong or _nothing(located, path)
    if located.wrong:
        return located
    kept = chosen(reading.records, filters, database.title)
    reading.left_out += len(reading.records) - len(kept)
    reading.records = kept
    if not kept:
        located.wrong = "no picture is left by these options: give fewer of them"
    return located


def _elsewhere(located: Located, path: Path) -> str:
    """Which other folder or database was meant; "" if this one may be right."""
    one, reading, tree = located.database, located.reading, located.tree
    if (path / PREPARED).is_file():
        return f"{path} is what 'mien data prepare' made: give the database's own folder"
    strange = sum(note.reason.startswith(("misnamed", "unlabelled")) for note in reading.skipped)
    if not reading.records or strange >= OTHER * len(reading.records):
        other, count = _looks_like(tree, one)
        if other is not None and count > OTHER * len(reading.records):
            there = shlex.quote(str(path))
            return f"{path} looks like {other.title}, not {one.title}: try: mien data check {other.name} {there}"
    inner = reading.inner
    if inner is None:
        inner = inside(one, [record.path for record in reading.records], reading.labels)
    if inner:
        return f"you are {_levels(inner.count('/') + 1)} too high: {one.title} lies in {path / inner}, give that folder"
    people = {record.identity for record in reading.records} - {""}
    folder, low = tree.root.absolute(), 0
    while one.person and len(people) == 1 and re.fullmatch(one.person, folder.name, re.IGNORECASE):
        folder, low = folder.parent, low + 1
    if low:
        return f"you are {_levels(low)} too low: {path} holds one person; give {folder}"
    return ""


def _levels(count: int) -> str:
    return "one level" if count == 1 else f"{count} levels"


def _nothing(located: Located, path: Path) -> str:
    """Why there is not one record; "" if there is."""
    one, reading = located.database, located.reading
    if reading.records:
        return ""
    if not located.tree.files:
        return f"{path} holds no files"
    if reading.hints:
        return f"{path}: {reading.hints[0]}"
    if reading.labels and not located.tree.pictures:
        return f"{path} has labels but no pictures; give the folder that holds both, you may be one level too low"
    if reading.skipped:
        first, count = reading.skipped[0], len(reading.skipped)
        return f"nothing in {path} can be used as {one.title}: {count} files, such as {first.path}: {first.reason}"
    return f"nothing in {path} looks like {one.title}, such as {one.example}"


def inside(database: Database, paths: list[str], labels: list[str]) -> str:
    """The folder within the given one that holds all pictures with the database's own folders, and all files of labels;
    "" where it is the given one."""
    end = re.compile(rf"(?:^|(?<=/))(?:{database.home})$", re.IGNORECASE)
    prefixes = {path.rpartition("/")[0] for path in labels}
    for folder in {path.rpartition("/")[0] for path in paths}:
        match = end.search(f"{folder}/" if folder else "")
        prefixes.add(folder if match is None else folder[: match.start()].rstrip("/"))
    return os.path.commonpath(prefixes) if prefixes and "" not in prefixes else ""


def _looks_like(tree: Tree, one: Database) -> tuple[Database | None, int]:
    """The other database that finds most in the tree, and how much that is."""
    best: tuple[Database | None, int] = (None, 0)
    if tree.table is not None:
        return best
    for other in (*NAMED, DATABASES["folder"]):
        if other is one or (other.name == "folder" and best[1]):  # many databases are such trees too
            continue
        try:
            count = len(other.read(tree, 1_000_000).records)
        except MienError:
            continue
        if count > best[1] and PART * count >= len(tree.pictures):
            best = (other, count)
    return best
