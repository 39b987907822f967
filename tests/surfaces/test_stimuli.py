"""Stimuli: equal framing, the grid of names, matched luminance, what is measured, and a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawn import face
from mien import MienError, picture, provenance
from mien.cli import main
from mien.face import find_faces
from mien.surfaces.folders.names import labels
from mien.surfaces.folders.table import sha256_of
from mien.surfaces.stimuli.framing import Framing, eye_centres, framing_of
from mien.surfaces.stimuli.luminance import figures
from mien.surfaces.stimuli.make import Options
from mien.surfaces.stimuli.measures import Describer, measured_strength, motion
from mien.surfaces.stimuli.stimuli import COLUMNS, background_of, stimuli
from surfaces.photos import contents, files, rows, write_folder

FRAMING = Framing(256, 256)
OPTIONS = Options(("happy", "sad"), (0.0, 0.5), FRAMING, (128, 128, 128), match=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("photos") / "in")


@pytest.fixture(scope="module")
def made(source, stand_in, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    before = files(source)
    done = stimuli(source, out, OPTIONS, stand_in, workers=2)
    assert (done.photos, done.written, len(done.failures)) == (6, 16, 2) and files(source) == before
    return out


def test_names_and_manifest(source, made):
    table = rows(made / "manifest.csv")
    good = [row for row in table if not row["error"]]
    assert tuple(table[0]) == COLUMNS and len(good) == 16
    assert [row["output"] for row in good if row["id"] == "sub-b"] == [
        f"sub-b_{name}_{percent}.png" for name in ("01-happy", "02-sad") for percent in ("000", "050")
    ]
    assert {path.name for path in made.glob("*_*.png")} == {row["output"] for row in good}
    for row in good:
        assert row["output_sha256"] == sha256_of(made / row["output"])
        assert row["input_sha256"] == sha256_of(source / row["input"])
        assert row["identity_distance"] == ""  # no embedder was given
    assert {row["input"] for row in table if row["error"]} == {"bad.jpg", "sub/nobody.png"}


def test_eyes_lie_where_it_is_said(made):
    """Found anew, as in a stranger's pictures, in every one at strength 0."""
    told = json.loads((made / "stimuli.json").read_text())
    assert told["eyes"] == FRAMING.eyes.tolist() == [[99.5, 110], [155.5, 110]]
    for path in sorted(made.glob("*_000.png")):
        faces = find_faces(picture.read(path).pixels)
        assert len(faces) == 1
        assert np.abs(eye_centres(faces[0].landmarks) - FRAMING.eyes).max() < 2
    row = next(row for row in rows(made / "manifest.csv") if row["output"])
    assert abs(float(row["left_eye_x"]) - 99.5) < 2 and abs(float(row["right_eye_y"]) - 110) < 2


def test_luminance_is_that_of_the_set_and_all_around_is_grey(made):
    told = json.loads((made / "stimuli.json").read_text())["lightness"]
    outside = FRAMING.oval == 0
    assert 0.3 < outside.mean() < 0.8
    for row in rows(made / "manifest.csv"):
        if row["output"]:
            pixels = picture.read(made / row["output"]).pixels
            mean, deviation = figures(pixels, FRAMING.region)
            assert (pixels[outside] == 128).all()
            assert abs(mean - told["mean"]) < 0.3 and abs(deviation - told["deviation"]) < 0.5
            assert abs(mean - float(row["lightness"])) < 1e-3 and 0 <= float(row["clipped"]) < 0.05


def test_the_record_says_how(made):
    (step,) = provenance.inspect(next(made.glob("a-*_01-happy_050.png"))).edits
    assert (step["made"], step["expression"], step["strength"]) == ("stimulus", "happy", 0.5)
    assert provenance.inspect(made / "sheet.png").edits[0]["made"] == "sheet"
    assert step["background"] == "#808080" and step["crop"] == "256x256" and len(step["lightness"]) == 2


def test_killed_and_run_again_it_ends_the_same(source, made, stand_in, tmp_path):
    out = tmp_path / "out"
    texts = ["stimuli", source, out, "--expressions", "happy,sad", "--strengths", "0,0.5", "--crop", "256x256"]
    texts += ["--background", "grey", "--match-luminance", "--model", stand_in, "--workers", 1]
    run = subprocess.Popen([sys.executable, "-c", "from mien.cli import main; main()", *map(str, texts)])
    until = time.monotonic() + 60
    while len(list(out.rglob("*_*.png"))) < 8 and run.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not (out / "manifest.csv").exists()
    stimuli(source, out, OPTIONS, stand_in, workers=1)
    assert contents(out) == contents(made)
    with pytest.raises(MienError, match="other options"):
        stimuli(source, out, replace(OPTIONS, strengths=(0.0, 1.0)), stand_in)


