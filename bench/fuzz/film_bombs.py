"""Videos that ask for much memory: each goes through `mien video` in a process of its own, and its peak is measured.

    python bench/fuzz/film_bombs.py

Prints for each what mien said, its peak of memory (MiB, less what was held before) and seconds; twenty frames are done
of those that go on for longer.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import json, sys, time
sys.path.append(sys.argv[2] + "/tests")
from pathlib import Path
from mien import MienError
from mien.editor import Editor
from mien.surfaces.clips.keyframes import constant
from mien.surfaces.clips.video import video
from support import write_stand_in
import cv2, dlib, mien.face.detect
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
count = 0
def tell(done, _):
    global count
    count = done
    if done >= 20 and time.perf_counter() - began > 15:
        raise MienError("enough")
editor = Editor(write_stand_in(Path(sys.argv[1] + ".onnx")))
before, began, said = peak(), time.perf_counter(), "done"
try:
    video(sys.argv[1], sys.argv[1] + ".mp4", constant("happy"), editor, "all", tell=tell)
except MienError as error:
    said = str(error).replace(sys.argv[1], "FILE")
print(json.dumps([said[:100], round(peak() - before), round(time.perf_counter() - began, 1), count]))
"""


def film(
    size: tuple[int, int], form: str = "mp4", codec: str = "libx264", pix_fmt: str = "yuv420p", frames: int = 28,
    step: int = 1, rate: int = 25, **options: str,
) -> bytes:  # fmt: skip
    """Grey frames, each a little brighter; step: ticks between them."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, options={"preset": "ultrafast"} | options)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        frame = av.VideoFrame(*size, pix_fmt)
        for i in range(frames):
            for plane in frame.planes:
                plane.update(bytes([80 + i % 60]) * plane.buffer_size)
            frame.pts = i * step
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def box(kind: bytes, inner: bytes) -> bytes:
    return struct.pack(">I", 8 + len(inner)) + kind + inner


def changed(mp4: bytes, kind: bytes, inner: bytes) -> bytes:
    """A film whose movie header lies at its end, with other content in its boxes of a kind."""
    from films import MP4

    def within(data: bytes) -> bytes:
        pieces = MP4.apart(data)
        for piece in pieces:
            if piece[0] == kind:
                piece[1] = inner
            elif piece[0] in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
                piece[1] = within(piece[1])
        return MP4.together(pieces)

    return within(mp4)


def bombs() -> Iterator[tuple[str, bytes]]:
    small = film((64, 48), frames=8)
    yield "3840x2160", film((3840, 2160))
    yield "3840x2160, 10 bits", film((3840, 2160), codec="libx265", pix_fmt="yuv420p10le")
    yield "8192x4320", film((8192, 4320))
    yield "8192x4320, 16 reference frames", film((8192, 4320), refs="16", bf="3")
    yield "8192x4320, 10 bits", film((8192, 4320), codec="ffv1", form="matroska", pix_fmt="yuv420p10le", frames=3)
    yield "16000x2300, 4:4:4", film((16000, 2300), pix_fmt="yuv444p", frames=12)
    yield "12000x12000", film((12000, 12000), frames=2)
    many = film((64, 48), "mpegts", frames=700, bf="0", g="10")
    yield "12000x12000 after 700 small frames", many + film((12000, 12000), "mpegts", frames=2)
    yield "times of years apart", film((64, 48), "matroska", step=10**13)
    yield "10^8 frames a second", film((64, 48), rate=10**8)
    yield "4000 million samples of 1 byte", changed(small, b"stsz", struct.pack(">III", 0, 1, 2**32 - 1))
    chunk = changed(small, b"stsc", struct.pack(">IIIII", 0, 1, 1, 10**8, 1))
    yield "100 million samples of 1 byte in a chunk", changed(chunk, b"stsz", struct.pack(">III", 0, 1, 10**8))
    yield "2000 million samples of one duration", changed(small, b"stts", struct.pack(">IIII", 0, 1, 2**31 - 1, 1))
    track = small[small.index(b"trak") - 4 :]
    track = track[: struct.unpack(">I", track[:4])[0]]
    head = small[: small.index(b"moov") - 4]
    inner = small[small.index(b"moov") + 4 :]
    inner = inner[: 8 + 100]  # mvhd
    yield "5000 tracks", head + box(b"moov", inner + track * 5000)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        for name, data in bombs():
            path.write_bytes(data)
            done = subprocess.run([sys.executable, "-c", RUN, str(path), str(ROOT)], capture_output=True, text=True)
            said = json.loads(done.stdout) if done.returncode == 0 else [f"DIED {done.returncode}", 0, 0, 0]
            counts = f"{said[1]:5} MiB {said[2]:6} s {said[3]:4} frames"
            print(f"{name:42} {len(data):9} bytes  {counts}  {said[0]}", flush=True)
            if done.returncode:
                print(done.stderr[-600:])


if __name__ == "__main__":
    main()
