"""A folder edited in processes: what comes out, twice the same, after a kill too, and the photos as they were."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawn import face
from mien import MienError, picture
from mien.cli import main
from mien.editor import Editor
from mien.surfaces.folders.batch import COLUMNS, JOURNAL, Options, batch
from mien.surfaces.folders.table import sha256_of
from surfaces.photos import contents, files, rows, write_folder

OPTIONS = Options(("happy", "jawOpen=0.4"), (0.0, 1.0))


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("photos") / "in")


@pytest.fixture(scope="module")
def made(source, stand_in, tmp_path_factory) -> Path:
    """What an undisturbed run makes."""
    out = tmp_path_factory.mktemp("made") / "out"
    before = files(source)
    done = batch(source, out, OPTIONS, stand_in, workers=2)
    assert (done.photos, done.written, len(done.failures)) == (6, 16, 2)
    assert files(source) == before
    return out


def test_the_tree_is_kept_and_the_manifest_true(source, made, stand_in):
    table = rows(made / "manifest.csv")
    assert tuple(table[0]) == COLUMNS
    good = [row for row in table if not row["error"]]
    assert [row["input"] for row in table] == sorted(row["input"] for row in table) and len(good) == 16
    assert {row["output"] for row in good} == {
        str(path.relative_to(made)) for path in made.rglob("*_*") if path.suffix in (".png", ".jpg")
    }
    editor = Editor(stand_in, threads=1)
    for row in good:
        assert row["input_sha256"] == sha256_of(source / row["input"])
        assert row["output_sha256"] == sha256_of(made / row["output"])
        assert Path(row["output"]).parent == Path(row["input"]).parent
        assert row["model_sha256"] == editor.generator.sha256 and row["version"] and float(row["time"]) > 0
        if row["output"].endswith(".png"):
            edit = editor.edit(source / row["input"], row["expression"], float(row["strength"]))
            assert np.array_equal(edit.image, picture.read(made / row["output"]).pixels)
            assert row["box"] == " ".join(f"{v:.1f}" for v in edit.faces[0].box)
    bad = {row["input"]: row for row in table if row["error"]}
    assert "not an image" in bad["bad.jpg"]["error"] and "no face" in bad["sub/nobody.png"]["error"]
    assert not any(row["output"] or row["expression"] for row in bad.values())


def test_a_second_run_gives_the_same_bytes_and_a_third_does_nothing(source, made, stand_in, tmp_path):
    batch(source, tmp_path / "out", OPTIONS, stand_in, workers=1)
    assert contents(tmp_path / "out") == contents(made)
    before = files(tmp_path / "out")
    told = []
    batch(source, tmp_path / "out", OPTIONS, stand_in, 1, tell=lambda *count: told.append(count))
    assert told == [(4, 6), (5, 6), (6, 6)]  # what failed is tried again
    after = files(tmp_path / "out")
    again = [path for path in before if after[path] != before[path]]
    assert {Path(path).name for path in again} == {"manifest.csv", JOURNAL}
    # what is missing, or not as it was written, is made again
    (tmp_path / "out/a_happy_1.png").unlink()
    (tmp_path / "out/sub/b_happy_1.png").write_text("spoilt")
    batch(source, tmp_path / "out", OPTIONS, stand_in, workers=1)
    assert contents(tmp_path / "out") == contents(made)


def command(source: Path, out: Path, model: Path) -> list[str]:
    strengths = ",".join(map(str, OPTIONS.strengths))
    texts = [part for text in OPTIONS.expressions for part in ("-e", text)]
    code = "from mien.cli import main; main()"
    arguments = ["batch", source, out, *texts, "--strengths", strengths, "--model", model, "--workers", "2"]
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_killed_and_run_again_it_ends_the_same(source, made, stand_in, tmp_path):
    out = tmp_path / "out"
    run = subprocess.Popen(command(source, out, stand_in), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while len(list(out.rglob("*_*.*"))) < 5 and run.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert run.returncode == -signal.SIGKILL and not (out / "manifest.csv").exists()
    while any(Path(f"/proc/{child}").exists() for child in children):  # its processes end with it
        assert time.monotonic() < until
        time.sleep(0.01)
    batch(source, out, OPTIONS, stand_in, workers=2)
    assert contents(out) == contents(made)
    assert not list(out.rglob(".*.part"))


def test_other_options_and_another_run_are_refused(source, made, stand_in, tmp_path):
    for options in (
        Options(("sad",)),
        Options(OPTIONS.expressions, (1.0,)),
        Options(*(OPTIONS.expressions, OPTIONS.strengths), "all"),
    ):
        with pytest.raises(MienError, match="other options"):
            batch(source, made, options, stand_in)
    out = tmp_path / "out"
    with pytest.raises(MienError, match="another run is at work"):
        batch(source, out, OPTIONS, stand_in, tell=lambda *_: batch(source, out, OPTIONS, stand_in))


def test_another_format_and_names_that_would_be_the_same(source, stand_in, tmp_path):
    done = batch(source, tmp_path / "out", Options(("sad",), form="PNG", provenance=False), stand_in, workers=1)
    assert done.written == 4
    assert {"a_sad_1.png", "a.jpg_sad_1.png"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert not picture.read(tmp_path / "out/a_sad_1.png").xmp


def run(*arguments: object, capsys: pytest.CaptureFixture) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(leaving.value.code or 0), said.out, said.err


def test_the_command(source, stand_in, tmp_path, capsys):
    arguments = ["batch", source, tmp_path / "o", "-e", "happy", "--model", stand_in, "--workers", 1]
    code, said, err = run(*arguments, capsys=capsys)
    assert code == 1 and err == "" and "4 pictures of 6 photos" in said and "failed: 2" in said
    code, said, _ = run(*arguments, "--json", capsys=capsys)
    told = json.loads(said)
    assert code == 1 and told["written"] == 4
    assert [one["input"] for one in told["failures"]] == ["bad.jpg", "sub/nobody.png"]
    arguments = ["batch", source / "sub/deep", tmp_path / "p", "-e", "all", "--model", stand_in, "--workers", 1]
    code, said, _ = run(*arguments, capsys=capsys)
    assert code == 0 and "7 pictures of 1 photo;" in said


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["-e", "hapy"], "did you mean happy"),
        (["--strengths", "2"], "strengths"),
        (["--strengths", "x"], "strengths"),
        (["--format", "gif"], "unknown format"),
        (["--engine", "spark"], "engine"),
        (["--face", "smallest"], "a number from 1"),
        (["--model", "missing.onnx"], "cannot read the weights"),
    ],
)
def test_bad_use(extra, says, source, stand_in, tmp_path, capsys):
    arguments = ["batch", source, tmp_path / "out", "-e", "happy", "--model", stand_in, *extra]
    code, said, err = run(*arguments, capsys=capsys)
    assert (code, said) == (2, "") and says in err and err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_bad_folders(source, stand_in, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for first, second, says in (
        (tmp_path / "empty", tmp_path / "out", "no pictures"),
        (source, source / "sub/out", "lies within"),
        (source, source, "photos itself"),
        (source / "a.png", tmp_path / "out", "is a file"),
        (tmp_path / "none", tmp_path / "out", "no folder"),
    ):
        code, _, err = run("batch", first, second, "-e", "happy", "--model", stand_in, capsys=capsys)
        assert code == 2 and says in err and err.count("\n") == 1
    assert not (source / "sub/out").exists()


def test_a_folder_is_signed_and_the_key_is_in_no_file(tmp_path, stand_in):
    pytest.importorskip("c2pa")
    from certificates import write_chain
    from mien import credentials

    source = tmp_path / "in"
    source.mkdir()
    Image.fromarray(face(200)).save(source / "a.png")
    chain, key = write_chain(tmp_path)
    signer = credentials.load(chain, key)
    secret = key.read_text().splitlines()[1]
    done = batch(source, tmp_path / "out", Options(("happy",)), stand_in, workers=1, credentials=signer)
    assert done.written == 1 and secret not in repr(signer)
    (made,) = (tmp_path / "out").glob("a_*")
    assert credentials.read(made)["state"] == "Valid"
    assert not any(secret.encode() in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    unsigned = batch(source, tmp_path / "plain", Options(("happy",)), stand_in, workers=1)
    assert unsigned.written == 1
    with pytest.raises(MienError, match="other options"):  # an unsigned folder is not gone on with signed
        batch(source, tmp_path / "plain", Options(("happy",)), stand_in, workers=1, credentials=signer)