def test_a_set_is_signed(stand_in, tmp_path):
    pytest.importorskip("c2pa")
    from certificates import write_chain
    from mien import credentials

    (tmp_path / "in").mkdir()
    Image.fromarray(face(200)).save(tmp_path / "in" / "a.png")
    chain, key = write_chain(tmp_path)
    out, secret = tmp_path / "out", key.read_text().splitlines()[1]
    stimuli(tmp_path / "in", out, OPTIONS, stand_in, workers=1, credentials=credentials.load(chain, key))
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == 5  # two expressions at two strengths, and the sheet
    assert {credentials.read(path)["state"] for path in pictures} == {"Valid"}
    for row in rows(out / "manifest.csv"):
        assert row["output_sha256"] == sha256_of(out / row["output"])
    assert not any(secret.encode() in path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_measured_strength():
    start = np.random.default_rng(0).uniform(0, 256, (68, 2))
    full = start + np.random.default_rng(1).normal(0, 4, (68, 2))
    assert measured_strength(start, start, full, 56) == 0 and measured_strength(full, start, full, 56) == 1
    assert abs(measured_strength(start + 0.3 * (full - start), start, full, 56) - 0.3) < 1e-9
    aside = np.random.default_rng(2).normal(0, 1, (68, 2))
    aside -= (full - start) * (aside.ravel() @ (full - start).ravel()) / ((full - start) ** 2).sum()
    assert abs(measured_strength(start + aside, start, full, 56)) < 1e-9  # another motion is no strength
    assert measured_strength(full, start, start + 0.1, 56) is None
    assert abs(motion(start + (3, 4), start, 50) - 10) < 1e-9


def test_framing_turns_and_zooms():
    framing = framing_of("400x500")
    points = np.zeros((68, 2))
    for where, index in (((300, 200), [36, 39]), ((340, 240), [42, 45])):
        points[index] = where
    transform = framing.transform(points)
    assert np.allclose(transform[:, :2] @ (300, 200) + transform[:, 2], framing.eyes[0])
    assert np.allclose(transform[:, :2] @ (340, 240) + transform[:, 2], framing.eyes[1])
    assert framing.eyes.mean(axis=0)[0] == 199.5 and framing.distance % 2 == 0
    assert framing.beyond((4000, 4000), np.eye(2, 3) * 0.2) == 0
    assert framing.beyond((100, 100), np.eye(2, 3)) > 0.9
    for wrong in ("512", "axb", "10x10", "512x9999", "-1x512", ""):
        with pytest.raises(MienError):
            framing_of(wrong)


def test_background_and_labels():
    assert background_of("keep") is None and background_of("grey") == (128, 128, 128)
    assert background_of("#0080ff") == (0, 128, 255)
    with pytest.raises(MienError, match="#808080"):
        background_of("pink")
    assert labels(["a b.jpg", "s/c.png"]) == ["a-b", "s-c"]
    same = labels(["a.jpg", "a.png", "A.tif"])
    assert len({label.lower() for label in same}) == 3 and all(label.lower().startswith("a-") for label in same)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["--expressions", "hapy"], "did you mean happy"),
        (["--strengths", "0.333"], "whole percents"),
        (["--crop", "0x0"], "a side of the crop"),
        (["--background", "blur"], "background"),
        (["--face", "all"], "one face"),
        (["--embedder", "none.dat"], "no face embedder"),
    ],
)
def test_bad_use(extra, says, source, stand_in, tmp_path, capsys):
    arguments = ["stimuli", source, tmp_path / "out", "--model", stand_in, *extra]
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert leaving.value.code == 2 and says in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_embedder(tmp_path):
    (tmp_path / "x.dat").write_bytes(b"nothing")
    with pytest.raises(MienError, match="not dlib's"):
        Describer(tmp_path / "x.dat")


def test_identity_distances(source, stand_in, tmp_path):
    """With dlib's network, where its package is installed or MIEN_EMBEDDER names the file."""
    from importlib.util import find_spec

    spec = find_spec("face_recognition_models")
    known = os.environ.get("MIEN_EMBEDDER") or (
        str(Path(spec.origin).parent / "models/dlib_face_recognition_resnet_model_v1.dat")
        if spec and spec.origin
        else ""
    )
    if not known:
        pytest.skip("pip install face_recognition_models, or set MIEN_EMBEDDER")
    options = replace(OPTIONS, expressions=("happy",), strengths=(0.0, 1.0), embedder=Path(known))
    stimuli(source, tmp_path / "out", options, stand_in, workers=1)
    good = [row for row in rows(tmp_path / "out/manifest.csv") if row["output"]]
    assert all(float(row["identity_distance"]) == 0 for row in good if row["strength"] == "0")
    assert all(0 < float(row["identity_distance"]) < 0.6 for row in good if row["strength"] == "1")
