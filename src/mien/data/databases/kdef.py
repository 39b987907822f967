"""Karolinska Directed Emotional Faces (Lundqvist, Flykt & Oehman 1998), and AKDEF, its averaged faces.

`KDEF/AF01/AF01ANS.JPG`: series A or B, gender, model 01 to 35, expression, angle. The two series are the same 70 people
on two days, so a subject is gender and number. AKDEF has one face a gender, expression and angle: `FAFFL.JPG`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from mien.data.databases.base import Database, absent, one_each, unnamed
from mien.data.record import Reading, Record
from mien.data.tree import Tree, stem

LABELS = {
    "AF": "fear", "AN": "anger", "DI": "disgust", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
POSES = {
    "FL": "profile-left-FL", "HL": "half-left-HL", "S": "frontal-S", "HR": "half-right-HR", "FR": "profile-right-FR",
}  # fmt: skip
MISNAMED = {"AF31V": "AF31SAHL", "AM31H": "AM31SUHR"}
"""Files of the distribution itself, and what they show."""

WHAT = rf"(?P<label>{'|'.join(LABELS)})(?P<angle>FL|HL|HR|FR|S)"
NAME = re.compile(rf"(?P<series>[AB])(?P<who>[FM])(?P<number>0[1-9]|[12]\d|3[0-5]){WHAT}", re.IGNORECASE)
AVERAGED = re.compile(rf"(?P<who>[FM]){WHAT}", re.IGNORECASE)
FOLDERS = [f"{series}{who}{number:02d}" for series in "AB" for who in "FM" for number in range(1, 36)]


def read(tree: Tree, peak: int = 0) -> Reading:
    """All pictures below the folder; AKDEF, which comes in the same archive, is left alone."""
    reading, found, repairs = Reading(), [], {}
    for path in tree.pictures:
        name = stem(path).upper()
        match = NAME.fullmatch(MISNAMED.get(name, name))
        if match is None:
            continue
        who, label, angle = match["who"].upper(), match["label"].upper(), match["angle"].upper()
        folder = f"{match['series'].upper()}{who}{match['number']}"
        record = Record(path, LABELS[label], folder[1:], label, pose=POSES[angle], session=folder[0])
        found.append(((folder, label, angle), record))
        lies_in = PurePosixPath(path).parent.name.upper()
        if name in MISNAMED:
            repairs[path] = f"misnamed: it is {MISNAMED[name]}"
        elif lies_in in FOLDERS and lies_in != folder:
            repairs[path] = f"misplaced: lies in {lies_in}, but its name says {folder}"
    one_each(found, reading, repairs)
    unnamed(
        tree, reading, {record.path for _, record in found}, KDEF.example, rf"(^|/)akdef/|(^|/){AVERAGED.pattern}\."
    )
    facets = [("folder", FOLDERS), ("expression", list(LABELS)), ("angle", list(POSES))]
    reading.missing = absent(facets, {key for key, _ in found}, lambda f, e, a: f"{f}{e}{a}.JPG", "pictures")
    return reading


def read_averaged(tree: Tree, peak: int = 0) -> Reading:
    """The averaged faces: 'average-F' and 'average-M' are the two people."""
    reading, found = Reading(), []
    for path in tree.pictures:
        match = AVERAGED.fullmatch(stem(path))
        if match is None:
            continue
        who, label, angle = match["who"].upper(), match["label"].upper(), match["angle"].upper()
        found.append(((who, label, angle), Record(path, LABELS[label], f"average-{who}", label, pose=POSES[angle])))
    one_each(found, reading)
    known = rf"(^|/)kdef/|(^|/){NAME.pattern}\.|(^|/)({'|'.join(MISNAMED)})\."
    unnamed(tree, reading, {record.path for _, record in found}, AKDEF.example, known)
    facets = [("gender", "FM"), ("expression", list(LABELS)), ("angle", list(POSES))]
    reading.missing = absent(facets, {key for key, _ in found}, lambda w, e, a: f"{w}{e}{a}.JPG", "pictures")
    return reading


KDEF = Database(
    name="kdef",
    title="KDEF",
    holds="70 people, 7 expressions, 5 angles, twice (series A and B): 4,900 pictures of 562x762",
    licence="research only, not to be passed on",
    source="free of charge: kdef.se",
    example="KDEF/AF01/AF01ANS.JPG",
    read=read,
    home=r"(kdef/)?([ab][fm]\d\d/)?",
    person=r"[ab][fm]\d\d",
    aliases=("karolinska",),
)
AKDEF = Database(
    name="akdef",
    title="AKDEF",
    holds="2 averaged faces (one a gender), 7 expressions, 5 angles: 70 grey pictures",
    licence="research only, not to be passed on",
    source="free of charge, with KDEF: kdef.se",
    example="AKDEF/FAFFL.JPG",
    read=read_averaged,
    home=r"(akdef/)?",
)
