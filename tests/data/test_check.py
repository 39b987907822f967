"""`mien data check`: counts, what is missing, what cannot be used and why; wrong folders; nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from data import trees
from mien.cli import main
from mien.data.check import check
from mien.data.databases import DATABASES, database
from mien.data.filters import Filters, words
from mien.errors import MienError

KEYS = {"database", "pictures", "identities", "by_expression", "repaired", "skipped", "missing", "trainable"}


@pytest.fixture
def mien(capsys):
    """Runs a command; gives exit code, standard output and error."""

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        out = capsys.readouterr()
        return left.value.code, out.out, out.err

    return call


def listing(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.rglob("*"))}


@pytest.mark.parametrize("name", trees.TREES)
def test_a_sound_tree_can_be_trained_on_and_is_left_as_it_is(name, tmp_path, mien):
    root = trees.litter(trees.TREES[name](tmp_path / "x"))
    before = listing(root)
    code, out, err = mien("data", "check", name, root, "--json")
    told = json.loads(out)
    assert (code, err) == (0, "") and set(told) == KEYS and told["trainable"] and told["database"] == name
    assert told["pictures"] == sum(told["by_expression"].values()) > 0
    assert (told["identities"] == 0) == (name in ("raf-db", "fer2013", "affectnet"))
    assert listing(root) == before
    code, out, _ = mien("data", "check", name.upper(), root)
    assert code == 0 and f"{told['pictures']} pictures" in out and "training can go ahead" in out


def test_what_is_the_matter_with_pictures(tmp_path, mien):
    root = trees.rafd(tmp_path / "RaFD", angles=("090",))

    def name(emotion, gaze="frontal", model=1):
        return root / f"Rafd090_{model:02d}_Caucasian_{'female' if model % 2 else 'male'}_{emotion}_{gaze}.jpg"

    trees.picture(name("happy"), level=3)
    name("sad").write_bytes(b"")
    name("angry").write_bytes(name("angry").read_bytes()[:-200])
    name("fearful").write_bytes(b"not a picture at all")
    shutil.copy(name("neutral"), name("neutral", model=2))
    shutil.copy(name("disgusted"), root / "Rafd090_01_Caucasian_female_disgusted_frontal - Copy.jpg")
    trees.picture(root / "Rafd090_01_female_surprised.jpg")
    code, out, _ = mien("data", "check", "RaFD", root, "--json")
    told = json.loads(out)
    reasons = {note["path"]: note["reason"] for note in told["skipped"]}
    assert code == 0 and told["pictures"] == 48 - 5
    assert reasons[name("happy").name].startswith("black: its mean is 3")
    assert all(reasons[name(e).name].startswith("unreadable: ") for e in ("sad", "angry", "fearful"))
    assert reasons[name("neutral", model=2).name] == (
        f"duplicate: the same picture as {name('neutral').name}, which is 01, neutral"
    )
    assert "a second file for" in reasons["Rafd090_01_Caucasian_female_disgusted_frontal - Copy.jpg"]
    assert reasons["Rafd090_01_female_surprised.jpg"].startswith("misnamed")
    assert len(reasons) == 7
    code, out, _ = mien("data", "check", "rafd", root)
    assert (
        "skipped, unreadable: 3" in out
        and "skipped, black: 1" in out
        and str(root) not in out.partition("unreadable")[2]
    )


def test_frames_of_a_sequence_may_be_alike(tmp_path):
    root = trees.oulu(tmp_path, cameras=("VL",), lights=("Strong",))
    one, other, elsewhere = (
        root / "OriginalImg" / "VL" / "Strong" / p
        for p in ("P001/Fear/007.jpeg", "P001/Fear/008.jpeg", "P002/Fear/008.jpeg")
    )
    shutil.copy(one, other)
    report = check(DATABASES["oulu"], root)
    assert not report.skipped
    shutil.copy(one, elsewhere)
    assert [note.path for note in check(DATABASES["oulu"], root).skipped] == [
        "OriginalImg/VL/Strong/P002/Fear/008.jpeg"
    ]


@pytest.mark.parametrize("name", [n for n in trees.TREES if n not in ("folder", "fer2013")])
def test_a_wrong_folder_gets_a_hint(name, tmp_path, mien):
    root = trees.litter(trees.TREES[name](tmp_path / "up" / "x"))
    code, out, err = mien("data", "check", name, root.parent)
    assert (code, out) == (2, "") and f"one level too high: {DATABASES[name].title} lies in {root}" in err
    assert "2 levels too high" in mien("data", "check", name, tmp_path)[2]
    code, out, err = mien("data", "check", "rafd" if name != "rafd" else "kdef", root, "--json")
    other = DATABASES["rafd" if name != "rafd" else "kdef"].title
    assert code == 2 and f"looks like {DATABASES[name].title}, not {other}" in err and err.count("\n") == 1
    told = json.loads(out)
    assert told["trainable"] is False and told["pictures"] == 0 and set(told) == KEYS
    code, _, err = mien("data", "check", "folder", root)
    assert code == 2 and ("looks like" in err or "too high" in err)


@pytest.mark.parametrize(
    ("name", "inner", "says"),
    [
        ("kdef", "KDEF/AF01", "one level too low"), ("oulu", "OriginalImg/VL/Strong/P001", "one level too low"),
        ("mug", "subject3/001", "one level too low"), ("ck+", "cohn-kanade-images", "one level too low"),
        ("raf-db", "Image", "one level too low"), ("kdef", "nowhere", "does not exist"),
    ],
)  # fmt: skip
def test_one_level_too_low(name, inner, says, tmp_path, mien):
    root = trees.TREES[name](tmp_path)
    code, _, err = mien("data", "check", name, root / inner)
    assert code == 2 and says in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("kdef", "KDEF"),
        ("oulu", "OriginalImg"),
        ("oulu", "OriginalImg/VL"),
        ("mug", "subject3"),
        ("cfee", "CFEE_Database_230"),
    ],
)
def test_a_folder_of_the_distribution_itself(name, inner, tmp_path):
    assert check(DATABASES[name], trees.TREES[name](tmp_path) / inner).trainable


def test_folders_as_archives_leave_them(tmp_path):
    """Pictures and labels in archives of their own, unpacked side by side; two databases of one archive."""
    ck = trees.ckplus(tmp_path / "CK+")
    for inner, outer in (("cohn-kanade-images", "extended-cohn-kanade-images"), ("Emotion", "Emotion_labels")):
        (ck / outer).mkdir()
        (ck / inner).rename(ck / outer / inner)
    raf = trees.rafdb(tmp_path / "RAF-DB" / "basic").parent
    both = trees.akdef(trees.kdef(tmp_path / "KDEF_and_AKDEF"))
    trees.fer2013(tmp_path / "fer" / "fer2013")
    affect = trees.affectnet(tmp_path / "affect")
    (affect / "Manually_Annotated_Images").rename(affect / "pictures")
    found = {
        "ck+": ck, "raf-db": raf, "kdef": both, "akdef": both, "fer2013": tmp_path / "fer", "affectnet": affect,
    }  # fmt: skip
    told = {name: len(check(DATABASES[name], root).records) for name, root in found.items()}
    assert told == {"ck+": 18, "raf-db": 21, "kdef": 140, "akdef": 70, "fer2013": 21, "affectnet": 16}
    assert "one level too high" in check(DATABASES["raf-db"], tmp_path / "RAF-DB" / "..").wrong


def test_what_cannot_be_trained_on(tmp_path, mien):
    def refused(name, root):
        code, _, err = mien("data", "check", name, root)
        assert code == 2
        return err

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Thumbs.db").touch()
    assert "holds no files" in refused("rafd", tmp_path / "a")
    assert "but one person, 01" in refused("rafd", trees.rafd(tmp_path / "b", (1,), ("090",)))
    for path in trees.rafd(tmp_path / "c", (1, 2), ("090",)).iterdir():
        if "neutral" not in path.name:
            path.unlink()
    assert "but one expression, neutral" in refused("rafd", tmp_path / "c")
    for path in trees.folder(tmp_path / "d").rglob("*.jpg"):
        trees.picture(path, level=1)
    assert "no sound picture is left" in refused("folder", tmp_path / "d")
    shutil.rmtree(trees.ckplus(tmp_path / "e") / "Emotion")
    assert "pictures but no labels; unpack" in refused("ck+", tmp_path / "e")
    trees.picture(tmp_path / "f" / "anna" / "happy" / "1.jpg")
    trees.picture(tmp_path / "f" / "bert" / "sad" / "1.jpg")
    assert "nobody is there with two expressions" in refused("folder", tmp_path / "f")
    (tmp_path / "kdef.zip").write_bytes(b"PK")
    assert "is an archive: unpack it" in refused("kdef", tmp_path / "kdef.zip")
    assert "unknown database 'x'" in refused("x", tmp_path)


def test_filters(tmp_path, mien):
    rafd, kdef = trees.rafd(tmp_path / "rafd"), trees.kdef(tmp_path / "kdef")
    oulu = trees.oulu(tmp_path / "oulu")

    def left(name, root, **options):
        return len(check(DATABASES[name], root, Filters(**{k: words(v) for k, v in options.items()})).records)

    assert left("rafd", rafd, pose="frontal", gaze="frontal") == 16
    assert left("rafd", rafd, pose="frontal,half") == 144 == left("rafd", rafd, pose="090, 045 ,135")
    assert left("rafd", rafd, pose="45") == 48 == left("rafd", rafd, pose="half-045")
    assert left("rafd", rafd, without="contempt") == 210 == left("rafd", rafd, expressions="seven")
    assert left("rafd", rafd, expressions="Neutral,happiness") == 60
    assert (
        left("kdef", kdef, pose="left") == 56 == left("kdef", kdef, pose="HL,FL") and left("kdef", kdef, pose="s") == 28
    )
    assert left("oulu", oulu, camera="VL", light="Strong") == 48 == left("oulu", oulu, camera="visible", light="strong")
    code, out, _ = mien("data", "check", "oulu", oulu, "--camera", "NI", "--frames", "1", "--json")
    assert code == 0 and json.loads(out)["by_expression"]["anger"] == 6
    for words_, says in (
        (["--gaze", "left"], "says nothing of gaze"), (["--light", "bright"], "here has dark, strong, weak"),
        (["--expressions", "bored"], "no expression 'bored'"), (["--frames", "0"], "--frames is a number from 1"),
        (["--without", "seven"], "no picture is left"),
    ):  # fmt: skip
        code, _, err = mien("data", "check", "oulu", oulu, *words_)
        assert code == 2 and says in err and err.count("\n") == 1, err
    assert left("cfee", trees.cfee(tmp_path / "cfee"), without="compound") == 16


def test_the_list(mien):
    code, out, _ = mien("data", "list")
    assert code == 0 and all(
        one.title in out and one.licence in out and one.source in out for one in DATABASES.values()
    )
    told = {one["name"]: one["fit_for"] for one in json.loads(mien("data", "list", "--json")[1])}
    assert [name for name, fit in told.items() if fit == "classifiers only"] == ["raf-db", "fer2013", "affectnet"]
    assert set(told) == {*trees.TREES, "open"}


def test_folders_that_may_not_be_read_and_links_in_a_circle(tmp_path):
    root = trees.folder(tmp_path / "x")
    (root / "anna" / "circle").symlink_to(root, target_is_directory=True)
    assert len(check(DATABASES["folder"], root).records) == 16
    with pytest.raises(MienError, match="does not exist"):
        check(database("folder"), tmp_path / "y")


def test_reading_needs_no_torch(tmp_path):
    import subprocess
    import sys

    root = trees.kdef(tmp_path / "x")
    code = (
        "import sys; from mien.cli import main\n"
        "try: main(['data', 'check', 'kdef', sys.argv[1]])\n"
        "except SystemExit as left: assert left.code in (0, None)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not loaded & {"torch", "numba", "scipy", "pandas", "onnxruntime", "dlib"}
