"""`mien animate`: MP4, WebP and GIF from one photo."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.cli import main
from mien.editor import Editor
from mien.provenance import COMPOSITE, inspect
from mien.surfaces.clips.keyframes import parse_track
from support import needs_sample
from surfaces.moving import decoded, sample

av = pytest.importorskip("av")
pytestmark = needs_sample

from mien.surfaces.clips.animate import animate  # noqa: E402

TRACK = "0:neutral:0 0.4:happy 0.8:neutral:0"


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def pictures(path) -> tuple[list[np.ndarray], list[int]]:
    """(pictures as RGB, milliseconds of each) of a WebP or GIF."""
    with Image.open(path) as image:
        found, lasting = [], []
        for i in range(image.n_frames):
            image.seek(i)
            found.append(np.asarray(image.convert("RGB")))
            lasting.append(image.info["duration"])
        assert image.info["loop"] == 0
        return found, lasting


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".webp", ".gif"])
def test_a_face_goes_there_and_back(editor, tmp_path, extension):
    photo = sample(301)
    done = animate(photo, tmp_path / f"a{extension}", parse_track(TRACK), editor, fps=10)
    movie = extension in (".mp4", ".mov")
    made = decoded(done.path) if movie else pictures(done.path)[0]
    assert done.frames == len(made) == 9
    assert done.size == made[0].shape[1::-1] == ((300, 300) if movie else (301, 301))
    photo = photo[: done.size[1], : done.size[0]]
    change = [np.abs(one.astype(int) - photo).mean() for one in made]
    assert change[0] < 6 and change[4] > change[2] > change[0] + 0.2 and change[8] < change[4]
    want = editor.edit(photo, "happy").image
    assert np.abs(made[4].astype(int) - want).mean() < 6  # the encoder's, or the palette's
    corner = [one[:20, :20] for one in made]
    still = max(np.abs(one.astype(int) - corner[0]).max() for one in corner)
    assert still == 0 if extension == ".gif" else still <= 8
    said = inspect(done.path)
    assert said.source_type == COMPOSITE and said.edits == [json.loads(json.dumps(done.step))]
    assert said.edits[0]["keyframes"] == TRACK.replace("0.", "0.")
    plain = animate(sample(301), tmp_path / f"b{extension}", parse_track(TRACK), editor, fps=10, provenance=False)
    assert inspect(plain.path).edits == [] and inspect(plain.path).source_type is None


@pytest.mark.parametrize("extension, wanted", [(".webp", [33, 34, 33]), (".gif", [30, 40, 30])])
def test_times(editor, tmp_path, extension, wanted):
    done = animate(sample(240), tmp_path / f"a{extension}", parse_track("0:neutral:0 0.12:happy"), editor, fps=30)
    assert pictures(done.path)[1][:3] == wanted


def test_the_commands(stand_in, tmp_path, capsys):
    pytest.importorskip("c2pa")
    from certificates import write_chain

    photo = tmp_path / "a.png"
    pixels = np.dstack([sample(320)[:280], np.full((280, 320), 255, np.uint8)])
    cv2.imwrite(str(photo), cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))
    chain, key = write_chain(tmp_path)
    command = ["animate", photo, "--keyframes", "0:neutral:0 0.2:happy", "--fps", 5, "--size", 240, "--model", stand_in]
    for name in ("a.mp4", "a.webp", "a.gif"):
        code, out, _ = run(
            capsys, *command[:2], tmp_path / name, *command[2:], "--c2pa-cert", chain, "--c2pa-key", key, "--json"
        )
        assert code == 0 and json.loads(out)["size"] == [240, 210] and json.loads(out)["frames"] == 2
        told = json.loads(run(capsys, "inspect", tmp_path / name, "--json")[1])
        assert told["c2pa"]["state"] == "Valid" and told["source_type"] == COMPOSITE and len(told["edits"]) == 1


def test_bad_input_is_one_line_and_leaves_nothing(stand_in, tmp_path, capsys):
    photo = tmp_path / "a.webp"
    Image.fromarray(sample(160)).save(photo)
    noise = tmp_path / "noise.png"
    Image.fromarray(np.full((100, 100, 3), 99, np.uint8)).save(noise)
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.mp4"
    cases = [
        ([photo, tmp_path / "out.avi", "--keyframes", "0:happy 1:sad"], "is written as"),
        ([photo, photo, "--keyframes", "0:happy 1:sad"], "never overwritten"),
        ([photo, out, "--keyframes", "0:happy"], "keyframe after 0 s"),
        ([photo, out, "--keyframes", "0:happy 80000:sad"], "more than"),
        ([photo, out, "--keyframes", "0:happy 1:sad", "--fps", "0"], "frames a second"),
        ([photo, out, "--keyframes", "0:happy 1:sad", "--fps", "nan"], "frames a second"),
        ([photo, out, "--keyframes", "0:happy 1:sad", "--face", "5"], "no face"),
        ([noise, out, "--keyframes", "0:happy 1:sad"], "no face found"),
        ([tmp_path / "no.png", out, "--keyframes", "0:happy 1:sad"], "does not exist"),
    ]
    for arguments, words in cases:
        code, told, err = run(capsys, "animate", *arguments, "--model", stand_in)
        assert (code, told, err.count("\n")) == (2, "", 1) and words in err, (arguments, err)
        assert sorted(tmp_path.iterdir()) == before
