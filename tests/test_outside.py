"""Nothing is written, changed or removed outside the folder or file that was asked for, whatever lies in its place."""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.small import expression_judge
from evaluation.small import prepared as small_prepared
from made_prepared import write_prepared
from mien.augment.make import Options as Augmenting
from mien.augment.make import augment
from mien.cli import main
from mien.data.databases import DATABASES
from mien.data.prepare import prepare
from mien.editor import Editor
from mien.errors import MienError
from mien.evaluation import run as evaluation
from mien.evaluation.pictures import export_inputs
from mien.evaluation.report import report
from mien.evaluation.results import write_results
from mien.surfaces.folders import batch as batches
from mien.surfaces.folders import workers
from mien.surfaces.stimuli import make
from mien.surfaces.stimuli.framing import Framing
from mien.surfaces.stimuli.stimuli import stimuli
from support import photo, placed


@pytest.fixture
def victim(tmp_path):
    """A folder of somebody's, which must stay as it is; in the end it is compared."""
    folder = tmp_path / "victim"
    (folder / "inner").mkdir(parents=True)
    for name in ("file", "inner/a.png", ".b.part"):
        (folder / name).write_bytes(b"mine\n")

    def state() -> list[tuple[str, int, bytes]]:
        found = sorted(folder.rglob("*"))
        return [(str(p), p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in found]

    before = state()
    yield folder
    assert state() == before


@pytest.fixture
def at_hand(monkeypatch):
    """Work in this process, and a face wherever one is looked for."""

    def inline(tasks, make, start, told, lost, count):
        start(*told)
        for task in tasks:
            yield task, make(task)

    monkeypatch.setattr(workers, "work", inline)
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: [placed(40, 40, 0.3)])
    monkeypatch.setattr(make, "detect", lambda rgb: [])


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png"):
        Image.fromarray(photo(80, 80)).save(folder / name)
    return folder


def link(place: Path, to: Path) -> Path:
    """A link in the place of whatever lies there."""
    if place.is_dir() and not place.is_symlink():
        for one in sorted(place.rglob("*"), reverse=True):
            one.rmdir() if one.is_dir() else one.unlink()
        place.rmdir()
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(to)
    return place


