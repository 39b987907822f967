"""Compound Facial Expressions of Emotion, CFEE (Du, Tao & Martinez 2014).

`CFEE_Database_230/01-04/Images1/EE_SSS_NNNN.jpg`: EE is the expression, SSS the person. 01 is neutral; the other codes
are those of a public loader of these files: its table of 26 codes gives exactly the paper's 22 categories.
"""

from __future__ import annotations

import re

from mien.data.databases.base import Database, absent, one_each, unnamed
from mien.data.record import Note, Reading, Record
from mien.data.tree import Tree, stem

LABELS = {
    "01": "neutral", "02": "happy", "03": "sad", "04": "sad", "05": "anger", "06": "surprise", "07": "disgust",
    "08": "fear", "09": "happily surprised", "10": "happily disgusted", "11": "sadly angry", "12": "angrily disgusted",
    "13": "appalled", "14": "hatred", "15": "angrily surprised", "16": "sadly surprised", "17": "sadly surprised",
    "18": "disgustedly surprised", "19": "disgustedly surprised", "20": "disgustedly surprised",
    "21": "fearfully surprised", "22": "awed", "23": "sadly fearful", "24": "fearfully disgusted",
    "25": "fearfully angry", "26": "sadly disgusted",
}  # fmt: skip
PEOPLE = 230

NAME = re.compile(r"(?P<code>\d{2})_(?P<who>\d{3})(?:_(?P<number>\d+))?")


def read(tree: Tree, peak: int = 0) -> Reading:
    """All pictures below the folder; compound emotions keep their own names."""
    reading, found, used = Reading(), [], set()
    for path in tree.pictures:
        match = NAME.fullmatch(stem(path))
        if match is None:
            continue
        used.add(path)
        code, who = match["code"], match["who"]
        if code not in LABELS:
            reading.skipped.append(Note(path, f"unlabelled: the code {code} is not one of 01 to 26"))
            continue
        record = Record(path, LABELS[code], who, code, session=match["number"] or "")
        found.append(((code, who, match["number"]), record))
    one_each(found, reading)
    unnamed(tree, reading, used, CFEE.example)
    there = {(who, code) for (code, who, _), _ in found}
    people = sorted({who for who, _ in there})
    if people:
        facets = [("person", people), ("code", list(LABELS))]
        reading.missing = absent(facets, there, lambda who, code: f"{code}_{who}_*.jpg", "pictures")
        if len(people) < PEOPLE:
            reading.missing.append(f"{PEOPLE - len(people)} of {PEOPLE} people")
    return reading


CFEE = Database(
    name="cfee",
    title="CFEE",
    holds="230 people, 7 expressions and 15 compound ones (happily surprised, ...), about 5,950 pictures",
    licence="research only, not to be passed on",
    source="on request: cbcsl.ece.ohio-state.edu/compound.html",
    example="CFEE_Database_230/01-04/Images1/01_126_3963.jpg",
    read=read,
    home=r"(cfee_database_230/)?(\d\d-\d\d/)?(images[^/]*/)?",
)
