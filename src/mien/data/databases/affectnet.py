"""AffectNet (Mollahosseini, Hasani & Mahoor 2017): faces from the web, nobody twice, so fit for classifiers only.

Tables `training.csv` and `validation.csv` name each picture and its number; the validation table has a header in some
copies and none in others. Smaller copies have `train_set/images/0.jpg` with `train_set/annotations/0_exp.npy`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np

from mien.data.databases.base import Database
from mien.data.record import Note, Reading, Record
from mien.data.tree import Tree
from mien.errors import MienError

LABELS = {
    0: "neutral", 1: "happy", 2: "sad", 3: "surprise", 4: "fear", 5: "disgust", 6: "anger", 7: "contempt",
}  # fmt: skip
NOTHING = {8: "none", 9: "uncertain", 10: "no face"}
HEADER = (
    "subdirectory_filepath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression",
    "valence", "arousal",
)  # fmt: skip
LISTED = 100
"""Of a table with more pictures that are not here, only their number is said."""

HASHED = re.compile(r"(^|/)\d+/[0-9a-f]{6,}\.\w+$", re.IGNORECASE)
ANNOTATED = re.compile(r"(?P<set>.*?(?P<split>train|val)[^/]*)/images/(?P<number>\d+)\.\w+$", re.IGNORECASE)


def read(tree: Tree, peak: int = 0) -> Reading:
    """The pictures that the tables name; else those with annotations of their own."""
    reading = Reading()
    pictures = {path.lower().rpartition("/")[2]: path for path in tree.pictures}
    pictures |= {_tail(path): path for path in tree.pictures}
    used: set[str] = set()
    tables = [path for path in tree.files if path.lower().endswith(".csv")]
    for path in tables:
        _table(tree, path, pictures, used, reading)
    if not used:
        _annotations(tree, used, reading)
    if not used and not reading.labels and any(HASHED.search(path) for path in tree.pictures):
        reading.hints.append(
            "there are pictures but no training.csv or validation.csv: give the folder that holds both; you may be one "
            "level too low"
        )
    if reading.records:
        reading.skipped += [Note(path, "unlabelled: in no table") for path in tree.pictures if path not in used]
    return reading


def _table(tree: Tree, path: str, pictures: dict[str, str], used: set[str], reading: Reading) -> None:
    """The pictures of one table; one that is not AffectNet's is passed over."""
    places: dict[str, int] = {}
    split = "val" if "val" in path.rpartition("/")[2].lower() else "train"
    gone: list[str] = []
    for number, row in enumerate(_rows(tree, path), start=1):
        if not row:
            continue
        if not places:
            head = [word.strip().lower() for word in row]
            named = HEADER[0] in head and "expression" in head
            if not named and (len(row) != len(HEADER) or "." not in row[0]):
                return
            places = {name: place for place, name in enumerate(head if named else HEADER)}
            reading.labels.append(path)
            if named:
                continue
        at = f"{path}:{number}"
        try:
            label = int(float(row[places["expression"]]))
            file = row[places[HEADER[0]]].strip().replace("\\", "/")
        except (IndexError, ValueError, OverflowError):
            reading.skipped.append(Note(at, "unlabelled: the row is cut short or its expression is no number"))
            continue
        picture = pictures.get(_tail(file))
        if picture is None:
            gone.append(file)
            continue
        if picture in used:
            reading.skipped.append(Note(at, f"duplicate: a second row for {picture}"))
            continue
        used.add(picture)
        if label not in LABELS:
            reading.skipped.append(Note(picture, f"unlabelled: {label}, {NOTHING.get(label, 'no expression')}"))
            continue
        reading.records.append(Record(picture, LABELS[label], label=str(label), split=split))
    if len(gone) > LISTED:
        reading.missing.append(f"{path}: {len(gone)} of its pictures, such as {gone[0]}")
    else:
        reading.missing += [f"{file}: in {path}, but not here" for file in gone]


def _rows(tree: Tree, path: str) -> Iterator[list[str]]:
    try:
        with (tree.root / path).open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from csv.reader(file)
    except (OSError, csv.Error) as error:
        raise MienError(f"cannot read {tree.root / path}: {error}") from None


def _tail(path: str) -> str:
    """The last folder and the name, by which the tables know a picture."""
    return "/".join(path.lower().rsplit("/", 2)[-2:])


def _annotations(tree: Tree, used: set[str], reading: Reading) -> None:
    """The pictures of copies that keep each label in a file of its own."""
    there = {path.lower(): path for path in tree.files}
    for path in tree.pictures:
        match = ANNOTATED.search(path)
        if match is None:
            continue
        used.add(path)
        file = there.get(f"{match['set']}/annotations/{match['number']}_exp.npy".lower())
        try:
            if file is None:
                raise ValueError
            label = int(float(str(np.load(tree.root / file, allow_pickle=False))))
        except (OSError, ValueError, EOFError):
            reading.skipped.append(Note(path, "unlabelled: no sound annotations/..._exp.npy"))
            continue
        if label not in LABELS:
            reading.skipped.append(Note(path, f"unlabelled: {label}, {NOTHING.get(label, 'no expression')}"))
            continue
        reading.records.append(Record(path, LABELS[label], label=str(label), split=match["split"].lower()))


AFFECTNET = Database(
    name="affectnet",
    title="AffectNet",
    holds="faces from the web, 8 expressions; rows that say none, uncertain or no face are left out",
    licence="research only, not to be passed on",
    source="on request: mohammadmahoor.com/affectnet",
    example="Manually_Annotated_Images/103/29a31ebf1567693f4644c8ba3476ca9a72ee07fe67a5860d98707a0a.jpg",
    read=read,
    repeats=False,
    home=r"(manually_annotated[^/]*/)*((train|val)[^/]*/)?(images/)?(\d+/)?",
    aliases=("affect-net",),
)
