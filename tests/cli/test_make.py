"""The way of make by its commands: rig, train, export; and what they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import picture, provenance
from mien.cli import main
from mien.expression import parse
from mien.face import Face, crop_transform
from mien.synthesis.generator import Generator
from mien.training.checkpoint import load_checkpoint
from support import SHARED, needs_shared
from support import photo as noise

CONFIG = """
seed = 4
size = 64
steps = 2
batch = 2
chunk = 4
repeats = 2
warmup = 1
adversarial_from = 1
widths = [8, 8, 16, 16, 16]
head = 4
"""


def run(*arguments: object, capsys: pytest.CaptureFixture) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


@pytest.fixture
def here(tmp_path, monkeypatch, painted, trained, people) -> Path:
    """A folder with photos, configurations, runs and people, good and bad; and this process in it."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("face.png", painted[0][..., ::-1])
    cv2.imwrite("noise.png", noise())
    Path("text.jpg").write_text("this is not an image")
    Path("good.toml").write_text(CONFIG)
    Path("bad.toml").write_text(CONFIG + "stepps = 3\n")
    Path("triplet.toml").write_text(CONFIG + 'triplet_weight = 1\ntriplet_embedder = "good.toml"\n')
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/ict-facekit.npz").write_bytes(b"PK\x03\x04 cut short")
    Path("figures.json").write_text("[1, 2]")
    shutil.copytree(trained, "run")
    shutil.copytree("run", "damaged")
    Path("damaged/checkpoint.safetensors").write_bytes(b"nothing")
    shutil.copytree(people, "missing")
    Path("missing/data/london/neutral/002.tem").unlink()
    shutil.copytree(people, "nobody")
    Path("nobody/data/london/people.csv").write_text("id,split,age\n003,val,40\n")
    shutil.copytree(people, "odd")
    Path("odd/data/london/neutral/002.tem").write_text("no template")
    return tmp_path


@pytest.fixture
def found(monkeypatch, painted) -> Face:
    """The painted face is found; for tests that are not about finding it."""
    marks = painted[1]
    face = Face((*marks.min(0), *marks.max(0)), marks, crop_transform(marks))
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: [face])
    return face


def test_rig_edits_a_photo(here, found, kit_file, painted, capsys):
    code, said, err = run("rig", "face.png", "-e", "surprise", "-o", "o.png", "--assets", kit_file, capsys=capsys)
    assert (code, said, err) == (0, "o.png: surprise on 1 face, by the rig\n", "")
    changed = (picture.read("o.png").pixels != painted[0]).any(-1)
    assert 0.02 < changed.mean() < 0.6
    said = provenance.inspect("o.png")
    assert said.source_type == provenance.RIGGED and said.edits[0]["model"] == {"name": "rig"}
    arguments = ["rig", "face.png", "-e", "surprise", "-o", "plain.png", "--assets", kit_file, "--no-provenance"]
    assert run(*arguments, capsys=capsys)[0] == 0 and provenance.inspect("plain.png").source_type is None


@pytest.mark.parametrize(("expression", "strength"), [("surprise", "0"), ("neutral:0", "1")])
def test_rig_at_strength_zero_is_the_photo(here, found, kit_file, painted, capsys, expression, strength):
    arguments = ["rig", "face.png", "-e", expression, "-o", "o.png", "--strength", strength, "--assets", kit_file]
    assert run(*arguments, capsys=capsys)[0] == 0
    np.testing.assert_array_equal(picture.read("o.png").pixels, painted[0])


def refused(arguments: list[object], here: Path, capsys: pytest.CaptureFixture) -> str:
    """Run a command that must be refused, and check how; its line."""
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    code, said, err = run(*arguments, capsys=capsys)
    assert code == 2 and said == "" and err.startswith("mien: ") and err.count("\n") == 1 and "Traceback" not in err
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before
    return err


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"--assets": "empty"}, "no ict-facekit.npz in empty"),
        ({"--assets": "broken"}, "not the face model"),
        ({"photo": "text.jpg"}, "not an image"),
        ({"photo": "absent.jpg"}, "does not exist"),
        ({"-e": "hapy"}, "did you mean happy"),
        ({"-o": "o.xyz"}, "unknown extension"),
        ({"-o": "absent/o.png"}, "no folder"),
        ({"-o": "face.png"}, "the photo itself"),
        ({"--strength": "1.4"}, "strength must be within"),
        ({"--strength": "nan"}, "strength must be within"),
        ({"--face": "2"}, "no face 2"),
    ],
    ids=lambda value: "=".join(*value.items()) if isinstance(value, dict) else None,
)
def test_what_rig_refuses(changes, says, here, found, kit_file, capsys):
    options = {"photo": "face.png", "-e": "happy", "-o": "o.png", "--assets": str(kit_file), **changes}
    arguments = ["rig", options.pop("photo"), *(word for option in options.items() for word in option)]
    assert says in refused(arguments, here, capsys)


