"""`mien video` on clips made here: what is edited, and all that must stay."""

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from mien.cli import main
from mien.editor import Editor
from mien.errors import MienError
from mien.provenance import COMPOSITE, inspect
from support import needs_sample
from surfaces.moving import decoded, frame, packets, times, write_clip

av = pytest.importorskip("av")
pytestmark = needs_sample

from mien.surfaces.clips.keyframes import constant, parse_track  # noqa: E402
from mien.surfaces.clips.video import video  # noqa: E402


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def test_sound_times_and_rotation_stay(editor, tmp_path):
    pts = [0, 512, 1024, 3000, 3100, 9000]  # a variable frame rate
    frames = [np.rot90(frame(dx=2 * i, size=(320, 240))) for i in range(len(pts))]
    source = write_clip(tmp_path / "in.mp4", frames, pts, sound=True, rotation=-90)
    done = video(source, tmp_path / "out.mp4", constant("happy"), editor)
    assert (done.frames, done.edited, done.faces, done.chosen) == (6, 6, 1, 1)
    assert packets(done.path, "audio") == packets(source, "audio")
    assert times(done.path) == times(source)
    with av.open(str(source)) as a, av.open(str(done.path)) as b:
        before, after = (next(one.decode(video=0)) for one in (a, b))
        assert (before.rotation, before.width) == (after.rotation, after.width) and before.rotation % 360 != 0
    # the face was found upright: it changed where it is, and the rest is the encoder's noise
    moved = [np.abs(a.astype(int) - b).mean(axis=2) for a, b in zip(decoded(source), decoded(done.path), strict=True)]
    assert min(one[80:240, 60:200].max() for one in moved) > 20 and max(one[:20].mean() for one in moved) < 2
    assert sorted(tmp_path.iterdir()) == [source, done.path]


def test_a_still_face_gives_still_frames(editor):
    """Before the encoder: the very same pixels; and what the encoder decodes to hardly differs."""
    from mien.surfaces.clips.take import Take

    take = Take(editor, constant("happy"))
    made = [take.plan(frame(), i / 25).carry_out(frame()) for i in range(5)]
    assert np.abs(made[0].astype(int) - frame()).max() > 20
    assert all(np.array_equal(one, made[0]) for one in made)


def test_noise_gives_no_more_flicker_than_it_has(editor):
    from mien.surfaces.clips.take import Take

    take = Take(editor, constant("happy"))
    frames = [frame(noise=4, seed=i) for i in range(8)]
    made = [take.plan(one, i / 25).carry_out(one) for i, one in enumerate(frames)]

    def flicker(clip):
        return np.mean([np.abs(a.astype(int) - b)[60:260, 60:260].mean() for a, b in pairwise(clip)])

    assert flicker(made[4:]) < 1.03 * flicker(frames[4:])


def test_a_strength_track_goes_from_nothing_to_all(editor, tmp_path):
    source = write_clip(tmp_path / "in.mp4", [frame()] * 9)
    done = video(source, tmp_path / "out.mov", parse_track("0:neutral:0 0.32:happy"), editor)
    change = [np.abs(a.astype(int) - b).mean() for a, b in zip(decoded(source), decoded(done.path), strict=True)]
    assert done.edited == 8 and change[0] < change[4] < change[8] and change[8] > 2 * change[0]


