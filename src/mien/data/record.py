"""What every database is read as: pictures of people, each with what its database knows of it.

The words are those of `mien.expression`; a database's own labels are mapped to them by the table in its loader. Labels
beside them (contempt is one of ours; the compound emotions of CFEE are not) keep a word of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from mien.expression import ALL_NAMES, SYNONYMS

FACETS = ("pose", "gaze", "light", "camera")
"""What can be filtered by."""


@dataclass(frozen=True, slots=True)
class Record:
    """One picture. What a database does not tell is "" or None.

    path: relative to the database's folder, with "/". frame: the line of a table that holds the picture, or which of
    several pictures is made from the file. identity: one name a person. label: the database's own word for the
    expression. pose: "frontal", "half-..." or "profile-...", ended by the database's own word for it. strength: 0
    neutral, 1 the peak. split: "train", "val" or "test" where the database itself says so.
    """

    path: str
    expression: str
    identity: str = ""
    label: str = ""
    frame: int | None = None
    pose: str = ""
    gaze: str = ""
    light: str = ""
    camera: str = ""
    session: str = ""
    strength: float | None = None
    split: str = ""


class Note(NamedTuple):
    """A file, and what is the matter with it."""

    path: str
    reason: str


@dataclass
class Reading:
    """What a loader found: pictures; files whose names it put right; files it cannot use; what the full set has beside
    these; how many sound pictures nobody asked for (frames between neutral and peak); hints for people; the inner
    folder that all of it lies in, None where the loader leaves that to others; the files that it read labels from."""

    records: list[Record] = field(default_factory=list)
    repaired: list[Note] = field(default_factory=list)
    skipped: list[Note] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    left_out: int = 0
    hints: list[str] = field(default_factory=list)
    inner: str | None = None
    labels: list[str] = field(default_factory=list)


def expression_of(text: str) -> str | None:
    """The vocabulary's word for a label in English, such as "Happiness", "3_SAD" or "fearful"; else None."""
    word = re.sub(r"^[\d\s._-]+|[\d\s._-]+$", "", text.strip()).lower()
    word = SYNONYMS.get(word, word)
    return word if word in ALL_NAMES else None
