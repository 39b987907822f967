"""MUG Facial Expression Database (Aifanti, Papachristou & Delopoulos 2010).

`subject3/001/{anger,...}/<take>/*.jpg`: sequences that begin and end neutral with the peak between, so the frames in
the middle show the expression, and the first the neutral face.
"""

from __future__ import annotations

import re
from collections import defaultdict

from mien.data.databases.base import Database, unnamed
from mien.data.databases.sequences import apex, one_a_number
from mien.data.record import Note, Reading, Record, expression_of
from mien.data.tree import Tree

LABELS = {
    "anger": "anger", "disgust": "disgust", "fear": "fear", "happiness": "happy", "neutral": "neutral",
    "sadness": "sad", "surprise": "surprise",
}  # fmt: skip
PEOPLE = 52
SHORT = 5
"""A take of fewer frames is an excerpt: its first frame need not be neutral."""

FRAME = re.compile(
    r"(?:^|/)(?P<who>\d{1,3})/(?P<label>[A-Za-z]+)(?:/(?P<take>[^/]+))?/(?P<name>[^/]*?)(?P<number>\d*)\.\w+$"
)


def read(tree: Tree, peak: int) -> Reading:
    """The `peak` frames in the middle of each take as the expression, the first frame as neutral."""
    reading = Reading()
    takes: dict[tuple[str, str, str, str], list[tuple[int, str]]] = defaultdict(list)
    plain: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    used = set()
    above = tree.above(2)
    for path in tree.pictures:
        match = FRAME.search(above + path)
        if match is None:
            continue
        used.add(path)
        who, label = f"{int(match['who']):03d}", match["label"].lower()
        if _expression(label) is None:
            reading.skipped.append(Note(path, f"unlabelled: {match['label']} is none of {', '.join(LABELS)}"))
            continue
        take = match["take"] or ""
        key = (who, label, take, path.rpartition("/")[0])
        if match["number"]:
            takes[key].append((int(match["number"]), path))
        else:
            plain[key].append(path)
    for key, paths in plain.items():
        if key in takes:
            reading.skipped += [Note(path, f"misnamed: no frame's number, as in {MUG.example}") for path in paths]
        else:
            takes[key] = list(enumerate(paths))
    for (who, label, take, _), frames in sorted(takes.items()):
        _add(who, label, take, [path for _, path in one_a_number(frames, reading)], peak, reading)
    unnamed(tree, reading, used, MUG.example)
    there = {(who, _expression(label)) for who, label, _, _ in takes}
    people = sorted({who for who, _ in there})
    reading.missing = [f"{who}/{label}" for who in people for label in LABELS if (who, LABELS[label]) not in there]
    if 0 < len(people) < PEOPLE:
        reading.missing.append(f"{PEOPLE - len(people)} of {PEOPLE} people")
    return reading


def _expression(label: str) -> str | None:
    return LABELS.get(label) or expression_of(label)


def _add(who: str, label: str, take: str, frames: list[str], peak: int, reading: Reading) -> None:
    """The records of one take."""
    expression = _expression(label)
    assert expression is not None
    middle = apex(len(frames), peak)
    strength = 0.0 if expression == "neutral" else None
    for index in middle:
        reading.records.append(Record(frames[index], expression, who, label, session=take, strength=strength))
    begins = expression != "neutral" and len(frames) >= SHORT
    if begins:
        reading.records.append(Record(frames[0], "neutral", who, label, session=take, strength=0.0))
    reading.left_out += len(frames) - len(middle) - begins


MUG = Database(
    name="mug",
    title="MUG",
    holds="52 people, 7 expressions, several takes each: sequences of 896x896, neutral at both ends",
    licence="research only, not to be passed on",
    source="on request: mug.ee.auth.gr/fed",
    example="subject3/001/anger/take000/img_0000.jpg",
    read=read,
    home=r"(subjects?\d?/)?(\d{1,3}/)?([a-z]+/)?([^/]+/)?",
    person=rf"\d{{1,3}}|{'|'.join(LABELS)}",
    peak=3,
)
