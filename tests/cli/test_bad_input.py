"""Bad input: one clear line on standard error, exit code 2, no traceback, no file left behind."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.cli import main
from mien.expression import NAMES
from support import photo, write_painter


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with good and bad photos, and this process in it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo()).save("good.png")
    Image.fromarray(photo()).save("good.jpg")
    Image.fromarray(np.dstack([photo(), photo()[..., 0]])).save("alpha.png")
    Image.new("CMYK", (300, 300)).save("cmyk.jpg")
    cv2.imwrite("deep.png", photo().astype(np.uint16) * 257)
    Path("text.jpg").write_text("this is not an image")
    Path("empty.jpg").write_bytes(b"")
    Path("cut.jpg").write_bytes(Path("good.jpg").read_bytes()[:5000])
    Path("cut.png").write_bytes(Path("good.png").read_bytes()[:5000])
    Path("bomb.png").write_bytes(bomb())
    Path("folder.png").mkdir()
    Path("not-a-model.onnx").write_text("nothing")
    return tmp_path


CASES = {
    "not an image": ("text.jpg", "happy", "out.png", "not an image"),
    "truncated jpeg": ("cut.jpg", "happy", "out.png", "damaged or cut short"),
    "truncated png": ("cut.png", "happy", "out.png", "damaged or cut short"),
    "30,000 x 30,000 in a header": ("bomb.png", "happy", "out.png", "million pixels"),
    "empty file": ("empty.jpg", "happy", "out.png", "is empty"),
    "folder as a photo": ("folder.png", "happy", "out.png", "is a folder"),
    "missing photo": ("missing.jpg", "happy", "out.png", "does not exist"),
    "cmyk": ("cmyk.jpg", "happy", "out.png", "convert it to RGB"),
    "no face": ("good.png", "happy", "out.png", "no face found in good.png"),
    "unknown expression": ("good.png", "hapy", "out.png", "did you mean happy"),
    "unknown shape": ("good.png", "jawOpne=1", "out.png", "did you mean jawOpen"),
    "strength too large": ("good.png", "happy:7", "out.png", "within 0 to 1.5"),
    "no expression": ("good.png", "", "out.png", "an expression is needed"),
    "unknown extension": ("good.png", "happy", "out.xyz", "unknown extension"),
    "no extension": ("good.png", "happy", "out", "unknown extension"),
    "missing output folder": ("good.png", "happy", "missing/out.png", "no folder"),
    "output is a folder": ("good.png", "happy", "folder.png", "is a folder"),
    "output in a file": ("good.png", "happy", "text.jpg/out.png", "no folder"),
    "output is the photo": ("good.png", "happy", "good.png", "the photo itself"),
    "unwritable folder": ("good.png", "happy", "/proc/self/out.png", "cannot write"),
    "16 bits to jpeg": ("deep.png", "happy", "out.jpg", "16 bits"),
    "alpha to jpeg": ("alpha.png", "happy", "out.jpg", "transparency"),
}


def refused(arguments: list[str], capsys: pytest.CaptureFixture, here: Path) -> str:
    """Run a command that must be refused, and check how; its line."""
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    said = capsys.readouterr()
    assert leaving.value.code == 2
    assert said.err.startswith("mien: ") and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert said.out == ""
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before
    return said.err


@pytest.mark.parametrize("case", CASES)
def test_edit(case, here, stand_in, capsys):
    source, expression, out, says = CASES[case]
    arguments = ["edit", source, "-e", expression, "-o", out, "--model", str(stand_in)]
    assert says in refused(arguments, capsys, here)


OF_SHEETS = [name for name in CASES if "expression" not in name and CASES[name][1] == "happy"]
OF_SHEETS = [name for name in OF_SHEETS if "to jpeg" not in name]  # a sheet has 8 bits and no alpha


@pytest.mark.parametrize("case", OF_SHEETS)
def test_sheet(case, here, stand_in, capsys):
    source, _, out, says = CASES[case]
    assert says in refused(["sheet", source, "-o", out, "--model", str(stand_in)], capsys, here)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["--model", "missing.onnx"], "cannot read the weights"),
        (["--model", "not-a-model.onnx"], "not a model"),
        (["--strength", "-1"], "strength must be within"),
        (["--strength", "nan"], "strength must be within"),
        (["--face", "0"], "no face 0"),
        (["--face", "9"], "2 faces"),
        (["--face", "smallest"], "a number from 1"),
        (["-e", "joy"], "written twice"),
        (["-e", "sad", "-o", "x.xyz"], "unknown extension"),
    ],
)
def test_options(extra, says, here, stand_in, two_faces, capsys):
    arguments = ["edit", "good.png", "-e", "happy", "-o", "out.png", "--model", str(stand_in), *extra]
    assert says in refused(arguments, capsys, here)


@pytest.mark.parametrize("wrong", ["jawOpen=0.4", "contempt", "happy:0.5,sad:0.5"])
def test_weights_that_know_names_alone(wrong, here, two_faces, capsys):
    """Before the first of several files is written."""
    write_painter(Path("six.onnx"), 0.1, known=NAMES[1:])
    for arguments in (["-e", wrong, "-o", "out.png"], ["-e", "sad", "-e", wrong, "-o", "out.png"]):
        says = refused(["edit", "good.png", *arguments, "--model", "six.onnx"], capsys, here)
        assert "they know anger, disgust, fear, happy, sad, surprise, and one of them at a time" in says
    assert "cannot make 'neutral'" in refused(
        ["edit", "good.png", "-e", "neutral", "-o", "out.png", "--model", "six.onnx"], capsys, here
    )


def test_weights_that_are_called_nothing(here, capsys, monkeypatch):
    monkeypatch.setattr("mien.shelf.lying", lambda name: None)
    for name, says in (
        ("ucgan", "no weights are called 'ucgan'"),
        ("uc-gan", "'mien weights fetch uc-gan' fetches them"),
    ):
        assert says in refused(["edit", "good.png", "-e", "sad", "-o", "out.png", "--model", name], capsys, here)


@pytest.mark.parametrize("strengths", ["", "a", "0.5,", "2", "nan", "-1"])
def test_strengths_of_a_sheet(strengths, here, stand_in, two_faces, capsys):
    arguments = ["sheet", "good.png", "-o", "out.png", "--model", str(stand_in), "--strengths", strengths]
    assert "strengths" in refused(arguments, capsys, here)


def test_a_sheet_of_all_faces(here, stand_in, two_faces, capsys):
    arguments = ["sheet", "good.png", "-o", "out.png", "--model", str(stand_in), "--face", "all"]
    assert "one face" in refused(arguments, capsys, here)


def test_wrong_options_are_two_as_well(here, capsys):
    for arguments in (
        ["edit"],
        ["edit", "good.png"],
        ["nonsense"],
        ["sheet", "good.png", "--tile", "x", "-o", "o.png"],
    ):
        with pytest.raises(SystemExit) as leaving:
            main(arguments)
        assert leaving.value.code == 2 and "Traceback" not in capsys.readouterr().err


def test_interrupted(here, stand_in, two_faces, capsys, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.synthesis.moved.composite", interrupt)
    with pytest.raises(SystemExit) as leaving:
        main(["edit", "good.png", "-e", "happy", "-o", "out.png", "--model", str(stand_in)])
    assert leaving.value.code and "Traceback" not in capsys.readouterr().err
    assert not Path("out.png").exists()
