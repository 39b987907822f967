"""What goes along with the pictures: subtitles and chapters; and what is left out, which is said."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from mien.cli import main
from mien.editor import Editor
from support import needs_sample
from surfaces.moving import decoded, frame, packets, write_clip

av = pytest.importorskip("av")
pytestmark = needs_sample

from mien.surfaces.clips.kept import add_chapters  # noqa: E402
from mien.surfaces.clips.keyframes import constant  # noqa: E402
from mien.surfaces.clips.video import video  # noqa: E402

HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""  # noqa: E501
MS = Fraction(1, 1000)
LINES = [(0, 120, "Good evening."), (160, 300, "Grüß Gott, 今晩は")]
CHAPTERS = [
    {"id": 1, "start": 0, "end": 160, "time_base": MS, "metadata": {"title": "Évening"}},
    {"id": 2, "start": 160, "end": 320, "time_base": MS, "metadata": {"title": "after"}},
]


def with_text(source: Path, path: Path, codec: str, chapters: bool = True) -> Path:
    """A clip with subtitles of a kind beside its streams."""
    with av.open(str(source)) as inside, av.open(str(path), "w") as out:
        streams = {one.index: out.add_stream_from_template(one) for one in inside.streams}
        text = out.add_stream(codec)
        text.time_base = MS
        text.codec_context.subtitle_header = HEADER
        text.metadata["language"] = "jpn"
        if chapters:
            out.set_chapters(CHAPTERS)
        for start, end, line in LINES:
            raw = line.encode()
            packet = av.Packet(len(raw).to_bytes(2, "big") + raw if codec == "mov_text" else raw)
            packet.pts = packet.dts = start
            packet.duration, packet.time_base, packet.stream = end - start, MS, text
            out.mux(packet)
        for packet in inside.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


def lines(path: Path) -> list[tuple[Fraction, str]]:
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        found = [(one.pts * one.time_base, bytes(one)[2:].decode()) for one in container.demux(stream) if one.size > 2]
        assert stream.metadata.get("language") == "jpn"
    return found


def titles(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    with av.open(str(path)) as container:
        return [
            (one["start"] * one["time_base"], one["end"] * one["time_base"], one["metadata"]["title"])
            for one in container.chapters()
        ]


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("kept") / "in.mp4", [frame()] * 8, sound=True)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
def test_subtitles_and_chapters_are_copied(stand_in, plain, tmp_path, name):
    source = with_text(plain, tmp_path / "in.mp4", "mov_text")
    done = video(source, tmp_path / name, constant("happy"), Editor(stand_in))
    assert done.left == () and done.edited == 8
    assert lines(done.path) == lines(source) == [(Fraction(start, 1000), line) for start, _, line in LINES]
    assert titles(done.path) == titles(source) and len(titles(source)) == 2
    assert packets(done.path, "audio") == packets(source, "audio") and len(decoded(done.path)) == 8


def test_what_cannot_be_kept_is_said(stand_in, plain, tmp_path, capsys):
    source = with_text(plain, tmp_path / "in.mkv", "subrip")
    for more, told in (([], "err"), (["--json"], "out")):
        with pytest.raises(SystemExit) as leaving:
            main(["video", str(source), str(tmp_path / "a.mp4"), "-e", "happy", "--model", str(stand_in), *more])
        captured = capsys.readouterr()
        assert not leaving.value.code and "subtitles (srt" in getattr(captured, told)
    assert json.loads(captured.out)["left_out"] == ["subtitles (srt: only mov_text can be copied)"]
    with av.open(str(tmp_path / "a.mp4")) as made:
        assert not made.streams.subtitles
    assert titles(tmp_path / "a.mp4") == titles(source)


def test_transparency_is_left_out_and_said(stand_in, tmp_path):
    source = write_clip(tmp_path / "in.mov", [frame()] * 2, codec="qtrle", pix_fmt="argb")
    done = video(source, tmp_path / "out.mp4", constant("happy"), Editor(stand_in))
    assert done.left == ("transparency",) and done.edited == 2


def test_damaged_chapters_are_none(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        assert add_chapters(container, []) and add_chapters(container, CHAPTERS)
        for bad in ({"start": 5, "end": 2}, {"start": -9}, {"time_base": Fraction(0)}, {"end": 1 << 80}):
            assert not add_chapters(container, [CHAPTERS[0] | bad])
