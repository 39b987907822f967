"""Folders as they are met: files that are there twice, one level off, links, tables of every kind."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from data import trees
from mien.cli import main
from mien.data.check import check
from mien.data.databases import DATABASES
from mien.data.manifest import read_manifest
from mien.data.prepare import prepare
from mien.data.tree import Tree


def read(name: str, root: Path, peak: int | None = None):
    one = DATABASES[name]
    return one.read(Tree(root), one.peak if peak is None else peak)


def reasons(reading) -> dict[str, str]:
    return {note.path: note.reason for note in reading.skipped}


def refused(capsys, name: str, path: Path) -> str:
    """The one line of a folder that cannot be used."""
    with pytest.raises(SystemExit) as left:
        main(["data", "check", name, str(path)])
    err = capsys.readouterr().err
    assert left.value.code == 2 and err.count("\n") == 1, err
    return err


def test_a_frame_that_is_there_twice_counts_once(tmp_path):
    oulu = trees.oulu(tmp_path / "oulu", cameras=("VL",), lights=("Strong",))
    anger = oulu / "OriginalImg/VL/Strong/P001/Anger"
    trees.picture(anger / "008.png")
    trees.picture(anger / "8.jpeg")
    found = read("oulu", oulu)
    assert [r.path[-8:] for r in found.records if r.expression == "anger" and "P001" in r.path] == [
        "006.jpeg"[-8:], "007.jpeg", "008.jpeg",
    ]  # fmt: skip
    assert [note.reason for note in found.skipped] == [
        f"duplicate: a second file for {anger.relative_to(oulu)}/008.jpeg"
    ] * 2

    ck = trees.ckplus(tmp_path / "ck")
    last = ck / "cohn-kanade-images/S005/001/S005_001_00000011.png"
    trees.picture(last.with_suffix(".tiff"), grey=True)
    assert reasons(read("ck+", ck))[last.with_suffix(".tiff").relative_to(ck).as_posix()].startswith(
        "duplicate: a second"
    )

    mug = trees.mug(tmp_path / "mug")
    take = mug / "subject3/001/anger/take000"
    trees.picture(take / "img_0010.png")
    trees.picture(take / "landmarks.jpg")
    many = read("mug", mug, 10**6)
    assert {path.rpartition("/")[2]: why.partition(":")[0] for path, why in reasons(many).items()} == {
        "img_0010.png": "duplicate", "landmarks.jpg": "misnamed",
    }  # fmt: skip
    for path in sorted(take.iterdir()):
        path.rename(path.with_name(f"{chr(97 + int(path.stem[-2:]))}.jpg") if path.stem[-1].isdigit() else path)
    (take / "landmarks.jpg").unlink()
    frames = [r.path[-5:] for r in read("mug", mug).records if "001/anger/take000" in r.path]
    assert frames == ["e.jpg", "f.jpg", "g.jpg", "a.jpg"]  # names without numbers are in the order of the names


def test_raf_db_originals_are_left_out_but_second_copies_are_listed(tmp_path):
    root = trees.rafdb(tmp_path)
    for name in ("original/train_00001.jpg", "aligned/train_00002_aligned.png", "aligned/train_00003_aligned (1).jpg"):
        trees.picture(root / "Image" / name)
    found = read("raf-db", root)
    assert found.left_out == 1 and reasons(found) == {
        f"Image/aligned/{copy}": f"duplicate: a second file for Image/aligned/{plain}"
        for copy, plain in (
            ("train_00002_aligned.png", "train_00002_aligned.jpg"),
            ("train_00003_aligned (1).jpg", "train_00003_aligned.jpg"),
        )
    }


def test_links_are_followed_once_and_never_instead_of_the_folder_itself(tmp_path):
    root = trees.folder(tmp_path / "x")
    outside = trees.folder(tmp_path / "y", ("cleo",)) / "cleo"
    (root / "aaa").symlink_to(root / "bert", target_is_directory=True)
    (root / "zoe").symlink_to(outside, target_is_directory=True)
    (root / "up").symlink_to(tmp_path, target_is_directory=True)
    (root / "anna" / "happiness" / "gone.jpg").symlink_to("/nowhere/1.jpg")
    report = check(DATABASES["folder"], root)
    assert set(report.by_identity()) >= {"anna", "bert"} and not any("aaa" in r.path for r in report.records)
    assert sum(path.startswith("bert/") for path in Tree(root).files) == 8
    assert {os.path.realpath(root / path) for path in Tree(root).pictures} >= {
        os.path.realpath(path) for path in outside.rglob("*.jpg")
    }
    assert len(Tree(root).pictures) == 24 + 1
    assert [why for path, why in reasons(report).items() if "gone" in path] == ["unreadable: No such file or directory"]


@pytest.mark.parametrize(
    ("name", "inner", "levels", "right"),
    [
        ("oulu", "OriginalImg/VL/Strong/P001/Anger", "2 levels", "OriginalImg/VL/Strong"),
        ("mug", "subject3/001/anger", "2 levels", "subject3"), ("ck+", "cohn-kanade-images/S010/001", "3 levels", ""),
        ("kdef", "KDEF/AF01", "one level", "KDEF"), ("fer2013", "train", "one level", ""),
        ("fer2013", "train/angry", "2 levels", ""), ("folder", "anna/happiness", "2 levels", ""),
        ("open", "data/london/neutral", "3 levels", ""), ("open", "data/london", "2 levels", ""),
    ],
)  # fmt: skip
def test_too_low_names_the_right_folder(name, inner, levels, right, tmp_path, capsys, people):
    if name == "open":
        root = shutil.copytree(people, tmp_path / "in")
    elif name == "fer2013":
        root = tmp_path / "in"
        for label in ("angry", "happy"):
            trees.picture(root / "train" / label / "1.png", grey=True)
    else:
        root = trees.TREES[name](tmp_path / "in")
    says = refused(capsys, name, root / inner)
    assert f"you are {levels} too low" in says and f"give {root / right}".rstrip("/") in says


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("ck+", "Emotion"), ("raf-db", "EmoLabel"), ("affectnet", "Manually_Annotated_Images"), ("affectnet", "lists"),
        ("folder", "anna"),
    ],
)  # fmt: skip
def test_half_of_a_database(name, inner, tmp_path, capsys):
    root = trees.TREES[name](tmp_path / "in")
    if name == "affectnet":
        (root / "lists").mkdir()
        for table in root.glob("*.csv"):
            table.rename(root / "lists" / table.name)
    says = refused(capsys, name, root / inner)
    assert "one level too low" in says and "give the folder" in says


def test_archives_that_unpack_into_a_folder_of_their_own_name(tmp_path):
    for home in ("B_OriginalImg/OriginalImg", "PreProcess_Img/PreProcess_Img"):
        assert check(DATABASES["oulu"], trees.oulu(tmp_path / home[:3], home=home, lights=("Strong",))).trainable


ROWS = [
    ("pics/0é.png", "anna", "happy"), ("pics\\1é.png", "anna", "neutral"), ("./pics/2é.png", "bert", "Sadness"),
    ("ABSOLUTE/pics/3é.png", "bert", "neutral"), ("pics/4é.png", "", "happy"), ("pics/5é.png", "bert", "bored"),
    ("gone.png", "bert", "happy"), ("pics/../pics/0é.png", "anna", "happy"), ("", "anna", "happy"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("separator", "encoding", "head"),
    [
        (",", "utf-8", "path,identity,expression"), (";", "utf-8-sig", "Expression;Path;Identity"),
        ("\t", "utf-16", "file\tsubject\temotion"), (",", "latin-1", "label,person,image"),
    ],
)  # fmt: skip
def test_tables(separator, encoding, head, tmp_path):
    """Pictures in a folder below, beside, or anywhere; accents in another form; every export of a table program."""
    root = tmp_path / "my faces"
    form = "NFC" if encoding == "latin-1" else "NFD"
    for number in range(7):
        trees.picture(root / "pics" / unicodedata.normalize(form, f"{number}é.png"))
    places = {"path": 0, "file": 0, "image": 0, "identity": 1, "subject": 1, "person": 1}
    lines = [head]
    for row in ROWS:
        told = (row[0].replace("ABSOLUTE", str(root)), *row[1:])
        lines.append(separator.join(told[places.get(word.lower(), 2)] for word in head.split(separator)))
    (root / "table.csv").write_bytes("\r\n".join(lines).encode(encoding))
    for given in (root / "table.csv", root):
        report = check(DATABASES["folder"], given)
        assert report.trainable and report.by_expression() == {"neutral": 2, "happy": 1, "sad": 1}, report.wrong
        assert report.by_identity() == {"anna": 2, "bert": 2}
        assert report.missing == ["gone.png: in table.csv, but not here"]
        whys = [f"{note.path}: {note.reason}" for note in report.skipped]
        for word in ("has no identity", "'bored' is no expression", "a second row", "has no path"):
            assert sum(word in why for why in whys) == 1, (word, whys)
    assert any(note.reason == "unlabelled: not in table.csv" for note in check(DATABASES["folder"], root).skipped)


@pytest.mark.parametrize("content", [b"", b"\0\1\2\xff,\n", b"path,identity\na,b\n", b"path,identity,expression\n"])
def test_tables_that_are_none(content, tmp_path, capsys):
    (tmp_path / "t.csv").write_bytes(content)
    says = refused(capsys, "folder", tmp_path / "t.csv")
    assert says.rstrip("\n").isprintable() and len(says) < 300


def test_a_picture_is_no_folder(tmp_path, capsys):
    path = trees.picture(tmp_path / "Rafd090_01_Caucasian_female_angry_frontal.jpg")
    assert "is a picture: give the folder" in refused(capsys, "rafd", path)


def test_what_else_a_folder_may_be(tmp_path, capsys, people):
    assert "looks like the open set, not RaFD" in refused(capsys, "rafd", people)
    own = trees.folder(tmp_path / "own", ("anna", "bert", "cleo"))
    assert "looks like a folder of your own" in refused(capsys, "kdef", own)
    trees.picture(own / "1" / "happy" / "1.jpg")  # as MUG has them, by chance
    assert "looks like a folder of your own" in refused(capsys, "kdef", own)


def test_names_of_every_kind(tmp_path):
    """Line breaks, commas and quotes go into the manifest and come back; bytes that are no text are listed."""
    names = ("a\nb", 'c,d"', "李雷", " e ")
    for name in names:
        for label in ("happy", "sad"):
            trees.face(tmp_path / "in" / name / label / "1.jpg", 110)
    odd = os.fsencode(tmp_path / "in") + b"/caf\xe9/happy"
    os.makedirs(odd)
    shutil.copy(tmp_path / "in/李雷/happy/1.jpg", odd + b"/1.jpg")
    told = prepare(DATABASES["folder"], tmp_path / "in", tmp_path / "out", workers=1).told
    assert told["skipped"] == [{"path": "caf\\udce9", "reason": "unreadable: its name is not UTF-8; rename it"}]
    table = read_manifest(tmp_path / "out")
    assert sorted(set(table["identity"])) == sorted(names) and len(set(table["crop"])) == 8
    assert all((tmp_path / "out" / crop).is_file() for crop in table["crop"])


def test_a_long_table_of_pixels_is_read_fast_and_strictly(tmp_path):
    root = trees.fer2013(tmp_path, rows=7)
    lines = (root / "fer2013.csv").read_text().splitlines()
    emotion, values, usage = lines[1].split(",")
    words = values.split()
    for odd in ("-1", "256", "1e2", "0x1", "٣", "99999999999999999999", "1.0"):
        lines.append(f"{emotion},{' '.join([odd, *words[1:]])},{usage}")
    lines.append(f"{emotion},{' '.join(words[:-1])},{usage}")
    (root / "fer2013.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = check(DATABASES["fer2013"], root)
    assert len(report.records) == 7 and [note.path for note in report.skipped] == [
        f"fer2013.csv:{9 + n}" for n in range(8)
    ]
    assert all("does not hold 2304 pixels" in note.reason for note in report.skipped)


def test_people_on_the_screen(tmp_path, capsys):
    root = trees.kdef(tmp_path, ("F01", "M02"))
    (root / "KDEF/AM02/AM02NES.JPG").unlink()
    with pytest.raises(SystemExit):
        main(["data", "check", "kdef", str(root)])
    out = capsys.readouterr().out
    assert "  70 of each: F01\n  69 of each: M02\n" in out
    with pytest.raises(SystemExit):
        main(["data", "check", "kdef", str(root), "--json"])
    assert json.loads(capsys.readouterr().out)["identities"] == 2
