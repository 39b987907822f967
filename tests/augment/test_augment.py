"""`mien augment`: of whom faces are made, what is written, that a break changes nothing, what is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import trees
from made_prepared import change_rows, change_told, write_prepared
from mien import provenance
from mien.augment.make import COLUMNS, DESCRIPTION, Options, augment, face_of
from mien.augment.plan import people_of, plan
from mien.cli import main
from mien.data.journal import JOURNAL
from mien.data.labelled import Row, read_rows
from mien.editor import Editor
from mien.expression import NAMES
from support import needs_sample, needs_weights


def call(*words: object, capsys: pytest.CaptureFixture) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def lines(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def everything(folder: Path, *without: str) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in without
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    return write_prepared(tmp_path_factory.mktemp("prepared") / "made", renders=("anger", "happy"))


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


OPTIONS = Options(expressions=("happy", "neutral", "fear"), per_person=2)


@pytest.fixture(scope="module")
def whole(prepared, editor, tmp_path_factory) -> Path:
    """Made in one go."""
    out = tmp_path_factory.mktemp("whole") / "out"
    told: list[tuple[int, int]] = []
    summary = augment(prepared, out, editor, OPTIONS, lambda *n: told.append(n))
    assert not summary.failed and told[0] == (0, 18) and told[-1] == (18, 18)
    return out


def test_what_the_folder_holds(prepared, whole, editor):
    rows = lines(whole)
    assert list(rows[0]) == list(COLUMNS) and len(rows) == 3 * 3 * 2
    files = {p.relative_to(whole).as_posix() for p in whole.rglob("*.png")}
    assert files == {row["file"] for row in rows} and {p.parent.name for p in whole.rglob("*.png")} == set(
        OPTIONS.expressions
    )
    weights = hashlib.sha256(editor.generator.path.read_bytes()).hexdigest()
    for row in rows:
        assert row["identity"] in ("anna", "bert", "cleo") and row["split"] == "train" and not row["error"]
        assert row["file"].startswith(f"{row['expression']}/{row['identity']}_") and "rig" not in row["crop"]
        assert row["crop_expression"] != row["expression"] and row["strength"] in ("0.7", "1")
        assert row["sha256"] == hashlib.sha256((whole / row["file"]).read_bytes()).hexdigest()
        assert row["crop_sha256"] == hashlib.sha256((prepared / row["crop"]).read_bytes()).hexdigest()
        assert (row["model_sha256"], row["model"], row["seed"]) == (weights, "stand-in", "1")
        said = provenance.inspect(whole / row["file"])
        assert said.source_type == provenance.COMPOSITE and said.edits[-1]["expression"] == row["expression"]
        assert said.edits[-1]["input"] == {"sha256": row["crop_sha256"]}
        before, after = cv2.imread(str(prepared / row["crop"])), cv2.imread(str(whole / row["file"]))
        assert before.shape == after.shape and (before != after).any() == (row["expression"] != "neutral")
    told = json.loads((whole / DESCRIPTION).read_text())
    assert told["people"] == ["anna", "bert", "cleo"] and told["pictures"] == 18 and told["failed"] == 0
    assert told["by_expression"] == {"fear": 6, "happy": 6, "neutral": 6} and "pictures of nobody" in told["licence"]
    loose = {p.name for p in whole.iterdir() if p.is_file()}
    assert loose == {"manifest.csv", DESCRIPTION, JOURNAL}


def test_the_prepared_folder_is_not_touched(editor, tmp_path):
    folder = write_prepared(tmp_path / "in")
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    augment(folder, tmp_path / "out", editor, OPTIONS)
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_two_runs_give_the_same_bytes_and_another_seed_others(prepared, whole, editor, tmp_path):
    augment(prepared, tmp_path / "a", editor, OPTIONS)
    assert everything(tmp_path / "a") == everything(whole)
    from dataclasses import replace

    few = replace(OPTIONS, per_person=1)
    augment(prepared, tmp_path / "b", editor, few)
    augment(prepared, tmp_path / "c", editor, replace(few, seed=2))
    chosen = [{row["file"] for row in lines(tmp_path / name)} for name in "bc"]
    assert chosen[0] < {row["file"] for row in lines(whole)} and chosen[0] != chosen[1]


def test_broken_off_and_gone_on_with_it_ends_the_same(prepared, whole, editor, tmp_path):
    out = tmp_path / "out"

    def stop(done: int, of: int) -> None:
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        augment(prepared, out, editor, OPTIONS, stop)
    assert not (out / "manifest.csv").exists() and len(list(out.rglob("*.png"))) == 11
    (out / "happy" / ".x.png.1234.part").write_bytes(b"half")
    with (out / JOURNAL).open("ab") as file:
        file.write(b'{"name": "cut of')
    sorted(out.rglob("*.png"))[0].unlink()
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    told: list[tuple[int, int]] = []
    augment(prepared, out, editor, OPTIONS, lambda *n: told.append(n))
    assert told[0] == (10, 18) and everything(out, JOURNAL) == everything(whole, JOURNAL)
    assert all(p.stat().st_mtime_ns == when for p, when in kept.items())
    told.clear()
    augment(prepared, out, editor, OPTIONS, lambda *n: told.append(n))
    assert told == [(18, 18)]


def test_what_fails_is_a_row_and_is_tried_again(editor, tmp_path, capsys, stand_in):
    folder, out = write_prepared(tmp_path / "in"), tmp_path / "out"
    sound = (folder / "crops/anna/sad0.png").read_bytes()
    (folder / "crops/anna/sad0.png").write_bytes(sound[:100])
    change_rows(folder, lambda r: r | {"landmarks": "1 2" if r["crop"] == "crops/bert/sad1.png" else r["landmarks"]})
    words = ["augment", folder, out, "-e", "happy", "--per-person", 9, "--model", stand_in]
    code, said, _ = call(*words, capsys=capsys)
    bad = [row for row in lines(out) if row["error"]]
    assert code == 1 and "failed: 4" in said and len(bad) == 4 and all(not row["file"] for row in bad)
    assert {row["crop"] for row in bad} == {"crops/anna/sad0.png", "crops/bert/sad1.png"}
    assert "damaged or cut short" in bad[0]["error"] and "does not say where the face lies" in bad[-1]["error"]
    assert len(list(out.rglob("*.png"))) == len(lines(out)) - 4
    (folder / "crops/anna/sad0.png").write_bytes(sound)
    assert call(*words, capsys=capsys)[0] == 1 and len([row for row in lines(out) if row["error"]]) == 2


def test_what_has_changed_is_made_again_and_what_is_gone_is_removed(editor, tmp_path):
    folder, out = write_prepared(tmp_path / "in"), tmp_path / "out"
    augment(folder, out, editor, OPTIONS)
    first = everything(out)
    crop = next(row["crop"] for row in lines(out) if row["identity"] == "anna")
    image = cv2.imread(str(folder / crop))
    cv2.imwrite(str(folder / crop), 255 - image)
    change_rows(folder, lambda r: r | {"split": "val"} if r["identity"] == "cleo" else r)
    augment(folder, out, editor, OPTIONS)
    second = everything(out)
    assert not any("cleo" in name for name in second) and any("cleo" in name for name in first)
    changed = {name for name in second if name.endswith(".png") and first[name] != second[name]}
    assert changed == {row["file"] for row in lines(out) if row["crop"] == crop}


PARTS = st.sampled_from(["train", "val", "test", "fold0", "fold1", "fold2"])
ROWS = st.lists(
    st.builds(
        Row,
        crop=st.integers(0, 9).map(lambda n: f"crops/x/{n}.png"),
        identity=st.sampled_from(["", *"abcdefgh"]),
        expression=st.sampled_from(["neutral", "happy", "happily surprised"]),
        part=PARTS,
        pose=st.sampled_from(["", "frontal", "half-HL", "profile-FL"]),
        rendered=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda row: (row.crop, row.identity),
)


@given(ROWS, st.sets(PARTS, min_size=1), st.integers(1, 4), st.integers(0, 5))
def test_nobody_outside_the_split_is_ever_used(rows, parts, per_person, seed):
    """Not even who, against all rules, is in two parts of it."""
    mine = people_of(rows, parts)
    outside = {row.identity for row in rows if row.part not in parts}
    planned = plan(mine, NAMES[:3], (0.5, 1.0), per_person, seed)
    assert not {one.identity for one in planned} & (outside | {""})
    assert all(one.source.part in parts and not one.source.rendered for one in planned)
    assert all(one.source.expression != one.expression and one.source.pose[:7] != "profile" for one in planned)
    assert len({one.name.lower() for one in planned}) == len(planned)
    counts: dict[tuple[str, str], int] = {}
    for one in planned:
        counts[one.identity, one.expression] = counts.get((one.identity, one.expression), 0) + 1
        assert ".." not in one.name and one.name.count("/") == 1
    assert all(count <= per_person for count in counts.values())
    fewer = [row for row in mine if row.identity != "a"]  # others change nothing
    assert {o.name for o in plan(fewer, NAMES[:3], (0.5, 1.0), per_person, seed)} == {
        one.name for one in planned if one.identity != "a"
    }
    assert plan(mine[::-1], NAMES[:3], (1.0, 0.5), per_person, seed) == planned


def test_odd_names_stay_inside(editor, tmp_path):
    folder = write_prepared(tmp_path / "in", {"../../x": "train", "A b": "train", "a_b": "train"}, takes=1)
    # crops lie in the folder, whatever people are called
    rows = []

    def tame(row):
        source = folder / row["crop"]
        name = f"crops/{len(rows)}.png"
        rows.append((source, name))
        return row | {"crop": name}

    change_rows(folder, tame)
    for source, name in rows:
        shutil.move(source, folder / name)
    augment(folder, tmp_path / "out", editor, Options(expressions=("fear",)))
    made = list((tmp_path / "out").rglob("*.png"))
    assert len(made) == 6 and {p.parent.parent for p in made} == {tmp_path / "out"}


def test_folds(editor, tmp_path, capsys, stand_in):
    people = {f"p{n}": f"fold{n % 3}" for n in range(6)}
    folder = write_prepared(tmp_path / "in", people)
    augment(folder, tmp_path / "a", editor, Options(expressions=("fear",), fold=1))
    assert {row["split"] for row in lines(tmp_path / "a")} == {"fold0", "fold2"}
    words = [
        "augment",
        folder,
        tmp_path / "b",
        "-e",
        "scared",
        "--split",
        "fold1",
        "--from",
        "sad",
        "--model",
        stand_in,
    ]
    assert call(*words, capsys=capsys)[0] == 0
    assert {row["identity"] for row in lines(tmp_path / "b")} == {"p1", "p4"}
    assert {(row["crop_expression"], row["expression"]) for row in lines(tmp_path / "b")} == {("sad", "fear")}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"-e": "glee"}, "'glee' is no expression by name"),
        ({"-e": ","}, "a name is needed"),
        ({"--strengths": "0"}, "above 0"),
        ({"--strengths": "0.5,2"}, "at most 1.3"),
        ({"--strengths": "nan"}, "above 0"),
        ({"--strengths": "much"}, "cannot read the strengths"),
        ({"--split": "val"}, "kept for measuring"),
        ({"--split": "train,test"}, "kept for measuring"),
        ({"--split": "trian"}, "has no part 'trian'"),
        ({"--from": "surprise"}, "nothing to make"),
        ({"--model": "absent.onnx"}, "cannot read the weights"),
        ({"in": "nowhere"}, "there is no folder nowhere"),
        ({"in": "empty"}, "no dataset.json in empty"),
        ({"in": "nobody"}, "nobody in nobody is told apart"),
        ({"in": "twice"}, "is in train and in val"),
        ({"in": "away"}, "is not a manifest of mien"),
        ({"out": "full"}, "is not empty, and 'mien augment' did not make it"),
        ({"out": "file"}, "is a file, not a folder"),
        ({"out": "file/out"}, "cannot make the folder"),
        ({"out": "in"}, "must not lie within each other"),
        ({"out": "in/crops/out"}, "must not lie within each other"),
        ({"out": "."}, "must not lie within each other"),
        ({"out": "made", "--seed": "7"}, "with other options (seed 1, not 7)"),
    ],
    ids=lambda value: "=".join(*value.items()) if isinstance(value, dict) and len(value) == 1 else None,
)
def test_what_is_refused(changes, says, tmp_path, monkeypatch, capsys, stand_in, editor):
    monkeypatch.chdir(tmp_path)
    write_prepared(Path("in"), takes=1)
    Path("empty").mkdir()
    Path("file").touch()
    Path("full").mkdir()
    Path("full/x").touch()
    change_rows(write_prepared(Path("nobody"), takes=1), lambda row: row | {"identity": ""})
    change_rows(
        write_prepared(Path("twice")), lambda r: r | {"split": "val"} if r["crop"] == "crops/anna/sad0.png" else r
    )
    change_rows(write_prepared(Path("away"), takes=1), lambda row: row | {"crop": str(tmp_path / "in" / row["crop"])})
    if changes.get("out") == "made":
        augment(Path("in"), Path("made"), editor, Options(expressions=("happy",)))
    options = {"in": "in", "out": "new", "-e": "happy", "--model": str(stand_in), **changes}
    words = ["augment", options.pop("in"), options.pop("out"), *(word for pair in options.items() for word in pair)]
    before = everything(tmp_path)
    code, said, err = call(*words, capsys=capsys)
    assert code == 2 and says in err and err.count("\n") == 1 and not said and "Traceback" not in err, err
    assert everything(tmp_path) == before and not Path("new").exists()


def test_weights_that_know_fewer_names(tmp_path, capsys):
    from support import write_painter

    folder = write_prepared(tmp_path / "in", takes=1)
    model = write_painter(tmp_path / "p.onnx", 0.1, ("neutral", "happy", "sad"))
    code, _, err = call("augment", folder, tmp_path / "a", "-e", "fear", "--model", model, capsys=capsys)
    assert code == 2 and "do not make fear" in err
    code, said, _ = call("augment", folder, tmp_path / "a", "--model", model, "--json", capsys=capsys)
    assert code == 0 and set(json.loads(said)["by_expression"]) == {"neutral", "happy", "sad"}


@needs_sample
@needs_weights
def test_of_a_real_face_without_torch(tmp_path):
    """The face is taken where the manifest has it: as if the detector had found it there, in any crop size."""
    from mien.data.databases import DATABASES
    from mien.data.prepare import Options as How
    from mien.data.prepare import prepare
    from mien.face import find_faces

    for seed, name in enumerate(("anna/neutral", "anna/sad", "bert/neutral", "bert/sad")):
        trees.face(tmp_path / "in" / name / "1.png", 400, seed)
    prepare(DATABASES["folder"], tmp_path / "in", tmp_path / "out", How(size=256, folds=2), workers=1)
    change_told(tmp_path / "out", title="the sample")
    row = read_rows(tmp_path / "out")[0]
    crop = cv2.imread(str(tmp_path / "out" / row.crop))[..., ::-1]
    found = find_faces(np.ascontiguousarray(crop))[0]
    assert np.abs(face_of(row, 256).landmarks - found.landmarks).mean() < 4
    np.testing.assert_allclose(face_of(row, 256).transform, np.eye(2, 3), atol=0.15)
    code = "import sys; from mien.cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules)"
    words = ["augment", tmp_path / "out", tmp_path / "made", "-e", "happy", "--strengths", "1", "--per-person", "1"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "numba", "scipy", "onnx", "pandas", "lightning_fabric"}
    (made,) = lines(tmp_path / "made")
    before = cv2.imread(str(tmp_path / "out" / made["crop"])).astype(int)
    away = np.abs(cv2.imread(str(tmp_path / "made" / made["file"])) - before).max(-1)
    assert away[150:200, 80:176].max() > 40 and away[:60].max() < 10 and (away == 0).mean() > 0.4  # above all the mouth
