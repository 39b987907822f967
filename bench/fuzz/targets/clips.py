"""Videos of every kind of file that is read, through the whole of `mien video`; packets in films and animations."""

from __future__ import annotations

import io
import json
import os
import zlib
from functools import cache
from pathlib import Path

from targets.base import Run, Target

ENOUGH = 10
"""Frames after which a clip is left: a small file may hold thousands."""

CLIPS = (
    # (end of the name, codec, pix_fmt, frames, more words of `write_clip`)
    (".mkv", "libsvtav1", "yuv420p", 2, {"side": 64}),
    (".mp4", "libx264", "yuv420p", 3, {"sound": True, "rotation": 90}),
    (".mov", "libx264", "yuv420p", 4, {"pts": [0, 512, 700, 9000]}),
    (".mkv", "libx264", "yuv420p10le", 2, {"sound": True}),
    (".mkv", "ffv1", "yuv444p", 2, {}),
    (".webm", "libvpx-vp9", "yuv420p", 3, {}),
    (".webm", "libvpx", "yuv420p", 2, {}),
    (".avi", "mjpeg", "yuvj420p", 2, {}),
    (".avi", "mpeg4", "yuv420p", 3, {}),
    (".ts", "libx264", "yuv420p", 3, {"sound": True}),
    (".mkv", "mpeg2video", "yuv420p", 2, {}),
    (".mp4", "libx265", "yuv420p10le", 4, {"side": 64}),
    (".mp4", "mpeg4", "yuv420p", 3, {}),
    (".mov", "prores", "yuv422p10le", 1, {}),
    (".mov", "qtrle", "rgb24", 2, {}),
    (".mov", "png", "rgb24", 2, {}),
)


@cache
def _clips() -> list[bytes]:
    """Tiny ones, with sound, turned, of varying rate, of 10 bits."""
    import tempfile

    import numpy as np

    from surfaces.moving import frame, write_clip

    found = [_gif()]
    with tempfile.TemporaryDirectory() as folder:
        for number, (end, codec, pix_fmt, count, more) in enumerate(CLIPS):
            more = dict(more)
            path = Path(folder) / f"{number}{end}"
            side = more.pop("side", 32)
            frames = [np.ascontiguousarray(frame(dx=i, size=(48 * side // 32, side))) for i in range(count)]
            if codec == "libx264":
                write_clip(path, frames, pix_fmt=pix_fmt, **more)
            else:
                _write(path, frames, codec, pix_fmt)
            found.append(path.read_bytes())
    return found


def _write(path: Path, frames: list, codec: str, pix_fmt: str) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)))
        container.mux(stream.encode(None))


def _gif() -> bytes:
    import numpy as np
    from PIL import Image

    from surfaces.moving import frame

    frames = [Image.fromarray(np.ascontiguousarray(frame(dx=3 * i, size=(24, 24)))) for i in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return buffer.getvalue()


def _clip(folder: Path) -> Run:
    """In a quarter of the inputs a face is where the middle of the frame is, else none; all else is the true way."""
    from mien import MienError, provenance
    from mien.editor import Editor
    from mien.surfaces.clips import reading, take, tracking
    from mien.surfaces.clips.keyframes import parse_track
    from mien.surfaces.clips.video import video
    from support import write_stand_in

    faces = False

    def detect(rgb: object) -> list[tuple[float, ...]]:
        height, width = rgb.shape[:2]  # type: ignore[attr-defined]
        return [(0.2 * width, 0.2 * height, 0.8 * width, 0.8 * height)] if faces else []

    tracking.detect = detect
    take.Take.missed = lambda self, name: None  # type: ignore[method-assign]
    reading.MAX_FRAME = 500_000  # what the true limit costs is measured by bombs.py
    (folder / "weights").mkdir(parents=True)
    editor, track = Editor(write_stand_in(folder / "weights" / "x.onnx")), parse_track("0:neutral 0.1:happy 4:sad:0.5")
    (folder / "out").mkdir()
    source, output = folder / "in", folder / "out" / "x.mp4"

    def tell(done: int, _: int | None) -> None:
        if done >= ENOUGH:
            raise MienError("enough")

    def run(data: bytes) -> None:
        nonlocal faces
        faces = not zlib.crc32(data) % 4
        source.write_bytes(data)
        output.unlink(missing_ok=True)
        try:
            done = video(source, output, track, editor, face="all", tell=tell)
        except MienError:
            assert not os.listdir(output.parent), "something is left behind"
            raise
        assert os.listdir(output.parent) == [output.name]
        assert provenance.inspect(output).edits[-1]["frames"] == done.frames > 0
        assert reading.about(output).first.width

    return run


def _film(folder: Path) -> Run:
    """Reading alone, which is quicker: frames to RGB and back, sound packets."""
    from mien.surfaces.clips import colour, reading

    folder.mkdir(parents=True)
    reading.MAX_FRAME = 500_000
    source = folder / "in"

    def run(data: bytes) -> None:
        source.write_bytes(data)
        said = reading.about(source)
        first = said.first
        with reading.opened(source) as container:
            streams = [container.streams.video[0], *container.streams.audio]
            for count, (frame, _) in enumerate(reading.decoded(container, streams)):
                if frame is not None:
                    if (frame.width, frame.height, frame.format.name) != (first.width, first.height, first.format.name):
                        return  # as `video` does
                    pixels = colour.rgb_of(frame, said.turned)
                    edited = pixels.copy()
                    edited[:2] //= 2
                    made = colour.frame_of(edited, pixels, frame, said.turned)
                    assert (made.width, made.height) == (frame.width & ~1, frame.height & ~1)
                    assert frame.time is not None
                if count > ENOUGH:
                    break

    return run


@cache
def _packet() -> bytes:
    from mien.provenance import RECORD, SOURCE_TYPE
    from mien.xmp import put

    return put(b"", {RECORD: json.dumps({"edits": [{"mien": "0", "expression": "happy"}]}), SOURCE_TYPE: "x"})


def _told() -> list[bytes]:
    """Films and animations that carry a packet, in the places where one may lie."""
    import numpy as np
    from PIL import Image

    from mien.xmp_files import UUID, with_gif_packet, with_webp_packet

    packet = _packet()

    def box(kind: bytes, inner: bytes) -> bytes:
        return (8 + len(inner)).to_bytes(4, "big") + kind + inner

    head = box(b"ftyp", b"isom\0\0\2\0isomiso2")
    long = (1).to_bytes(4, "big") + b"uuid" + (32 + len(packet)).to_bytes(8, "big") + UUID + packet
    frames = [Image.fromarray(np.full((8, 8, 3), 90 * i, np.uint8)) for i in range(2)]
    webp = io.BytesIO()
    frames[0].save(webp, "WEBP", save_all=True, append_images=frames[1:])
    return [
        head + box(b"mdat", b"x" * 9) + box(b"uuid", UUID + packet),
        box(b"ftyp", b"qt  \0\0\2\0qt  ")
        + box(b"moov", box(b"mvhd", b"\0" * 100) + box(b"udta", box(b"XMP_", packet))),
        head + long,
        with_gif_packet(_gif(), packet),
        with_webp_packet(webp.getvalue(), packet),
    ]


def _packets(folder: Path) -> Run:
    from mien import provenance

    folder.mkdir(parents=True)
    path = folder / "x"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        json.dumps(provenance.inspect(path).edits)

    return run


TARGETS = {
    "film": Target("picture", _clips, _film),
    "clip": Target("picture", _clips, _clip),
    "packets": Target("picture", _told, _packets),
}
