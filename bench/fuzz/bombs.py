"""Files that are small on disk and large in memory: each is read in a process of its own, and its peak is measured.

    python bench/fuzz/bombs.py

Prints for each what mien said, its peak of memory (MiB, less what was held before) and seconds.
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
import mien.picture, mien.provenance
from mien import MienError
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
before, began, said = peak(), time.perf_counter(), "read"
try:
    what = mien.picture.read(sys.argv[1]) if sys.argv[2] == "read" else mien.provenance.inspect(sys.argv[1])
except MienError as error:
    said = str(error).replace(sys.argv[1], "FILE")
print(json.dumps([said[:100], round(peak() - before), round(time.perf_counter() - began, 1)]))
"""


def png(width: int, height: int, kind: int = 2, depth: int = 8, *more: tuple[bytes, bytes]) -> bytes:
    """A picture of nought; its rows are compressed by a factor of a thousand."""
    row = 1 + (width * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind] * depth + 7) // 8
    pack, data = zlib.compressobj(9), b""
    block = b"\0" * row
    for _ in range(height):
        data += pack.compress(block)
    data += pack.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    palette = [(b"PLTE", b"\0" * 768)] if kind == 3 else []
    chunks = [(b"IHDR", head), *palette, *more, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks
    )


def bombs() -> Iterator[tuple[str, bytes]]:
    from PIL import Image

    packed = zlib.compress(b"a" * (1 << 30), 9)
    yield "png, 169 million pixels", png(13000, 13000)
    yield "png, 169 million pixels, 16 bits with alpha", png(13000, 13000, 6, 16)
    yield "png, 169 million pixels, palette with alpha", png(13000, 13000, 3, 8, (b"tRNS", b"\0"))
    yield (
        "png, 4000 million pixels declared",
        png(65000, 8)[:16] + struct.pack(">II", 65000, 65000) + png(65000, 8)[24:],
    )
    yield "png, a profile of 1 GiB in 1 MiB", png(8, 8, 2, 8, (b"iCCP", b"x\0\0" + packed))
    yield "png, XMP of 1 GiB in 1 MiB", png(8, 8, 2, 8, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed))
    yield "png, text of 1 GiB in 1 MiB", png(8, 8, 2, 8, (b"zTXt", b"x\0\0" + packed))
    for form, more in (("TIFF", {"compression": "tiff_adobe_deflate"}), ("JPEG", {}), ("WEBP", {})):
        side = 16000 if form == "WEBP" else 13000
        image, buffer = Image.new("RGB", (side, 169_000_000 // side)), io.BytesIO()
        image.save(buffer, form, **more)
        yield f"{form.lower()}, 169 million pixels", buffer.getvalue()
    image, buffer = Image.new("L", (13000, 13000)), io.BytesIO()
    image.save(buffer, "JPEG", progressive=True)
    yield "jpeg, 169 million pixels, progressive", buffer.getvalue()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        for name, data in bombs():
            path.write_bytes(data)
            for how in ("read", "inspect"):
                done = subprocess.run([sys.executable, "-c", READ, str(path), how], capture_output=True, text=True)
                said = json.loads(done.stdout) if done.returncode == 0 else [f"DIED {done.returncode}", 0, 0]
                print(f"{name:45} {len(data):9} bytes  {how:7} {said[1]:5} MiB {said[2]:5} s  {said[0]}", flush=True)


if __name__ == "__main__":
    main()