def test_rig_without_a_face(here, kit_file, capsys):
    arguments = ["rig", "noise.png", "-e", "happy", "-o", "o.png", "--assets", kit_file]
    assert "no face found in noise.png" in refused(arguments, here, capsys)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"config": "bad.toml"}, "unknown key 'stepps'"),
        ({"config": "absent.toml"}, "cannot read the configuration"),
        ({"--set": "stepps=3"}, "unknown key 'stepps'"),
        ({"--set": "steps=many"}, "steps must be a whole number, not 'many'"),
        ({"--set": "model=gan"}, "g2gan, not 'gan'"),
        ({"--faces": "faces"}, '--faces means nothing for model = "warp"'),
        ({"--shared": "empty"}, "give the folder that holds data/london"),
        ({"--shared": "missing"}, "1 photos or templates are missing"),
        ({"--assets": "empty"}, "no ict-facekit.npz"),
        ({"--assets": "broken"}, "not the face model"),
        ({"--set": "people=1"}, "need photos of two people, but there is one"),
        ({"--shared": "nobody"}, "nobody in nobody is in the split 'train'"),
        ({"--set": "triplet_weight=1"}, "needs triplet_embedder"),
        ({"config": "triplet.toml"}, "good.toml is not a face embedder"),
        ({"--out": "damaged"}, "not a checkpoint of mien"),
        ({"--out": "run"}, "run holds a run at step 6: add --resume, or use another folder"),
        ({"--out": "text.jpg/run"}, "cannot make the folder"),
        ({"--accelerator": "cuda"}, "devices here, not 1: use --accelerator cpu"),
        ({"--accelerator": "abacus"}, "the accelerator is cpu or cuda, not 'abacus'"),
    ],
    ids=lambda value: "=".join(*value.items()) if isinstance(value, dict) else None,
)
def test_what_train_refuses(changes, says, here, kit_file, people, capsys):
    options = {"config": "good.toml", "--out": "new", "--shared": people, "--assets": kit_file, **changes}
    arguments = ["train", options.pop("config"), *(word for option in options.items() for word in option)]
    assert says in refused(arguments, here, capsys)


def test_train_says_what_the_default_generator_needs(here, people, capsys):
    for told in ([], ["--shared", people]):
        assert "give --shared and --assets" in refused(["train", "good.toml", "--out", "new", *told], here, capsys)


def test_train_says_whose_template_is_odd(here, kit_file, capsys):
    arguments = ["train", "good.toml", "--out", "new", "--shared", "odd", "--assets", kit_file]
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2 and err.count("\n") == 1 and "002.tem is not a template" in err
    assert not list(Path("new").iterdir())


def test_train_then_export_then_use(here, kit_file, people, capsys):
    arguments = ["train", "good.toml", "--out", "new", "--shared", people, "--assets", kit_file]
    code, said, err = run(*arguments, capsys=capsys)
    assert (code, err) == (0, "") and "training" in said and "2/2" in said
    assert load_checkpoint(Path("new"))[1]["step"] == 2 and list(Path("new/samples").glob("*.png"))
    assert "add --resume" in refused(arguments, here, capsys)
    assert run(*arguments, "--resume", "--set", "steps=3", capsys=capsys)[0] == 0
    assert load_checkpoint(Path("new"))[1]["step"] == 3
    Path("measured.json").write_text('{"happy": 1}')
    code, said, err = run("export", "new", "-o", "w.onnx", "--figures", "measured.json", capsys=capsys)
    assert (code, err) == (0, "") and "step 3; largest difference" in said
    assert json.loads(Path("w.json").read_text())["figures"] == {"happy": 1}
    assert np.isfinite(Generator("w.onnx").maps(noise(256, 256), parse("happy").weights).flow).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["empty", "-o", "w.onnx"], "no checkpoint.safetensors in empty"),
        (["absent", "-o", "w.onnx"], "no checkpoint.safetensors in absent"),
        (["damaged", "-o", "w.onnx"], "not a checkpoint of mien"),
        (["run", "-o", "w.bin"], "must end in .onnx"),
        (["run", "-o", "absent/w.onnx"], "no folder"),
        (["run", "-o", "w.onnx", "--figures", "absent.json"], "cannot read the figures"),
        (["run", "-o", "w.onnx", "--figures", "good.toml"], "cannot read the figures"),
        (["run", "-o", "w.onnx", "--figures", "figures.json"], "one JSON object"),
    ],
)
def test_what_export_refuses(arguments, says, here, capsys):
    assert says in refused(["export", *arguments], here, capsys)


def test_missing_extras_are_named(here, kit_file, found, monkeypatch, capsys):
    monkeypatch.setattr("mien.cli.needs.import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    for arguments, extra in (
        (["rig", "face.png", "-e", "happy", "-o", "o.png", "--assets", kit_file], "rig"),
        (["train", "c", "--out", "n", "--shared", "s", "--assets", "a"], "train"),
        (["export", "run", "-o", "w.onnx"], "train"),
    ):
        assert f"pip install 'mien[{extra}]'" in refused(arguments, here, capsys)


@needs_shared
def test_rig_on_a_real_photo(here, capsys):
    source = sorted((SHARED / "data" / "london" / "neutral").glob("*.jpg"))[3]
    arguments = ["rig", source, "-e", "happy", "-o", "o.png", "--assets", SHARED / "assets"]
    code, said, err = run(*arguments, capsys=capsys)
    assert (code, err) == (0, "") and "happy on 1 face" in said
    away = np.abs(picture.read("o.png").pixels.astype(int) - picture.read(source).pixels).max(-1)
    assert away.max() > 60 and 0.01 < (away > 0).mean() < 0.5
