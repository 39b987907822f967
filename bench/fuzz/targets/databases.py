"""Folders of others: databases, their tables and names, prepared folders."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from mutate import SEAM

from targets.base import Run, Target


@cache
def _made() -> tuple[bytes, bytes]:
    import tempfile

    from made_prepared import write_prepared

    with tempfile.TemporaryDirectory() as folder:
        write_prepared(Path(folder) / "p", takes=1, renders=("happy",))
        return (Path(folder) / "p" / "manifest.csv").read_bytes(), (Path(folder) / "p" / "dataset.json").read_bytes()


def _prepared(folder: Path) -> Run:
    from made_prepared import write_prepared
    from mien import MienError
    from mien.augment.make import Options, chosen_parts, face_of
    from mien.augment.plan import people_of, plan
    from mien.data.labelled import licence_of, read_rows
    from mien.data.manifest import read_dataset, read_manifest
    from mien.data.prepared import check_prepared, read_prepared
    from mien.evaluation.protocol import read_protocol
    from mien.training.classifier.config import ClassifierConfig
    from mien.training.classifier.pictures import lesson

    write_prepared(folder, takes=1, renders=("happy",))

    def run(data: bytes) -> None:
        manifest, _, told = data.partition(SEAM)
        (folder / "manifest.csv").write_bytes(manifest)
        (folder / "dataset.json").write_bytes(told)
        for what in (
            lambda: read_manifest(folder),
            lambda: read_protocol(folder, "val"),
            lambda: lesson(folder, ClassifierConfig(size=32)),
            lambda: check_prepared(folder, 32, 0, ("neutral", "happy")),
            lambda: read_prepared(folder, ("neutral", "happy"), 32),
        ):
            with suppress(MienError):
                what()
        told, rows = read_dataset(folder), read_rows(folder)
        parts = chosen_parts(folder, told, Options())
        licence_of(told, "made of")
        planned = plan(people_of(rows, parts), ("happy", "sad"), (0.5, 1.0), 2, 1)
        for one in planned:
            assert not Path(one.name).is_absolute() and ".." not in Path(one.name).parts, one.name
        for row in rows[:4]:
            with suppress(MienError):
                face_of(row, 64)

    return run


TABLES = (
    b"path,identity,expression,pose,strength,split\na/happy/1.png,anna,happy,,0.5,train\na/sad/2.png,anna,sad,,,val\n",
    b"emotion,pixels,Usage\n0,"
    + b" ".join(b"%d" % (v % 256) for v in range(2304))
    + b",Training\n6,1 2 3,PublicTest\n",
    b"subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    b"103/abc123.png,0,0,9,9,1;2;3,1,0.1,-0.2\n103/def456.png,0,0,9,9,1;2;3,8,-2,-2\n",
    b"file;subject;label\na/happy/1.png;b;Happiness\n../x.png;c;sad\n",
)


def _tables(folder: Path) -> Run:
    import numpy as np
    from PIL import Image

    from mien import MienError
    from mien.data.check import check
    from mien.data.databases import DATABASES

    for name in ("a/happy/1.png", "a/sad/2.png", "103/abc123.png", "103/def456.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(name)).integers(50, 256, (8, 8, 3), np.uint8)
        Image.fromarray(noise).save(folder / name)

    def run(data: bytes) -> None:
        (folder / "table.csv").write_bytes(data)
        for name in ("folder", "fer2013", "affectnet", "raf-db"):
            with suppress(MienError):
                json.dumps(check(DATABASES[name], folder).as_dict()).encode()
        json.dumps(check(DATABASES["folder"], folder / "table.csv").as_dict()).encode()

    return run


def _names(folder: Path) -> Run:
    """Trees of odd names: one name a line, read as every database."""
    from mien import MienError
    from mien.data.databases import DATABASES
    from mien.data.locate import locate
    from mien.data.names import crop_names
    from mien.surfaces.folders.names import labels, stems

    def run(data: bytes) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for line in data.split(b"\n")[:24]:
            name = line.decode("utf-8", "surrogateescape").replace("\0", "")
            parts = [part[:60] for part in name.split("/") if part not in ("", ".", "..")][:6]
            with suppress(OSError, UnicodeError):
                (folder / "/".join(parts)).parent.mkdir(parents=True, exist_ok=True)
                (folder / "/".join(parts)).write_bytes(b"")
        for database in DATABASES.values():
            with suppress(MienError):
                found = locate(database, folder)
                for name in crop_names(found.reading.records):
                    assert ".." not in Path(name).parts and not Path(name).is_absolute() and name.startswith("crops/")
        lines = [line.decode("utf-8", "surrogateescape") for line in data.split(b"\n")[:24] if line.strip(b"/. ")]
        paths = [line for line in lines if not Path(line).name.startswith(".")]  # those are no pictures
        for made in (stems(paths, "png"), labels(paths)):
            assert len({one.lower() for one in made}) == len(set(paths)), "two photos get the same name"

    return run


NAMES = (
    b"anna/happy/1.jpg\nanna/neutral/2.jpg\nbert/sad/1.png\nbert/happy/x (1).png\n",
    b"Rafd090_01_Caucasian_female_happy_frontal.jpg\nRafd090_02_Caucasian_male_neutral_left.jpg\n",
    b"KDEF/AF01/AF01HAS.JPG\nKDEF/AF01/AF01NES.JPG\nKDEF/BM02/BM02AFHL.JPG\n",
    b"VL/Strong/P001/Anger/000.jpeg\nVL/Strong/P001/Happiness/001.jpeg\nNI/Dark/P002/Sadness/002.jpeg\n",
    b"cohn-kanade-images/S005/001/S005_001_00000001.png\nEmotion/S005/001/S005_001_00000001_emotion.txt\n",
    b"KA.AN1.39.tiff\nKA.HA1.29.tiff\nYM.NE1.49.tiff\n",
    b"basic/Image/aligned/train_00001_aligned.jpg\nbasic/EmoLabel/list_patition_label.txt\n",
)


def _template(folder: Path) -> Run:
    from mien.data.templates import landmarks68, read_template

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        (folder / "x.tem").write_bytes(data)
        landmarks68(read_template(folder / "x.tem"))

    return run


TARGETS = {
    "prepared": Target("parts", lambda: [SEAM.join(_made())], _prepared),
    "tables": Target("text", lambda: list(TABLES), _tables),
    "names": Target("text", lambda: list(NAMES), _names),
    "template": Target(
        "text", lambda: [b"189\n" + b"".join(b"%d %d\n" % (i, 2 * i) for i in range(189)) + b"0\n"], _template
    ),
}
