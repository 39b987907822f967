"""Japanese Female Facial Expression (Lyons, Kamachi & Gyoba 1998): `KA.AN1.39.tiff` is subject, expression with take,
serial number."""

from __future__ import annotations

import re

from mien.data.databases.base import Database, absent, one_each, unnamed
from mien.data.record import Reading, Record
from mien.data.tree import Tree, stem

LABELS = {
    "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
PEOPLE = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
FULL = 213

NAME = re.compile(
    rf"(?P<who>{'|'.join(PEOPLE)})[._-](?P<label>{'|'.join(LABELS)})(?P<take>\d)[._-](?P<serial>\d+)", re.IGNORECASE
)


def read(tree: Tree, peak: int = 0) -> Reading:
    """All pictures below the folder."""
    reading, found = Reading(), []
    for path in tree.pictures:
        match = NAME.fullmatch(stem(path))
        if match is None:
            continue
        who, label = match["who"].upper(), match["label"].upper()
        record = Record(path, LABELS[label], who, label, session=match["take"])
        found.append(((who, label, match["take"], int(match["serial"])), record))
    one_each(found, reading)
    unnamed(tree, reading, {record.path for _, record in found}, JAFFE.example)
    there = {(who, label) for (who, label, _, _), _ in found}
    facets = [("person", PEOPLE), ("expression", list(LABELS))]
    reading.missing = absent(facets, there, lambda who, label: f"{who}.{label}*.tiff", "expressions of each person")
    if 0 < len(reading.records) < FULL:
        reading.missing.append(f"{FULL - len(reading.records)} of {FULL} pictures in all")
    return reading


JAFFE = Database(
    name="jaffe",
    title="JAFFE",
    holds="10 women, 7 expressions, 2 to 4 takes each: 213 grey pictures of 256x256",
    licence="research only, not to be passed on",
    source="on request: zenodo.org/records/3451524",
    example="KA.AN1.39.tiff",
    read=read,
)
