"""Files that are small on disk and large in memory: each is read in a process of its own, and its peak is measured.

    python bench/fuzz/bombs.py
    python bench/fuzz/bombs.py --edit          also a whole edit: read, a face in its middle edited, written as PNG

Prints for each what mien said, its peak of memory (MiB, less what was held before) and seconds. Exit code 1 if reading
or inspecting one took more than `mien.decoding.MAX_MEMORY` and 64 MiB.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

READ = """
import json, sys, time
import numpy as np
import mien.picture, mien.provenance
from mien import MienError
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
def edit(path):
    from mien import face
    from mien.editor import Editor
    from mien.face import Face, align
    def find(rgb):  # a face as large as half of the picture, in its middle
        height, width = rgb.shape[:2]
        zoom = min(height, width) / 512
        there = np.array([(1 / zoom, 0, 127.5 - width / 2 / zoom), (0, 1 / zoom, 127.5 - height / 2 / zoom)])
        points = np.random.default_rng(0).uniform(80, 176, (68, 2))
        points[list(align.CORNERS)] = align.CANONICAL
        points = align.apply(align.invert(there), points)
        return [Face(face.face_box(points, there), points, there)]
    face.find_faces = find
    Editor().edit(path, "happy").save(path + ".out.png")
what = {"read": mien.picture.read, "inspect": mien.provenance.inspect, "edit": edit}[sys.argv[2]]
before, began, said = peak(), time.perf_counter(), "done"
try:
    what(sys.argv[1])
except MienError as error:
    said = str(error).replace(sys.argv[1], "FILE")
print(json.dumps([said[:100], round(peak() - before), round(time.perf_counter() - began, 1)]))
"""

Chunk = tuple[bytes, bytes]


def png(width: int, height: int, kind: int = 2, depth: int = 8, *more: Chunk, rows: int | None = None) -> bytes:
    """A picture of nought; its rows, all or so many, are compressed by a factor of a thousand."""
    row = 1 + (width * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind] * depth + 7) // 8
    pack, data = zlib.compressobj(9), []
    block = b"\0" * row
    for _ in range(height if rows is None else rows):
        data.append(pack.compress(block))
    data.append(pack.flush())
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    palette = [(b"PLTE", b"\0" * 768)] if kind == 3 else []
    chunks = [(b"IHDR", head), *palette, *more, (b"IDAT", b"".join(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks
    )


def turned() -> bytes:
    """EXIF of a camera held upright: its picture is turned once it is read."""
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    return exif.tobytes()


def pngs() -> Iterator[tuple[str, bytes]]:
    packed, exif = zlib.compress(b"a" * (1 << 30), 9), (b"eXIf", turned().removeprefix(b"Exif\0\0"))
    yield "png, 169 million pixels", png(13000, 13000)
    yield "png, 169 million, alpha, turned", png(13000, 13000, 6, 8, exif)
    yield "png, 169 million, palette with alpha", png(13000, 13000, 3, 8, (b"tRNS", b"\0"))
    yield "png, 169 million, grey with alpha", png(13000, 13000, 4)
    yield "png, 169 million, one transparent colour, turned", png(13000, 13000, 2, 8, (b"tRNS", b"\0" * 6), exif)
    yield "png, 164 million, 16 bits, turned", png(13000, 12640, 2, 16, exif)
    yield "png, 164 million, 16 bits, grey", png(13000, 12640, 0, 16)
    yield "png, 126 million, 16 bits with alpha, turned", png(11000, 11480, 6, 16, exif)
    yield "png, 126 million, 16 bits, grey with alpha", png(11000, 11480, 4, 16)
    yield "png, 164 million, 16 bits with alpha", png(13000, 12640, 6, 16, rows=9)
    yield "png, 4000 million pixels declared", png(65000, 65000, rows=9)
    yield "png, a profile of 1 GiB in 1 MiB", png(8, 8, 2, 8, (b"iCCP", b"x\0\0" + packed))
    yield "png, XMP of 1 GiB in 1 MiB", png(8, 8, 2, 8, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed))
    yield "png, text of 1 GiB in 1 MiB", png(8, 8, 2, 8, (b"zTXt", b"x\0\0" + packed))


def others() -> Iterator[tuple[str, bytes]]:
    import cv2
    import numpy as np
    from PIL import Image, TiffImagePlugin

    def saved(form: str, mode: str, width: int, height: int, **more: object) -> bytes:
        buffer = io.BytesIO()
        Image.new(mode, (width, height)).save(buffer, form, **more)
        return buffer.getvalue()

    TiffImagePlugin.STRIP_SIZE = 1 << 30  # one strip
    yield "tiff, 169 million, one strip", saved("TIFF", "RGB", 13000, 13000, compression="tiff_adobe_deflate")
    yield "tiff, 169 million, alpha", saved("TIFF", "RGBA", 13000, 13000, compression="tiff_adobe_deflate")
    for name, width, height, channels in (("16 bits", 13000, 12640, 3), ("16 bits with alpha", 11000, 11480, 4)):
        words = [cv2.IMWRITE_TIFF_COMPRESSION, 8, cv2.IMWRITE_TIFF_ROWSPERSTRIP, height]
        strip = cv2.imencode(".tiff", np.zeros((height, width, channels), np.uint16), words)[1].tobytes()
        yield f"tiff, {width * height // 10**6} million, {name}, one strip", strip
    real = cv2.imencode(".tiff", np.zeros((8660, 11547, 3), np.uint16), [cv2.IMWRITE_TIFF_COMPRESSION, 1])[1]
    yield "tiff, 100 million, 16 bits, not compressed", real.tobytes()
    yield "jpeg, 169 million", saved("JPEG", "RGB", 13000, 13000, exif=turned())
    yield "jpeg, 169 million, progressive", saved("JPEG", "RGB", 13000, 13000, progressive=True, subsampling=0)
    yield "webp, 126 million", saved("WEBP", "RGB", 16000, 7890)
    yield "webp, 126 million, alpha", saved("WEBP", "RGBA", 16000, 7890, lossless=True, exif=turned())
    yield "webp, 169 million", saved("WEBP", "RGB", 16000, 10600)
    yield "bmp, 169 million", saved("BMP", "RGB", 13000, 13000)


def main() -> int:
    from mien.decoding import MAX_MEMORY

    ways, most = ["read", "inspect"] + ["edit"] * ("--edit" in sys.argv[1:]), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        for name, data in (one for make in (pngs, others) for one in make()):
            path.write_bytes(data)
            for how in ways:
                done = subprocess.run([sys.executable, "-c", READ, str(path), how], capture_output=True, text=True)
                said = json.loads(done.stdout) if done.returncode == 0 else [f"DIED {done.returncode}", 1 << 20, 0]
                most = max(most, said[1]) if how != "edit" else most
                print(f"{name:50} {len(data):9} bytes  {how:7} {said[1]:5} MiB {said[2]:5} s  {said[0]}", flush=True)
    print(f"reading: at most {most} MiB")
    return int(most > (MAX_MEMORY >> 20) + 64)


if __name__ == "__main__":
    sys.exit(main())
