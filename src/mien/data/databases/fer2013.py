"""FER2013 (Goodfellow et al. 2013): 48x48 faces from the web, nobody twice, so fit for classifiers only.

A table `fer2013.csv` of emotion, pixels, Usage; some copies are unpacked to `train/angry/*.jpg` and `test/...`.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from mien.data.databases.base import Database, unnamed
from mien.data.record import Note, Reading, Record, expression_of
from mien.data.tree import Tree
from mien.errors import MienError

LABELS = {"0": "anger", "1": "disgust", "2": "fear", "3": "happy", "4": "sad", "5": "surprise", "6": "neutral"}
SPLITS = {"training": "train", "publictest": "val", "privatetest": "test"}
FULL = 35_887
SIDE = 48

UNPACKED = re.compile(r"(?:^|/)(?P<split>train|test|val|validation)/(?P<label>[A-Za-z]+)/[^/]+$", re.IGNORECASE)


def read(tree: Tree, peak: int = 0) -> Reading:
    """The rows of the table, each a picture; else the unpacked pictures."""
    reading = Reading()
    tables = [path for path in tree.files if path.lower().endswith(".csv") and _columns(tree.root / path)]
    for path in tables:
        _rows(tree, path, reading)
    if not tables:
        used = set()
        for path in tree.pictures:
            match = UNPACKED.search(path)
            if match is None:
                continue
            used.add(path)
            expression = expression_of(match["label"])
            if expression is None:
                reading.skipped.append(Note(path, f"unlabelled: the folder {match['label']} is no expression"))
                continue
            split = match["split"].lower().replace("validation", "val")
            reading.records.append(Record(path, expression, label=match["label"], split=split))
        unnamed(tree, reading, used, FER2013.example)
        if not used:
            _hint(tree, reading)
    if 0 < len(reading.records) < FULL:
        reading.missing.append(f"{FULL - len(reading.records)} of {FULL} pictures in all")
    return reading


def _hint(tree: Tree, reading: Reading) -> None:
    """Where one stands too low in an unpacked copy."""
    for low, levels in ((1, "one level"), (2, "2 levels")):
        if any(UNPACKED.search(tree.above(low) + path) for path in tree.pictures[:1]):
            reading.hints.append(f"you are {levels} too low: give {tree.root.absolute().parents[low - 1]}")
            return


def _columns(path: Path) -> dict[str, int] | None:
    """Where emotion, pixels and usage (if any) are in a table; None if it is another one."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            head = [word.strip().lower() for word in next(csv.reader([file.readline(4096)]), [])]
    except (OSError, csv.Error):
        return None
    return {name: place for place, name in enumerate(head)} if {"emotion", "pixels"} <= set(head) else None


def _rows(tree: Tree, path: str, reading: Reading) -> None:
    columns = _columns(tree.root / path)
    assert columns is not None
    most = max(columns.values()) + 1
    with (tree.root / path).open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = enumerate(file, start=1)
        next(lines)
        for number, line in lines:
            row = line.strip().split(",")
            if row == [""]:
                continue
            if len(row) < most or row[columns["emotion"]].strip().strip('"') not in LABELS:
                reading.skipped.append(Note(f"{path}:{number}", "unlabelled: the emotion is not one of 0 to 6"))
                continue
            label = row[columns["emotion"]].strip().strip('"')
            usage = row[columns["usage"]].strip().strip('"').lower() if "usage" in columns else ""
            record = Record(path, LABELS[label], label=label, frame=number, split=SPLITS.get(usage, ""))
            reading.records.append(record)


def pixels(root: Path, record: Record) -> np.ndarray:
    """(48, 48) uint8: the picture in a line of the table; a `MienError` if the line does not hold one."""
    path = root / record.path
    columns, starts = _columns(path), _starts(path, path.stat().st_mtime_ns)
    assert record.frame is not None
    if columns is None or record.frame > len(starts):
        raise MienError(f"{path} has changed: it has no line {record.frame}")
    with path.open("rb") as file:
        file.seek(int(starts[record.frame - 1]))
        row = file.readline().decode("utf-8", errors="replace").split(",")
    text = row[columns["pixels"]].strip().strip('"') if len(row) > columns["pixels"] else ""
    numbers = re.fullmatch(r"[\d\s]+", text, re.ASCII) is not None  # NumPy would take much more for a number
    values = np.fromstring(text, np.int64, sep=" ") if numbers else np.empty(0)
    if len(values) != SIDE * SIDE or values.max() > 255:
        raise MienError(f"{path}: line {record.frame} does not hold {SIDE * SIDE} pixels from 0 to 255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)


@lru_cache(maxsize=4)
def _starts(path: Path, changed: int) -> np.ndarray:
    """(lines,) int64: where each line of a table begins; `changed` is its time, lest an old table be remembered."""
    starts, at = [], 0
    with path.open("rb") as file:
        for line in file:
            starts.append(at)
            at += len(line)
    return np.array(starts, np.int64)


FER2013 = Database(
    name="fer2013",
    title="FER2013",
    holds="35,887 grey faces of 48x48 from the web, 7 expressions, in one table",
    licence="research only, by the rules of its Kaggle challenge; not to be passed on",
    source="kaggle.com, 'Challenges in Representation Learning: Facial Expression Recognition'",
    example="fer2013.csv (emotion,pixels,Usage)",
    read=read,
    repeats=False,
    home=r"(fer2013/)?((train|test|val|validation)/)?([a-z]+/)?",
    aliases=("fer", "fer-2013"),
)
