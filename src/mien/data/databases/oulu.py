"""Oulu-CASIA NIR&VIS (Zhao et al. 2011): 80 people, 6 expressions, 2 cameras, 3 lights; sequences from neutral to peak.

`[B_]OriginalImg/{NI,VL}/{Strong,Weak,Dark}/P001/Anger/000.jpeg`; cropped copies lie below `PreProcess_Img`,
`PreProcessImg` or `PreProcess`, then `{NI,VL}_Acropped`. There is no neutral class: the first frame of each sequence is
the neutral one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection

from mien.data.databases.base import Database, absent, unnamed
from mien.data.databases.sequences import one_a_number, onset_to_peak
from mien.data.record import Note, Reading, Record
from mien.data.tree import Tree

LABELS = {
    "Anger": "anger", "Disgust": "disgust", "Fear": "fear", "Happiness": "happy", "Sadness": "sad",
    "Surprise": "surprise",
}  # fmt: skip
CAMERAS = {"NI": "infrared-NI", "VL": "visible-VL"}
LIGHTS = ("Strong", "Weak", "Dark")
PEOPLE = [f"P{number:03d}" for number in range(1, 81)]

FRAME = re.compile(
    rf"(?:(?:^|/)(?P<camera>{'|'.join(CAMERAS)})(?P<cropped>_Acropped)?)?(?:(?:^|/)(?P<light>{'|'.join(LIGHTS)}))?"
    rf"(?:^|/)(?P<who>P\d{{3}})/(?P<label>{'|'.join(LABELS)})/(?P<number>\d+)\.\w+$",
    re.IGNORECASE,
)
Sequence = tuple[str, str, str, str]
"""Camera, light, person, label; "" where the folders do not tell."""


def read(tree: Tree, peak: int) -> Reading:
    """The first frame of each sequence as neutral and its last `peak` ones as the expression."""
    reading = Reading()
    folders: dict[tuple[Sequence, bool, str], list[tuple[int, str]]] = defaultdict(list)
    used = set()
    above = tree.above()
    for path in tree.pictures:
        match = FRAME.search(above + path)
        if match is None:
            continue
        used.add(path)
        camera, light = (match["camera"] or "").upper(), (match["light"] or "").capitalize()
        cropped = match["cropped"] is not None or "preprocess" in (above + path).lower()
        sequence = (camera, light, match["who"].upper(), match["label"].capitalize())
        folders[sequence, cropped, path.rpartition("/")[0]].append((int(match["number"]), path))
    first: dict[Sequence, str] = {}
    for (sequence, _, folder), frames in sorted(folders.items()):  # the originals before the cropped
        if sequence in first:
            reading.skipped.append(Note(folder, f"duplicate: the same sequence as {first[sequence]}"))
            reading.left_out += len(frames)
            continue
        first[sequence] = folder
        _add(sequence, one_a_number(frames, reading), peak, reading)
    unnamed(tree, reading, used, OULU.example)
    facets: list[tuple[str, list[str]]] = [("person", PEOPLE), ("expression", list(LABELS))]
    there: Collection[tuple[str, ...]] = {key[2:] for key in first}
    if all(camera and light for camera, light, _, _ in first):
        facets = [("camera", list(CAMERAS)), ("light", list(LIGHTS)), *facets]
        there = set(first)
    reading.missing = absent(facets, there, lambda *key: "/".join(key), "sequences")
    return reading


def _add(sequence: Sequence, frames: list[tuple[int, str]], peak: int, reading: Reading) -> None:
    """The records of one sequence."""
    camera, light, who, label = sequence
    chosen = onset_to_peak([number for number, _ in frames], peak, first=0)
    if len(frames) == 1 and (not chosen or chosen[0].strength == 0):
        reading.skipped.append(Note(frames[0][1], "unlabelled: the only frame of a sequence may be neutral"))
        return
    reading.left_out += len(frames) - len(chosen)
    for frame in chosen:
        reading.records.append(
            Record(
                frames[frame.at][1],
                "neutral" if frame.neutral else LABELS[label],
                who,
                label,
                light=light.lower(),
                camera=CAMERAS.get(camera, ""),
                session=label,
                strength=frame.strength,
            )
        )


OULU = Database(
    name="oulu",
    title="Oulu-CASIA NIR&VIS",
    holds="80 people, 6 expressions, 2 cameras, 3 lights: 2,880 sequences of 320x240; first frames are neutral",
    licence="research only, not to be passed on",
    source="on request: University of Oulu, Center for Machine Vision and Signal Analysis",
    example="OriginalImg/VL/Strong/P001/Anger/000.jpeg",
    read=read,
    home=(
        r"((b_)?originalimg/|preprocess_?(img)?/)*((ni|vl)(_acropped)?/)?((strong|weak|dark)/)?(p\d{3}/)?"
        rf"(({'|'.join(LABELS)})/)?"
    ),
    person=rf"p\d{{3}}|{'|'.join(LABELS)}",
    aliases=("oulu-casia", "oulucasia", "oulu-casia-nir-vis"),
    peak=3,
)
