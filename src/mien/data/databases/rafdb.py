"""RAF-DB, its basic part (Li, Deng & Du 2017): pictures from the web, nobody twice, so fit for classifiers only.

`EmoLabel/list_patition_label.txt` (sic) names each picture and its number; `Image/aligned/train_00001_aligned.jpg`.
Some copies have the number as a folder instead: `train/5/train_00001_aligned.jpg`.
"""

from __future__ import annotations

import re

from mien.data.databases.base import Database, unnamed
from mien.data.record import Note, Reading, Record
from mien.data.tree import Tree, is_copy, stem

LABELS = {
    "1": "surprise", "2": "fear", "3": "disgust", "4": "happy", "5": "sad", "6": "anger", "7": "neutral",
}  # fmt: skip
FULL = 15_339

LIST = re.compile(r"(?:^|/)list_par?tition_label\.txt$", re.IGNORECASE)
NAME = re.compile(r"(?P<name>(?P<split>train|test)_\d+)(?P<aligned>_aligned)?", re.IGNORECASE)
IN_FOLDER = re.compile(r"(?:^|/)(?:train|test)/([1-7])/[^/]+$", re.IGNORECASE)


def read(tree: Tree, peak: int = 0) -> Reading:
    """The aligned pictures with their labels; the originals where there are no aligned ones."""
    reading = Reading()
    pictures: dict[str, str] = {}
    used = set()
    aligned: dict[str, bool] = {}
    for path in sorted(tree.pictures, key=lambda path: (is_copy(path), path)):
        match = NAME.fullmatch(stem(path))
        if match is None:
            continue
        used.add(path)
        name, is_aligned = match["name"].lower(), match["aligned"] is not None
        if name in pictures and aligned[name] == is_aligned:
            reading.skipped.append(Note(path, f"duplicate: a second file for {pictures[name]}"))
            continue
        reading.left_out += name in pictures  # the original of an aligned picture
        if name not in pictures or is_aligned:
            pictures[name], aligned[name] = path, is_aligned
    lists = reading.labels = [path for path in tree.files if LIST.search(path)]
    labels = _labels(tree, lists, reading)
    for name, path in sorted(pictures.items()):
        folder = IN_FOLDER.search(path)
        label = labels.get(name) or (folder.group(1) if folder and not lists else None)
        if label is None:
            reading.skipped.append(Note(path, "unlabelled: not in the list of labels"))
            continue
        reading.records.append(Record(path, LABELS[label], label=label, split=name.partition("_")[0]))
    unnamed(tree, reading, used, RAFDB.example)
    _missing(labels, pictures, reading)
    if pictures and not labels and not reading.records:
        reading.hints.append(
            "there are pictures but no EmoLabel/list_patition_label.txt: give the folder that holds both EmoLabel and "
            "Image; you may be one level too low"
        )
    return reading


def _labels(tree: Tree, lists: list[str], reading: Reading) -> dict[str, str]:
    """Picture's name -> label, of all the lists; lines that say nothing are noted."""
    labels: dict[str, str] = {}
    for path in lists:
        for number, line in enumerate(tree.text(path).splitlines(), start=1):
            words = line.replace(",", " ").split()
            if not words:
                continue
            match = NAME.fullmatch(stem(words[0]))
            if match is None or len(words) < 2 or words[-1] not in LABELS:
                reading.skipped.append(
                    Note(f"{path}:{number}", "unlabelled: the line is not a picture's name and 1 to 7")
                )
                continue
            labels[match["name"].lower()] = words[-1]
    return labels


def _missing(labels: dict[str, str], pictures: dict[str, str], reading: Reading) -> None:
    gone = sorted(labels.keys() - pictures.keys())
    reading.missing = [f"{name}.jpg: in the list, but not here" for name in gone]
    if 0 < len(reading.records) < FULL:
        reading.missing.append(f"{FULL - len(reading.records)} of {FULL} pictures in all")


RAFDB = Database(
    name="raf-db",
    title="RAF-DB",
    holds="15,339 faces from the web, 7 expressions, aligned to 100x100",
    licence="research only, not to be passed on",
    source="on request: whdeng.cn/RAF/model1.html",
    example="Image/aligned/train_00001_aligned.jpg",
    read=read,
    repeats=False,
    home=r"(basic/)?(image/)?(aligned/|original/)?((train|test)/)?([1-7]/)?",
    aliases=("rafdb", "raf"),
)
