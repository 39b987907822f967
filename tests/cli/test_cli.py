"""The commands, in this process: what they write and what they print."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien import picture
from mien.cli import main
from mien.expression import NAMES
from support import SAMPLE, needs_sample, needs_weights, photo, write_painter


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(photo()).save(path)
    return path


def run(*arguments: object, capsys: pytest.CaptureFixture) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def test_edit_writes_one_file(source, stand_in, two_faces, tmp_path, capsys):
    out = tmp_path / "out.png"
    code, said, err = run("edit", source, "-e", "happy:0.8", "-o", out, "--model", stand_in, capsys=capsys)
    assert (code, err) == (0, "") and said == f"{out}: happy:0.8 on 1 face\n"
    assert not np.array_equal(picture.read(out).pixels, photo())
    assert {path.name for path in tmp_path.iterdir()} == {"in.png", "out.png"}


def test_edit_writes_a_file_an_expression(source, stand_in, two_faces, tmp_path, capsys):
    (tmp_path / "sad").mkdir()
    for option, names in (
        ("out.png", ["out_happy-0.8.png", "out_jawOpen-0.4.png", "out_sad.png"]),
        ("x-{expression}.jpg", ["x-happy-0.8.jpg", "x-jawOpen-0.4.jpg", "x-sad.jpg"]),
    ):
        arguments = ["edit", source, "-e", "happy:0.8", "-e", "jawOpen=.4", "-e", "sadness", "-o", tmp_path / option]
        assert run(*arguments, "--model", stand_in, capsys=capsys)[0] == 0
        assert all((tmp_path / name).is_file() for name in names)


def test_edit_json(source, stand_in, two_faces, tmp_path, capsys):
    arguments = ["edit", source, "-e", "happy", "-o", tmp_path / "o.png", "--face", "all", "--strength", "0.5"]
    code, said, _ = run(*arguments, "--model", stand_in, "--json", capsys=capsys)
    told = json.loads(said)
    assert code == 0 and [face["number"] for face in told["faces"]] == [1, 2]
    assert len(told["faces"][0]["landmarks"]) == 68 and len(told["faces"][0]["box"]) == 4
    assert told["written"] == [
        {"path": str(tmp_path / "o.png"), "expression": "happy", "strength": 0.5, "faces": [1, 2]},
    ]


def test_strength_zero_writes_the_same_pixels(source, stand_in, two_faces, tmp_path, capsys):
    arguments = ["edit", source, "-e", "happy", "--strength", "0", "-o", tmp_path / "o.png", "--model", stand_in]
    assert run(*arguments, capsys=capsys)[0] == 0
    assert np.array_equal(picture.read(tmp_path / "o.png").pixels, photo())


@pytest.mark.parametrize(
    ("extra", "size"), [((), (4, 2)), (("--contempt",), (3, 3)), (("--strengths", "0.5,1"), (8, 2))]
)
def test_sheet(source, stand_in, two_faces, tmp_path, capsys, extra, size):
    arguments = ["sheet", source, "-o", tmp_path / "s.png", "--tile", "100", "--model", stand_in, "--json", *extra]
    code, said, _ = run(*arguments, capsys=capsys)
    assert code == 0 and len(json.loads(said)["written"][0]["expressions"]) in (7, 8)
    with Image.open(tmp_path / "s.png") as image:
        assert image.width == 8 + size[0] * 108 and 100 * size[1] < image.height < 130 * size[1] + 8


def test_weights_of_the_other_kind(source, two_faces, tmp_path, capsys):
    """One file a name, and a sheet of the names that they know."""
    model = write_painter(tmp_path / "six.onnx", 0.2 * np.eye(7)[:, :3].reshape(7, 3, 1, 1), known=NAMES[1:])
    arguments = ["edit", source, "-e", "anger", "-e", "disgust:0.5", "-o", tmp_path / "o.png", "--model", model]
    assert run(*arguments, "--face", "all", capsys=capsys)[0] == 0
    assert (tmp_path / "o_anger.png").is_file() and (tmp_path / "o_disgust-0.5.png").is_file()
    sheet = tmp_path / "s.png"
    code, said, _ = run("sheet", source, "-o", sheet, "--contempt", "--model", model, capsys=capsys)
    assert code == 0 and said == f"{sheet}: anger, disgust, fear, happy, sad, surprise; not neutral, contempt\n"


def test_info(capsys):
    code, said, _ = run("info", "--json", capsys=capsys)
    told = json.loads(said)
    assert code == 0 and told["packages"]["numpy"] and "CPUExecutionProvider" in told["providers"]
    assert len(told["shapes"]) == 57 and "contempt" in told["names"]
    assert all(weights["checked"] for weights in told["weights"])
    code, said, _ = run("info", capsys=capsys)
    assert code == 0 and "jawOpen" in said


def test_version_and_help(capsys):
    assert run("--version", capsys=capsys)[1].startswith("mien ")
    for command in ("edit", "sheet", "demo", "info"):
        code, said, _ = run(command, "--help", capsys=capsys)
        assert code == 0 and "--json" in said


@needs_weights
@needs_sample
def test_demo(tmp_path, capsys):
    code, _, err = run("demo", "-o", tmp_path / "demo.png", capsys=capsys)
    assert (code, err) == (0, "") and picture.read(tmp_path / "demo.png").pixels.shape[1] > 600
    assert SAMPLE.stat().st_size < 1_000_000