def told(*arguments: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    return int(leaving.value.code or 0)


@pytest.mark.parametrize("to", ["file", "new"])
@pytest.mark.parametrize("command", ["edit", "sheet", "animate"])
def test_an_output_that_is_a_link_is_replaced_not_followed(command, to, victim, photos, at_hand, stand_in, tmp_path):
    if command == "animate":
        pytest.importorskip("av")
    more = {"edit": ["-e", "happy", "-o"], "sheet": ["-o"], "animate": ["--keyframes", "0:neutral 0.1:happy"]}[command]
    out = tmp_path / ("out.gif" if command == "animate" else "out.png")
    link(out, victim / to)
    order = [*more, out] if command != "animate" else [out, *more]
    assert told(command, photos / "a.png", *order, "--model", stand_in) == 0
    assert out.is_file() and not out.is_symlink()


def test_a_video_that_is_a_link_is_replaced_not_followed(victim, stand_in, tmp_path, monkeypatch):
    pytest.importorskip("av")
    from mien.surfaces.clips import tracking
    from surfaces.moving import write_clip

    monkeypatch.setattr(tracking, "detect", lambda rgb: [(20.0, 20.0, 60.0, 60.0)])
    clip = write_clip(tmp_path / "in.mp4", [photo(80, 80)] * 3)
    out = link(tmp_path / "out.mp4", victim / "file")
    assert told("video", clip, out, "-e", "happy", "--model", stand_in) == 0
    assert out.is_file() and not out.is_symlink()


RUNS = {
    "batch": lambda source, out, weights: batches.batch(source, out, batches.Options(("happy",)), weights),
    "stimuli": lambda source, out, weights: stimuli(
        source, out, make.Options(("happy",), (0.5,), Framing(64, 64)), weights
    ),
}
MADE = {
    "batch": (".mien-batch.jsonl", "manifest.csv", "a_happy_1.png", "sub", "sub/b_happy_1.png"),
    "stimuli": (".mien-stimuli.jsonl", "manifest.csv", "stimuli.json", "sheet.png", ".crops", "a_01-happy_050.png"),
}


@pytest.mark.parametrize(("run", "name"), [(run, name) for run, names in MADE.items() for name in names])
def test_links_in_the_folder_of_a_run(run, name, victim, photos, at_hand, stand_in, tmp_path):
    out = tmp_path / "out"
    RUNS[run](photos, out, stand_in)
    assert (out / name).exists()
    link(out / name, victim / ("inner" if (out / name).is_dir() else "file"))
    try:
        RUNS[run](photos, out, stand_in)
    except MienError as error:
        assert "link" in str(error) and name.startswith(".mien")
    else:
        # it was made anew, or its row says why it was not
        wrong = (out / "manifest.csv").read_text()
        assert not (out / name).is_symlink() or "a link that leads out" in wrong


def test_prepared_folders(victim, tmp_path):
    from data.trees import picture

    for who in ("a", "b"):
        for name in ("happy", "sad"):
            picture(tmp_path / "db" / who / name / "1.png")
    out = tmp_path / "out"
    out.mkdir()
    link(out / ".progress.jsonl", victim / "file")
    with pytest.raises(MienError, match="a link"):
        prepare(DATABASES["folder"], tmp_path / "db", out, workers=1)
    link(out / ".progress.jsonl", victim / "new")
    with pytest.raises(MienError):
        prepare(DATABASES["folder"], tmp_path / "db", out, workers=1)


def test_names_of_a_table_lead_nowhere_else(victim, tmp_path):
    """What becomes of names like these in the names of crops."""
    from mien.data.names import crop_names
    from mien.data.record import Record

    odd = ("..", "../../victim", "/etc", "a/../../b", "..\\x", "a\0b", "", ".")
    for name in crop_names([Record(path=who, identity=who, expression="happy", label=who) for who in odd]):
        assert name.startswith("crops/") and not {"..", "."} & set(Path(name).parts) and "\0" not in name


@pytest.mark.parametrize("name", [".progress.jsonl", "manifest.csv", "augment.json", "happy"])
def test_augmented_folders(name, victim, stand_in, tmp_path):
    source, out = write_prepared(tmp_path / "prepared", takes=1), tmp_path / "out"
    editor, options = Editor(stand_in), Augmenting(expressions=("happy",), per_person=1)
    augment(source, out, editor, options)
    link(out / name, victim / ("inner" if (out / name).is_dir() else "file"))
    with contextlib.suppress(MienError):
        augment(source, out, editor, options)


@pytest.mark.parametrize(
    "name",
    ["results.json", "report.html", "results.md", "faces.jpg", "pictures", "pictures/identity", ".judgements",
     "pictures/identity/made.jsonl", "pictures/identity/a-neutral_happy.png", ".judgements/*"],
)  # fmt: skip
def test_the_folder_of_a_report(name, victim, tmp_path):
    data, out = small_prepared(tmp_path / "prepared"), tmp_path / "out"
    judge = f"onnx:{expression_judge(tmp_path / 'judge.onnx')}"
    options = evaluation.Options(data, "val", ("identity",), out, (judge,), targets=("happy",), strengths=(1.0,))

    def whole() -> None:
        made, asked = evaluation.evaluate(options, lambda title: contextlib.nullcontext(lambda done, of: None))
        write_results(out, made)
        if name in ("report.html", "results.md", "faces.jpg"):  # drawing takes its time
            report(out, made, asked)

    whole()
    place = next(out.glob(name))
    link(place, victim / ("inner" if place.is_dir() else "file"))
    try:
        whole()
    except MienError as error:
        assert "link" in str(error)
    else:
        assert not place.is_symlink()


def test_inputs_go_to_a_folder_of_their_own(victim, tmp_path):
    asked = evaluation.protocol_of(evaluation.Options(small_prepared(tmp_path / "p"), "val", (), tmp_path / "out"))
    with pytest.raises(MienError, match="not empty"):
        export_inputs(link(tmp_path / "inputs", victim), asked.cases)
    assert export_inputs(tmp_path / "new", asked.cases) == 6
    assert all(path.parent == tmp_path / "new" for path in (tmp_path / "new").rglob("*"))


def test_names_that_no_terminal_likes(photos, at_hand, stand_in, tmp_path, capsys):
    """An output that is too long, and a photo whose name is no UTF-8."""
    assert told("edit", photos / "a.png", "-e", "happy", "-o", tmp_path / f"{'x' * 400}.png", "--model", stand_in) == 2
    said = capsys.readouterr().err
    assert said.startswith("mien: cannot write") and said.count("\n") == 1
    for output in (".", "/", ".."):
        many = ["-e", "happy", "-e", "sad", "-o", output]
        assert told("edit", photos / "a.png", *many, "--model", stand_in) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert told("edit", "x" * 5000, "-e", "happy", "-o", tmp_path / "out.png", "--model", stand_in) == 2
    assert capsys.readouterr().err.count("\n") == 1
    if sys.platform == "linux":
        odd = photos / os.fsdecode(b"\xff\xfe.png")
        odd.write_bytes((photos / "a.png").read_bytes())
        deep = photos / os.fsdecode(b"\xff16.png")
        import cv2

        deep.write_bytes(cv2.imencode(".png", np.full((80, 80, 3), 900, np.uint16))[1].tobytes())
        for one in (odd, deep):
            out = tmp_path / os.fsdecode(b"\xff.png")  # which is said
            assert told("edit", one, "-e", "happy", "-o", out, "--model", stand_in) == 0
            assert out.is_file() and "\\udcff.png: happy" in capsys.readouterr().out
