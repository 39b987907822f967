"""`mien data prepare`: what the folder holds, that a kill changes nothing, that misses are retried and listed."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data import trees
from mien.cli import main
from mien.data.crops import find
from mien.data.databases import DATABASES
from mien.data.journal import JOURNAL, Journal
from mien.data.manifest import COLUMNS, read_dataset, read_manifest
from mien.data.names import crop_names
from mien.data.prepare import Options, prepare
from mien.data.record import Record
from mien.errors import MienError
from mien.face import crop, find_faces
from mien.picture import read
from support import needs_sample

pytestmark = needs_sample


@pytest.fixture(scope="module")
def kdef(tmp_path_factory) -> Path:
    """Two people, seven expressions, from the front; one of them black, one misnamed, one without a face."""
    root = tmp_path_factory.mktemp("kdef") / "KDEF"
    for who in ("AF01", "AM31"):
        for expression in trees.KDEF_EXPRESSIONS:
            trees.face(root / who / f"{who}{expression}S.JPG")
    trees.face(root / "AM31" / "AM31H.JPG")
    trees.picture(root / "AF01" / "AF01SUFR.JPG", (150, 150), level=2)
    trees.picture(root / "AF01" / "AF01SUFL.JPG", (150, 150))
    shutil.copy(root / "AF01" / "AF01HAS.JPG", root / "AM31" / "AM31HAFL.JPG")
    return root


def everything(out: Path) -> dict[str, str]:
    """Digest of each file, the journal included."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(kdef, tmp_path_factory) -> Path:
    """Prepared in one go, in two processes."""
    out = tmp_path_factory.mktemp("whole") / "out"
    told = []
    summary = prepare(DATABASES["kdef"], kdef, out, workers=2, tell=lambda *n: told.append(n))
    assert not summary.untrainable and told[0] == (0, 18) and told[-1] == (18, 18)
    return out


