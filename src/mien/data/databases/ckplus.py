"""Extended Cohn-Kanade, CK+ (Lucey et al. 2010): sequences from neutral to the peak, about half of them labelled.

`cohn-kanade-images/S005/001/S005_001_00000011.png`; labels `Emotion/S005/001/S005_001_00000011_emotion.txt`, a number
written as a float. A sequence without a label file is unlabelled. Excerpts have the expressions as folders instead, of
the last frames alone: `anger/S010_004_00000017.png`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from mien.data.databases.base import Database, unnamed
from mien.data.databases.sequences import one_a_number, onset_to_peak
from mien.data.record import Note, Reading, Record, expression_of
from mien.data.tree import Tree

LABELS = {
    0: "neutral", 1: "anger", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise",
}  # fmt: skip
FULL = {"sequences": 593, "people": 123, "labelled sequences": 327}

FRAME = re.compile(r"(?:^|/)(?P<who>S\d{3})_(?P<take>\d{3})_(?P<number>\d{8})\.\w+$", re.IGNORECASE)
LABEL = re.compile(r"(?:^|/)(?P<who>S\d{3})_(?P<take>\d{3})_\d{8}_emotion\.txt$", re.IGNORECASE)
Sequence = tuple[str, str]


def read(tree: Tree, peak: int) -> Reading:
    """The first frame of each labelled sequence as neutral and its last `peak` ones as the expression."""
    reading = Reading()
    found: dict[Sequence, list[tuple[int, str]]] = defaultdict(list)
    used = set()
    for path in tree.pictures:
        match = FRAME.search(path)
        if match is None:
            continue
        used.add(path)
        found[match["who"].upper(), match["take"]].append((int(match["number"]), path))
    sequences = {sequence: one_a_number(frames, reading) for sequence, frames in found.items()}
    labels = _labels(tree, reading)
    if not labels and any(expression_of(_folder(path)) for path in used):
        return _excerpt(sorted(path for frames in sequences.values() for _, path in frames), reading)
    for sequence, frames in sorted(sequences.items()):
        label = labels.get(sequence)
        if label is None:
            why = f"unlabelled: no sound label file for {'/'.join(sequence)}"
            reading.skipped += [Note(path, why) for _, path in frames]
            continue
        _add(sequence, label, frames, peak, reading)
    unnamed(tree, reading, used, CKPLUS.example)
    _missing(sequences, labels, reading)
    if sequences and not labels:
        reading.hints.append(f"there are pictures but no labels; {_where(tree.root.absolute())}")
    return reading


def _where(root: Path) -> str:
    """Where the labels of the pictures below `root` may be."""
    for low, folder in enumerate(list(root.parents)[:4], start=1):
        beside = [one for one in folder.glob("*") if "emotion" in one.name.lower() and _is_labels(one)]
        if beside:
            levels = "one level" if low == 1 else f"{low} levels"
            return f"they lie in {beside[0]}: give {folder}, you are {levels} too low"
    return "unpack the label archive beside the pictures: Emotion/S005/001/S005_001_00000011_emotion.txt"


def _is_labels(folder: Path) -> bool:
    return any(True for inner in ("[Ss][0-9]*", "*/[Ss][0-9]*") for _ in folder.glob(inner))


def _excerpt(paths: list[str], reading: Reading) -> Reading:
    """The frames of folders that are named by an expression."""
    for path in paths:
        match, expression = FRAME.search(path), expression_of(_folder(path))
        assert match is not None
        if expression is None:
            reading.skipped.append(Note(path, f"unlabelled: the folder {_folder(path)} is no expression"))
            continue
        reading.records.append(Record(path, expression, match["who"].upper(), _folder(path), session=match["take"]))
    return reading


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _labels(tree: Tree, reading: Reading) -> dict[Sequence, int]:
    """The number of each labelled sequence; label files that say nothing are noted."""
    labels: dict[Sequence, int] = {}
    for path in tree.files:
        match = LABEL.search(path)
        if match is None:
            continue
        words = tree.text(path).split()
        try:
            label = int(float(words[0]))
        except (IndexError, ValueError, OverflowError):
            reading.skipped.append(Note(path, "unlabelled: the label file holds no number"))
            continue
        if label not in LABELS:
            reading.skipped.append(Note(path, f"unlabelled: the label {label} is not one of 0 to 7"))
            continue
        labels[match["who"].upper(), match["take"]] = label
        reading.labels.append(path)
    return labels


def _add(sequence: Sequence, label: int, frames: list[tuple[int, str]], peak: int, reading: Reading) -> None:
    """The records of one sequence."""
    who, take = sequence
    chosen = onset_to_peak([number for number, _ in frames], peak, first=1)
    if len(frames) == 1 and (not chosen or chosen[0].strength == 0):
        reading.skipped.append(Note(frames[0][1], "unlabelled: the only frame of a sequence may be neutral"))
        return
    reading.left_out += len(frames) - len(chosen)
    for frame in chosen:
        expression = "neutral" if frame.neutral else LABELS[label]
        strength = 0.0 if expression == "neutral" else frame.strength
        path = frames[frame.at][1]
        reading.records.append(Record(path, expression, who, str(label), session=take, strength=strength))


def _missing(sequences: dict[Sequence, list[tuple[int, str]]], labels: dict[Sequence, int], reading: Reading) -> None:
    reading.missing += [f"{'/'.join(key)}: labelled, but without pictures" for key in sorted(labels.keys() - sequences)]
    labelled = labels.keys() & sequences.keys()
    here = {
        "sequences": len(sequences),
        "people": len({who for who, _ in sequences}),
        "labelled sequences": len(labelled),
    }
    reading.missing += [
        f"{FULL[what] - count} of {FULL[what]} {what}" for what, count in here.items() if count < FULL[what]
    ]


CKPLUS = Database(
    name="ck+",
    title="CK+",
    holds="123 people, 593 sequences, 327 of them labelled with one of 7 expressions; first frames are neutral",
    licence="research only, not to be passed on",
    source="on request: jeffcohn.net",
    example="cohn-kanade-images/S005/001/S005_001_00000011.png",
    read=read,
    home=r"((extended-)?cohn-kanade-images/)*(s\d{3}/)?(\d{3}/)?|[a-z]+/",
    person=r"s\d{3}|\d{3}",
    aliases=("ckplus", "ck", "cohn-kanade", "ck-plus"),
    peak=1,
)