def test_strength_zero_changes_no_decoded_value_before_the_encoder(editor):
    """Where nothing is edited a frame's own values go to the encoder, chroma too."""
    from mien.surfaces.clips.colour import frame_of, rgb_of
    from mien.surfaces.clips.turning import Turn

    rng = np.random.default_rng(0)
    planes = rng.integers(16, 235, (48 * 3 // 2, 64)).astype(np.uint8)
    one = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    for turned in (Turn(), Turn(True, True, False)):
        pixels = rgb_of(one, turned)
        edited = pixels.copy()
        edited[10:20, 10:20] = 255 - edited[10:20, 10:20]
        made = frame_of(edited, pixels, one, turned).to_ndarray()
        changed = made != planes
        assert changed.any() and changed.mean() < 0.1
        assert np.array_equal(frame_of(pixels, pixels, one, turned).to_ndarray(), planes)


@pytest.mark.parametrize("choice, count", [("all", 2), ("2", 1), ("largest", 1)])
def test_several_faces(editor, tmp_path, choice, count):
    both = np.hstack([frame(zoom=0.8, size=(280, 280)), frame(size=(280, 280))])
    source = write_clip(tmp_path / "in.mp4", [both] * 2)
    done = video(source, tmp_path / "out.mp4", constant("happy"), editor, choice)
    change = np.abs(decoded(source)[1].astype(int) - decoded(done.path)[1]).mean(axis=2)
    sides = [bool(half[40:240].max() > 40) for half in (change[:, :280], change[:, 280:])]
    assert (done.faces, done.chosen) == (2, count)
    assert sides == {"all": [True, True], "2": [True, False], "largest": [False, True]}[choice]


def test_colours_keep_their_range_and_ten_bits_stay_ten(editor, tmp_path):
    full = write_clip(tmp_path / "full.mp4", [frame()] * 2, color_range=2)
    done = video(full, tmp_path / "out.mp4", constant("happy"), editor)
    with av.open(str(done.path)) as made:
        one = next(made.decode(video=0))
        assert one.color_range == 2
        assert np.abs(one.to_ndarray(format="rgb24")[:15].astype(int) - frame()[:15]).mean() < 4
    deep = write_clip(tmp_path / "deep.mkv", [frame()] * 2, codec="ffv1", pix_fmt="yuv420p10le")
    done = video(deep, tmp_path / "deep.mp4", constant("happy"), editor)
    with av.open(str(done.path)) as made:
        one = next(made.decode(video=0))
        assert one.format.name == "yuv420p10le"
        assert np.abs(one.to_ndarray(format="rgb24")[:15].astype(int) - frame()[:15]).mean() < 4


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_clip_of_very_few_deep_frames_is_written(tmp_path, count):
    """x265 gives the packets of one or two frames decoding times out of nowhere; every other such clip failed."""
    from mien.surfaces.clips.writing import Movie

    one = av.VideoFrame.from_ndarray(frame(size=(64, 64)), format="rgb24").reformat(format="yuv420p10le")
    for again in range(6):
        path = tmp_path / f"{again}.mp4"
        with Movie(path, "mp4", one, Fraction(1, 12800), Fraction(25)) as movie:
            for i in range(count):
                one.pts, one.time_base = i * 512, Fraction(1, 12800)
                movie.frame(one)
            movie.finish()
        assert times(path) == [Fraction(i, 25) for i in range(count)]


def test_it_says_so_and_not_only_once(stand_in, tmp_path, capsys):
    source = write_clip(tmp_path / "in.mp4", [frame()] * 2)
    first, second, plain = (tmp_path / name for name in ("a.mp4", "b.mov", "c.mp4"))
    assert run(capsys, "video", source, first, "-e", "happy", "--model", stand_in)[0] == 0
    code, out, _ = run(
        capsys, "video", first, second, "--keyframes", "0:happy 1:sad", "--strength", 0.5, "--model", stand_in, "--json"
    )
    assert code == 0 and json.loads(out)["edited"] == 2
    said = inspect(second)
    assert said.source_type == COMPOSITE
    assert [one["keyframes"] for one in said.edits] == ["0:happy", "0:happy 1:sad"]
    assert said.edits[1]["strength"] == 0.5 and said.edits[1]["frames"] == 2
    code, out, _ = run(capsys, "inspect", second)
    assert "2 steps of mien" in out and "video: 0:happy 1:sad" in out
    assert run(capsys, "video", source, plain, "-e", "happy", "--model", stand_in, "--no-provenance")[0] == 0
    assert inspect(plain).edits == [] and inspect(plain).source_type is None


def test_a_signature(stand_in, tmp_path, capsys):
    pytest.importorskip("c2pa")
    from certificates import write_chain

    source = write_clip(tmp_path / "in.mp4", [frame()] * 2, sound=True)
    chain, key = write_chain(tmp_path)
    out = tmp_path / "out.mp4"
    signing = ["--c2pa-cert", chain, "--c2pa-key", key]
    assert run(capsys, "video", source, out, "-e", "happy", "--model", stand_in, *signing)[0] == 0
    told = json.loads(run(capsys, "inspect", out, "--json")[1])
    assert told["c2pa"]["state"] == "Valid" and told["c2pa"]["signed_by"] == "mien test signer"
    assert told["source_type"] == COMPOSITE and told["c2pa"]["edits"] == told["edits"]
    assert len(decoded(out)) == 2 and packets(out, "audio") == packets(source, "audio")
    data = bytearray(out.read_bytes())
    data[data.index(b"mdat") + 200] ^= 1
    out.write_bytes(data)
    assert json.loads(run(capsys, "inspect", out, "--json")[1])["c2pa"]["state"] == "Invalid"


def test_bad_input_is_one_line_and_leaves_nothing(stand_in, tmp_path, capsys):
    good = write_clip(tmp_path / "in.mp4", [frame()] * 2)
    empty = write_clip(tmp_path / "noface.mp4", [np.full((64, 64, 3), 200, np.uint8)] * 2)
    (tmp_path / "text.mp4").write_text("hello there, this is no video")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nin.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile in.mp4\n")
    before = sorted(tmp_path.iterdir())
    cases = [
        ([tmp_path / "no.mp4", "out.mp4", "-e", "happy"], "does not exist"),
        ([tmp_path, "out.mp4", "-e", "happy"], "is a folder"),
        ([tmp_path / "text.mp4", "out.mp4", "-e", "happy"], "not a video"),
        ([tmp_path / "list.m3u8", "out.mp4", "-e", "happy"], "not a video"),
        ([tmp_path / "list.txt", "out.mp4", "-e", "happy"], "not a video"),
        (["http://127.0.0.1:9/a.mp4", "out.mp4", "-e", "happy"], "does not exist"),
        ([good, "out.avi", "-e", "happy"], "is written as .mp4"),
        ([good, good, "-e", "happy"], "never overwritten"),
        ([good, "out.mp4"], "say either"),
        ([good, "out.mp4", "-e", "happy", "--keyframes", "0:sad"], "say either"),
        ([good, "out.mp4", "--keyframes", "0:hapy"], "did you mean happy"),
        ([good, "out.mp4", "-e", "happy", "--face", "nobody"], "a face is"),
        ([good, "out.mp4", "-e", "happy", "--face", "3"], "there is no face 3"),
        ([good, "out.mp4", "-e", "happy", "--strength", "2"], "strength"),
        ([empty, "out.mp4", "-e", "happy"], "no face found"),
        ([good, "out.mp4", "-e", "happy", "--c2pa-cert", good], "both"),
        ([good, "out.mp4", "-e", "happy", "--c2pa-cert", good, "--no-provenance"], "leave out"),
    ]
    for arguments, words in cases:
        arguments = [tmp_path / "out.mp4" if one == "out.mp4" else one for one in arguments]
        arguments = [tmp_path / "out.avi" if one == "out.avi" else one for one in arguments]
        code, out, err = run(capsys, "video", *arguments, "--model", stand_in)
        assert (code, out, err.count("\n")) == (2, "", 1) and words in err, (arguments, err)
        assert sorted(tmp_path.iterdir()) == before


def test_a_damaged_video_is_read_as_far_as_it_goes(editor, tmp_path):
    source = write_clip(tmp_path / "in.mkv", [frame(dx=i) for i in range(6)])
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    source.write_bytes(data)
    try:
        done = video(source, tmp_path / "out.mp4", constant("happy"), editor)
        assert 1 <= done.frames <= 6
    except MienError:
        pass
    assert not list(tmp_path.glob(".*"))


def test_an_interrupted_run_leaves_nothing(stand_in, tmp_path):
    source = write_clip(tmp_path / "in.mp4", [frame()] * 250)
    code = "from mien.cli import main; main()"
    command = [sys.executable, "-c", code, "video", source, tmp_path / "out.mp4", "-e", "happy", "--model", stand_in]
    running = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not list(tmp_path.glob(".*.part")) and time.monotonic() < until and running.poll() is None:
        time.sleep(0.05)
    assert list(tmp_path.glob(".*.part"))
    time.sleep(0.3)
    os.kill(running.pid, signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130 and b"Traceback" not in err
    assert list(tmp_path.iterdir()) == [source]


MEMORY = """
import resource, sys
from pathlib import Path
from mien.editor import Editor
from mien.surfaces.clips.keyframes import constant
from mien.surfaces.clips.video import video
seen = []
def tell(done, of):
    seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
video(Path(sys.argv[1]), Path(sys.argv[2]), constant("happy"), Editor(sys.argv[3]), tell=tell)
print(seen[9], seen[-1], len(seen))
"""


def test_memory_does_not_grow_with_the_clip(stand_in, tmp_path):
    source = write_clip(tmp_path / "in.mp4", (frame(dx=i % 5, size=(640, 640)) for i in range(30)))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, source, tmp_path / "out.mp4", stand_in],
        capture_output=True,
        text=True,
        check=True,
    )
    early, late, count = map(int, done.stdout.split())
    assert count == 30 and late - early < 35, (early, late)  # MiB; 20 frames as RGB, as edited and as YUV are 58
