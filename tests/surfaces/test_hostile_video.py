"""Videos of strangers (bench/fuzz): what they did before, each once more."""

import os
from fractions import Fraction

import numpy as np
import pytest

from mien.editor import Editor
from mien.errors import MienError
from surfaces.moving import write_clip

av = pytest.importorskip("av")

from mien.surfaces.clips import reading, tracking  # noqa: E402
from mien.surfaces.clips.keyframes import constant  # noqa: E402
from mien.surfaces.clips.video import video  # noqa: E402
from mien.surfaces.clips.writing import QUALITY, Movie, _options  # noqa: E402


def frames(width: int, height: int, count: int) -> list[np.ndarray]:
    return [np.full((height, width, 3), 60 + 5 * i, np.uint8) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [(40, 64), (96, 64)])
def test_short_and_narrow_clips_of_ten_bits(size, count, stand_in, tmp_path, monkeypatch):
    """x265 gave decoding times that nobody had set, and wrote beyond its memory below 50 px."""
    monkeypatch.setattr(tracking, "detect", lambda rgb: [(8.0, 8.0, 32.0, 32.0)])
    clip = write_clip(tmp_path / "in.mkv", frames(*size, count), pix_fmt="yuv420p10le")
    for _ in range(3):
        done = video(clip, tmp_path / "out.mp4", constant("happy"), Editor(stand_in))
        with av.open(str(done.path)) as container:
            stream = container.streams.video[0]
            packets = [one for one in container.demux(stream) if one.size]
            assert len(packets) == count and stream.codec_context.name == "hevc"
            assert all(one.dts <= one.pts for one in packets)
            base = packets[0].pts
            times = [(one.pts - base) * stream.time_base for one in packets]
            assert sorted(times) == [Fraction(i, 25) for i in range(count)]


def test_what_the_encoder_is_told():
    assert "cutree=0" in _options("libx265", 48, 64)["x265-params"]
    assert "cutree" not in _options("libx265", 64, 48)["x265-params"]
    assert _options("libx264", 1920, 1080) == QUALITY["libx264"]
    assert int(_options("libx264", 3840, 2160)["rc-lookahead"]) < 10


def test_frames_beyond_the_limit_are_not_decoded(tmp_path, monkeypatch):
    """Neither to find out what the streams are, nor where they grow midway."""
    whole = write_clip(tmp_path / "small.ts", [np.zeros((64, 64, 3), np.uint8)] * 40).read_bytes()
    (tmp_path / "grows.ts").write_bytes(whole + write_clip(tmp_path / "x.ts", frames(320, 320, 3)).read_bytes())
    monkeypatch.setattr(reading, "MAX_FRAME", 80 * 80)
    with pytest.raises(MienError, match="million pixels"):
        reading.about(tmp_path / "x.ts")
    with reading.opened(tmp_path / "small.ts") as container:
        assert len(list(reading.decoded(container, [container.streams.video[0]]))) == 40
    try:
        with reading.opened(tmp_path / "grows.ts") as container:
            widths = {frame.width for frame, _ in reading.decoded(container, [container.streams.video[0]])}
    except MienError as error:  # where it is found out at once
        assert "million pixels" in str(error)
    else:
        assert widths == {64}


def test_deep_frames_have_a_limit_of_their_own(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "in.mkv", frames(96, 64, 2), pix_fmt="yuv420p10le")
    monkeypatch.setattr(reading, "MAX_DEEP", 80 * 64)
    with pytest.raises(MienError, match="more than 8 bits and 0 million pixels; shrink it or convert"):
        reading.about(clip)


def test_what_ffmpeg_cannot_write_is_one_line(tmp_path):
    like = av.VideoFrame(64, 64, "yuv420p")
    with (
        pytest.raises(MienError, match="cannot be written as a video"),
        Movie(tmp_path / "x.mp4", "mp4", like, Fraction(1, 25)) as movie,
    ):
        for pts in (0, 2**62):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = pts, Fraction(1, 25)
            movie.frame(frame)
        movie.finish()


def test_sound_that_cannot_be_copied_leaves_no_file_open(stand_in, tmp_path):
    """A-law goes into a MOV, not into an MP4."""
    with av.open(str(tmp_path / "in.mov"), "w") as container:
        stream, sound = container.add_stream("libx264", rate=25), container.add_stream("pcm_alaw", rate=8000)
        stream.width = stream.height = 64
        for i in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        heard.sample_rate, heard.pts = 8000, 0
        container.mux(sound.encode(heard))
        container.mux(stream.encode(None))
        container.mux(sound.encode(None))
    editor, before = Editor(stand_in), len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(MienError, match=r"the sound \(pcm_alaw\) cannot be copied into this kind of file"):
            video(tmp_path / "in.mov", tmp_path / "out.mp4", constant("happy"), editor)
    assert len(os.listdir("/dev/fd")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mov"]