def test_what_the_folder_holds(kdef, whole):
    with (whole / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS) and len(rows) == 15
    assert [row["source"] for row in rows] == sorted(row["source"] for row in rows)
    for row in rows:
        rgb = read(kdef / row["source"]).rgb
        face = find_faces(rgb)[0]
        image = cv2.imread(str(whole / row["crop"]))[..., ::-1]
        assert np.array_equal(image, crop(rgb, face.transform, 128))
        transform = np.array(row["transform"].split(), float).reshape(2, 3)
        np.testing.assert_allclose(transform, face.transform, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(np.array(row["landmarks"].split(), float).reshape(68, 2), face.landmarks, atol=0.051)
        assert 0 < float(row["quality"]) <= 1 and row["found"] == "" and row["faces"] == "1"
        assert float(row["resolution"]) == pytest.approx(2 / np.sqrt(np.linalg.det(transform[:, :2])), abs=1e-3)
    assert {(row["identity"], row["split"]) for row in rows} == {("F01", "fold0"), ("M31", "fold1")}
    told = read_dataset(whole)
    assert told["counts"]["pictures"] == 15 and told["counts"]["by_split"] == {"fold0": 7, "fold1": 8}
    assert told["split"]["identities"] == {"F01": "fold0", "M31": "fold1"} and told["options"] == {"size": 128}
    reasons = {Path(note["path"]).name: note["reason"].partition(":")[0] for note in told["skipped"]}
    assert reasons == {"AF01SUFR.JPG": "black", "AF01SUFL.JPG": "no face", "AM31HAFL.JPG": "duplicate"}
    assert [note["reason"] for note in told["repaired"]] == ["misnamed: it is AM31SUHR"]
    with Image.open(whole / "contact.jpg") as sheet:
        assert sheet.width > 7 * 96 and sheet.height > 2 * 96
    files = {path.name for path in whole.iterdir()}
    assert files == {"crops", "manifest.csv", "dataset.json", "contact.jpg", JOURNAL}
    assert len(list((whole / "crops").rglob("*"))) == 2 + 15  # the duplicate's crop is away
    table = read_manifest(whole, ("expression", "crop"))
    assert list(table.columns) == ["expression", "crop"] and table["expression"].value_counts()["surprise"] == 3


def test_again_nothing_is_done(kdef, whole):
    before = {path: path.stat().st_mtime_ns for path in (whole / "crops").rglob("*.png")}
    same = everything(whole)
    told = []
    prepare(DATABASES["kdef"], kdef, whole, tell=lambda *n: told.append(n))
    assert told == [(18, 18)] and everything(whole) == same
    assert {path: path.stat().st_mtime_ns for path in (whole / "crops").rglob("*.png")} == before


def test_a_kill_changes_nothing(kdef, whole, tmp_path):
    out = tmp_path / "out"
    code = "import sys; from mien.cli import main; main(sys.argv[1:])"
    words = ["data", "prepare", "kdef", str(kdef), str(out), "--workers", "2"]
    run = subprocess.Popen([sys.executable, "-c", code, *words], start_new_session=True)
    journal = out / JOURNAL
    waited = time.monotonic() + 120
    while time.monotonic() < waited and not (journal.is_file() and journal.read_bytes().count(b"\n") > 4):
        time.sleep(0.02)
    run.kill()  # the first process alone: its workers are to end with it
    run.wait()
    waited = time.monotonic() + 60
    while alive(run.pid) and time.monotonic() < waited:
        time.sleep(0.05)
    assert not alive(run.pid) and not (out / "dataset.json").exists()
    (out / "crops" / ".x.png.part").write_bytes(b"half")
    done = journal.read_bytes().count(b"\n") - 1
    told = []
    prepare(DATABASES["kdef"], kdef, out, workers=1, tell=lambda *n: told.append(n))
    assert 0 < told[0][0] <= done and everything(out) == everything(whole)


def alive(group: int) -> list[str]:
    """The processes of a group, but for those that only wait to be counted."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.append(stat.parent.name)
    return found


def test_two_at_once_do_not_disturb_each_other(small, tmp_path):
    out = tmp_path / "out"
    prepare(DATABASES["folder"], small[0], out, workers=1)
    before = everything(out)
    with (
        Journal(out, {"format": 1, "database": "folder", "size": 128}),
        pytest.raises(MienError, match=r"another 'mien data prepare' is at work in .*out: wait for it"),
    ):
        prepare(DATABASES["folder"], small[0], out, workers=1)
    assert everything(out) == before
    prepare(DATABASES["folder"], small[0], out, workers=1)


@settings(max_examples=12)
@given(st.floats(0, 1))
def test_a_journal_cut_anywhere_is_gone_on_with(small, share):
    root, out = small
    expected = everything(out)
    journal = out / JOURNAL
    data = journal.read_bytes()
    journal.write_bytes(data[: round(share * len(data))])
    prepare(DATABASES["folder"], root, out, workers=1)
    assert everything(out) == expected


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("small")
    for who in ("anna", "bert"):
        for label in ("neutral", "happy"):
            trees.face(root / "in" / who / label / "1.png", 110)
    prepare(DATABASES["folder"], root / "in", root / "out", workers=1)
    return root / "in", root / "out"


def test_what_has_changed_is_made_again(small, tmp_path):
    root, out = shutil.copytree(small[0], tmp_path / "in"), shutil.copytree(small[1], tmp_path / "out")
    prepare(DATABASES["folder"], root, out, workers=1)  # the copies have other times
    first = everything(out)
    trees.face(root / "anna" / "happy" / "1.png", 110, seed=77)
    trees.face(root / "cleo" / "sad" / "2.png", 110)
    (root / "bert" / "happy" / "1.png").unlink()
    (out / "crops" / "bert" / "bert_neutral_1.png").unlink()
    half = out / "crops" / "anna" / "anna_neutral_1.png"
    half.write_bytes(half.read_bytes()[:999])
    told = []
    prepare(DATABASES["folder"], root, out, workers=1, tell=lambda *n: told.append(n))
    assert told[0] == (0, 4)
    second = everything(out)
    assert second.keys() - first.keys() == {"crops/cleo/cleo_sad_2.png"}
    assert first.keys() - second.keys() == {"crops/bert/bert_happy_1.png"}
    changed = {name for name in first.keys() & second.keys() if first[name] != second[name]}
    assert changed == {"crops/anna/anna_happy_1.png", "manifest.csv", "dataset.json", "contact.jpg", JOURNAL}


@pytest.mark.parametrize(("turn", "size"), [(90, 200), (180, 200), (-60, 200), (0, 48)])
def test_faces_that_are_missed_are_looked_for_again(turn, size, tmp_path):
    rgb = read(trees.face(tmp_path / "x.png", size, seed=1, turn=turn)).rgb
    upright = read(trees.face(tmp_path / "y.png", 200, seed=1)).rgb
    found = find(rgb)
    assert found is not None and found.how
    expected = crop(upright, find_faces(upright)[0].transform, 64).astype(float)
    got = crop(rgb, found.face.transform, 64).astype(float)
    inner = slice(12, 52)
    assert np.abs(got - expected)[inner, inner].mean() < 22


def test_retries_are_listed(small, tmp_path):
    root = shutil.copytree(small[0], tmp_path / "in")
    trees.face(root / "anna" / "sad" / "1.png", 200, turn=90)
    told = prepare(DATABASES["folder"], root, tmp_path / "out", Options(size=256), workers=1).told
    assert [entry["path"] for entry in told["retried"]] == ["anna/sad/1.png"]
    row = read_manifest(tmp_path / "out").set_index("source").loc["anna/sad/1.png"]
    assert row["found"] == told["retried"][0]["how"] and float(row["quality"]) <= 0.5
    with Image.open(tmp_path / "out" / row["crop"]) as image:
        assert image.size == (256, 256)


def test_rows_of_a_table(tmp_path):
    values = cv2.cvtColor(read(trees.face(tmp_path / "x.png", 48)).rgb, cv2.COLOR_RGB2GRAY)
    lines = ["emotion,pixels,Usage"]
    for number in range(4):
        pixels = np.clip(values.astype(int) - 3 * number, 0, 255).ravel()
        lines.append(f"{3 + number % 2},{' '.join(map(str, pixels))},{'Training' if number < 3 else 'PrivateTest'}")
    (tmp_path / "fer").mkdir()
    (tmp_path / "fer" / "fer2013.csv").write_text("\n".join([*lines, "5,0 1,Training"]) + "\n")
    summary = prepare(DATABASES["fer2013"], tmp_path / "fer" / "fer2013.csv", tmp_path / "out", workers=1)
    assert summary.told["counts"]["by_split"] == {"test": 1, "train": 3} and summary.told["split"]["scheme"] == "own"
    assert "unreadable" in summary.told["skipped"][0]["reason"]
    table = read_manifest(tmp_path / "out")
    assert list(table["frame"]) == ["2", "3", "4", "5"] and set(table["identity"]) == {""}
    assert (tmp_path / "out" / "crops" / "happy" / "fer2013-2.png").is_file()


def test_the_command(small, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = small[0]

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main(["data", "prepare", *map(str, words)])
        return left.value.code, *capsys.readouterr()

    code, out, err = call("folder", root, "a", "--workers", 1, "--folds", 2)
    assert (code, err) == (0, "") and "a: 4 crops of 128 px, 2 people" in out and "fold0 2, fold1 2" in out
    code, out, _ = call("folder", "--from", root, "-o", "b", "--json", "--workers", 1, "--split", "stargan")
    assert code == 0 and json.loads(out)["split"]["scheme"] == "stargan"
    assert call("folder", root, "--workers", 1, "--expressions", "neutral")[0] == 0
    assert read_dataset(Path("prepared/folder"))["counts"]["by_expression"] == {"neutral": 2}
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    for words, says in (
        (("a", "c"), "is what 'mien data prepare' made"), ((root, "full"), "is not empty"),
        ((root, "file"), "is a file, not a folder"), ((root, "a", "--size", 100), "--size is 128 or 256"),
        ((root, "a", "--size", 256), "was prepared with other options (size 128, not 256)"),
        ((root.parent, "c"), "one level too high"), ((root, "c", "d"), "what is d?"), ((), "give the folder"),
        ((root, "c", "--split", "x"), "--split is one of"), ((root, "c", "--split", "exprgan"), "P001 to P080"),
        ((root, "c", "--folds", "1"), "at least 2 folds"), ((tmp_path / "nowhere", "c"), "does not exist"),
    ):  # fmt: skip
        code, out, err = call("folder", *words)
        assert code == 2 and says in err and err.count("\n") == 1 and not out, (words, err)
        assert not (tmp_path / "c").exists()
    assert "fetch open" in call("open")[2]


def test_a_prepared_folder_within_its_database_is_no_part_of_it(small, tmp_path):
    root = shutil.copytree(small[0], tmp_path / "in")
    first = prepare(DATABASES["folder"], root, root / "out", workers=1).told
    assert prepare(DATABASES["folder"], root, root / "out", workers=1).told == first
    assert first["counts"]["pictures"] == 4


def test_odd_pictures_stop_nothing(small, tmp_path):
    root = shutil.copytree(small[0], tmp_path / "in")
    for number, size in enumerate(((1, 1), (2, 3000), (3000, 2))):
        trees.picture(root / "anna" / "sad" / f"{number}.png", size)
    told = prepare(DATABASES["folder"], root, tmp_path / "out", workers=1).told
    assert told["counts"]["pictures"] == 4
    assert [note["reason"].partition(":")[0] for note in told["skipped"]] == ["no face"] * 3


def test_no_face_at_all(tmp_path):
    trees.picture(tmp_path / "in" / "anna" / "happy" / "1.png", (90, 90))
    trees.picture(tmp_path / "in" / "bert" / "sad" / "1.png", (90, 90))
    with pytest.raises(MienError, match=r"none of 2 pictures could be prepared \(2 times: no face\), such as anna/"):
        prepare(DATABASES["folder"], tmp_path / "in", tmp_path / "out", workers=1)
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(MienError, match=r"no manifest\.csv in .*mien data prepare"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(MienError, match="is not a manifest of mien"):
        read_manifest(tmp_path)
    with pytest.raises(MienError, match=r"no dataset\.json"):
        read_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(MienError, match="not the description"):
        read_dataset(tmp_path)


@given(
    st.lists(
        st.builds(
            Record,
            path=st.text(st.sampled_from("aAbB/_. é-"), min_size=1, max_size=120).map(lambda t: f"{t}.png"),
            expression=st.sampled_from(["happy", "sad"]),
            identity=st.sampled_from(["", "a", "A", "../b", "..", "c/d"]),
            frame=st.none() | st.integers(0, 3),
        ),
        max_size=30,
        unique_by=lambda r: (r.path, r.frame, r.expression, r.identity),
    )
)
def test_crops_have_names_of_their_own_inside_the_folder(records):
    names = crop_names(records)
    assert len({name.lower() for name in names}) == len(records)
    for name in names:
        assert name.startswith("crops/") and ".." not in name.split("/") and len(name.split("/")) == 3
        assert all(len(part) < 130 and part.isprintable() for part in name.split("/"))


def test_one_file_of_two_people_whose_names_differ_in_case_makes_two_crops():
    records = [Record("A.png", "sad", identity) for identity in ("a", "A")]
    assert len({name.lower() for name in crop_names(records)}) == 2
