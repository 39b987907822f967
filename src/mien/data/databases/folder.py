"""Any pictures of one's own: a tree `identity/expression/*.jpg`, or a table with path, identity and expression.

Expressions are words in English such as 'happy', 'Happiness' or '3_sad'. Above the identities there may be folders
`train`, `val` and `test`. A table may also have pose, gaze, light, camera, session, strength and split.
"""

from __future__ import annotations

import csv
import io
import math
import os
import posixpath
import unicodedata
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from mien.data.databases.base import Database
from mien.data.record import Note, Reading, Record, expression_of
from mien.data.tree import Tree
from mien.errors import MienError

COLUMNS = {
    "path": ("path", "file", "filename", "image", "picture"),
    "identity": ("identity", "subject", "person", "id"),
    "expression": ("expression", "emotion", "label"),
}
"""The columns that a table needs, and what else they may be called."""

OPTIONAL = ("pose", "gaze", "light", "camera", "session")
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def read(tree: Tree, peak: int = 0) -> Reading:
    """The table, if one is given or lies in the folder; else the tree."""
    if tree.table is not None:
        return _table(tree, tree.table)
    for path in tree.files:
        if "/" not in path and path.lower().endswith(".csv") and _places(_head(tree.text(path))):
            return _table(tree, path)
    return _tree(tree)


def _tree(tree: Tree) -> Reading:
    reading = Reading()
    prefixes, turned, low = set(), 0, 0
    for path in tree.pictures:
        parts = PurePosixPath(path).parts
        # the last but one folder may be a take of the expression above it
        place = next((i for i in (len(parts) - 2, len(parts) - 3) if i > 0 and expression_of(parts[i])), None)
        if place is None:
            turned += len(parts) > 2 and expression_of(parts[-3]) is not None
            low += len(parts) == 2 and expression_of(parts[0]) is not None
            why = (
                f"the folder {parts[-2]} is no expression" if len(parts) == 3 else "not in folders identity/expression"
            )
            reading.skipped.append(Note(path, f"unlabelled: {why}"))
            continue
        expression, who = expression_of(parts[place]), parts[place - 1]
        assert expression is not None
        if who.lower() in SPLITS:
            reading.skipped.append(Note(path, f"unlabelled: nobody's name above {parts[place]}, only {who!r}"))
            continue
        split = SPLITS.get(parts[place - 2].lower(), "") if place > 1 else ""
        prefixes.add("/".join(parts[: place - (2 if split else 1)]))
        session = "/".join(parts[place + 1 : -1])
        reading.records.append(Record(path, expression, who, parts[place], session=session, split=split))
    reading.skipped += [
        Note(path, "unreadable: not a JPEG, PNG, WebP, TIFF or BMP file") for path in tree.other_pictures
    ]
    if turned > low and not reading.records:
        reading.hints.append("the folders are expression/identity: turn them round, or give a table")
    elif low and not reading.records:
        reading.hints.append(
            "the folders are expressions, of nobody: give the folder above if this one is a person's (you are one "
            "level too low), else put each person's into one, or give a table"
        )
    elif not reading.records and expression_of(tree.root.absolute().name):
        reading.hints.append(f"you are 2 levels too low: give {tree.root.absolute().parent.parent}")
    reading.inner = os.path.commonpath(prefixes) if prefixes else ""
    return reading


def _head(text: str) -> list[str]:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return [word.strip().strip('"').lower() for word in first.replace(";", ",").replace("\t", ",").split(",")]


def _places(head: list[str]) -> dict[str, int]:
    """Which column is which; empty if one that is needed is missing."""
    places = {}
    for name, others in COLUMNS.items():
        found = [head.index(other) for other in others if other in head]
        if not found:
            return {}
        places[name] = found[0]
    return places | {name: head.index(name) for name in (*OPTIONAL, "strength", "split") if name in head}


def _table(tree: Tree, table: str) -> Reading:
    reading = Reading(inner="")  # its pictures may lie anywhere
    text = tree.text(table)
    head = _head(text)
    places = _places(head)
    if not places:
        columns = ", ".join(word for word in head if word.isprintable() and word)[:100] or "none"
        raise MienError(f"{tree.root / table} needs the columns path, identity and expression; it has {columns}")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    sign = max(",;\t", key=first.count)
    seen: set[str] = set()
    rows = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=sign)
    next(rows)
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        at = f"{table}:{rows.line_num}"
        cells = {name: row[place].strip() for name, place in places.items() if place < len(row)}
        path, who, label = (cells.get(name, "") for name in COLUMNS)
        path = _found(tree, path.replace("\\", "/"))
        if not path:
            reading.skipped.append(Note(at, "unlabelled: the row has no path"))
        elif not who:
            reading.skipped.append(Note(path, "unlabelled: the row has no identity"))
        elif (expression := expression_of(label)) is None:
            reading.skipped.append(Note(path, f"unlabelled: {label!r} is no expression"))
        elif path in seen:
            reading.skipped.append(Note(at, f"duplicate: a second row for {path}"))
        elif not _is_file(tree, path):
            reading.missing.append(f"{path}: in {table}, but not here")
        else:
            split = SPLITS.get(cells.get("split", "").lower(), "")
            record = Record(path, expression, who, label, strength=_strength(cells.get("strength", "")), split=split)
            more: dict[str, Any] = {name: cells.get(name, "") for name in OPTIONAL}
            reading.records.append(replace(record, **more))
            seen.add(path)
    if tree.table is None:
        named = seen | {note.path for note in reading.skipped}
        reading.skipped += [Note(path, f"unlabelled: not in {table}") for path in tree.pictures if path not in named]
    return reading


def _found(tree: Tree, path: str) -> str:
    """A table's path in its plainest form; accents spelt as in the file's own name."""
    plain = posixpath.normpath(path) if path else ""
    spelt = (plain, *(unicodedata.normalize(form, plain) for form in ("NFC", "NFD")))
    return next((one for one in spelt if one and _is_file(tree, one)), plain)


def _is_file(tree: Tree, path: str) -> bool:
    try:
        return (tree.root / path).is_file()
    except OSError:  # a name longer than any
        return False


def _strength(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


FOLDER = Database(
    name="folder",
    title="a folder of your own",
    holds="any tree identity/expression/*.jpg, or a CSV table with path, identity, expression",
    licence="your own",
    source="your own pictures",
    example="anna/happy/1.jpg",
    read=read,
    aliases=("own", "csv"),
)
