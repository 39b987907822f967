"""Radboud Faces Database (Langner et al. 2010): the name of a file says everything.

`Rafd{angle}_{model}_{ethnicity}_{gender}_{emotion}_{gaze}.jpg`. Which of the angles 000 and 180 shows the left side is
not read from the official text, so a pose names the angle. A mirrored picture has the other gaze.
"""

from __future__ import annotations

import re

from mien.data.databases.base import Database, absent, one_each, unnamed
from mien.data.record import Reading, Record
from mien.data.tree import Tree, stem

LABELS = {
    "happy": "happy", "angry": "anger", "sad": "sad", "contemptuous": "contempt", "disgusted": "disgust",
    "neutral": "neutral", "fearful": "fear", "surprised": "surprise",
}  # fmt: skip
POSES = {"000": "profile-000", "045": "half-045", "090": "frontal-090", "135": "half-135", "180": "profile-180"}
GAZES = ("left", "frontal", "right")
MODELS = [f"{number:02d}" for number in range(1, 74) if number not in (6, 13, 17, 34, 62, 66)]

NAME = re.compile(
    rf"rafd(?P<angle>{'|'.join(POSES)})_(?P<model>\d{{1,2}})_(?P<ethnicity>caucasian|moroccan|kid)_"
    rf"(?P<gender>female|male)_(?P<label>{'|'.join(LABELS)})_(?P<gaze>{'|'.join(GAZES)})",
    re.IGNORECASE,
)


def read(tree: Tree, peak: int = 0) -> Reading:
    """All pictures below the folder, in whatever subfolders."""
    reading, found = Reading(), []
    for path in tree.pictures:
        match = NAME.fullmatch(stem(path))
        if match is None:
            continue
        angle, label, gaze = match["angle"], match["label"].lower(), match["gaze"].lower()
        model = f"{int(match['model']):02d}"
        record = Record(path, LABELS[label], model, label, pose=POSES[angle], gaze=gaze)
        found.append(((model, label, angle, gaze), record))
    one_each(found, reading)
    unnamed(tree, reading, {record.path for _, record in found}, RAFD.example)
    there = {key for key, _ in found}
    facets = [("model", MODELS), ("emotion", list(LABELS)), ("angle", list(POSES)), ("gaze", GAZES)]
    reading.missing = absent(facets, there, lambda m, e, a, g: f"Rafd{a}_{m}_..._{e}_{g}.jpg", "pictures")
    return reading


RAFD = Database(
    name="rafd",
    title="RaFD",
    holds="67 people, 8 expressions, 3 gazes, 5 angles: 8,040 pictures of 681x1024",
    licence="research only, not to be passed on",
    source="on request: rafd.socsci.ru.nl",
    example="Rafd090_01_Caucasian_female_angry_frontal.jpg",
    read=read,
    aliases=("radboud",),
)
