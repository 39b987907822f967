"""XMP packets in files that Pillow does not see to: MP4 and MOV, GIF (XMP specification part 3), animated WebP.

Files come from strangers: only headers are read, sizes are checked against the file's, and what does not fit counts as
nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mien.xmp import MAX_BYTES, tidy

UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Of the box that holds a packet, at the top level of an MP4."""

MOVIES = (".mp4", ".m4v", ".mov")

_MAX_BOXES = 100_000
_MAX_GIF = 64 << 20  # bytes of a GIF that are searched
_LABEL = b"XMP DataXMP"
_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"  # any start within the packet leads a GIF reader to its end


def is_movie(file: BinaryIO) -> bool:
    """Whether a file is of the MP4 and MOV family."""
    file.seek(0)
    return file.read(12)[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def is_gif(file: BinaryIO) -> bool:
    """Whether a file is a GIF."""
    file.seek(0)
    return file.read(6) in (b"GIF87a", b"GIF89a")


def movie_packet(file: BinaryIO) -> bytes:
    """The packet of an MP4 or MOV file, as `xmp.tidy` has it; b"" for none. The last one counts."""
    found = b""
    for kind, start, end in _boxes(file, 0, _size(file)):
        if kind == b"uuid" and _read(file, start, min(end, start + 16)) == UUID:
            found = _read(file, start + 16, end) or found
        elif kind == b"moov":
            for inner, begin, close in _boxes(file, start, end):
                if inner == b"udta":
                    for name, first, last in _boxes(file, begin, close):
                        if name == b"XMP_":
                            found = found or _read(file, first, last)
    return tidy(found) if found else b""


def add_to_movie(path: Path, packet: bytes) -> None:
    """Append a packet to an MP4 or MOV file, in a box at its end."""
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + UUID + packet)


def gif_packet(file: BinaryIO) -> bytes:
    """The packet of a GIF, as `xmp.tidy` has it; b"" for none."""
    for at, kind in _gif_blocks(file):
        if kind != 0xFF or _read(file, at + 2, at + 14) != bytes([len(_LABEL)]) + _LABEL:
            continue
        file.seek(at + 14)
        raw = file.read(MAX_BYTES + len(_TRAILER))
        end = raw.find(_TRAILER)
        return tidy(raw[:end]) if end > 0 else b""
    return b""


def with_gif_packet(data: bytes, packet: bytes) -> bytes:
    """A whole GIF with a packet after its header; UTF-8, without zero bytes."""
    flags = data[10]
    head = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    block = bytes([0x21, 0xFF, len(_LABEL)]) + _LABEL + packet + _TRAILER
    return b"GIF89a" + data[6:head] + block + data[head:]


def with_webp_packet(data: bytes, packet: bytes) -> bytes:
    """A whole animated WebP (one with a VP8X chunk) with a packet at its end."""
    if data[12:16] != b"VP8X":
        raise ValueError("not an extended WebP")
    body = data[12:20] + bytes([data[20] | 0x04]) + data[21:]
    body += b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) & 1)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, first byte of the content, its end) of the boxes between two places of a file."""
    for _ in range(_MAX_BOXES):
        head = _read(file, start, min(end, start + 16))
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        inner = start + 8
        if size == 1 and len(head) == 16:
            size, inner = struct.unpack(">Q", head[8:])[0], start + 16
        elif size == 0:
            size = end - start
        if size < inner - start or start + size > end:
            return
        yield kind, inner, start + size
        start += size


def _gif_blocks(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """(place, label) of the extension blocks before and between the pictures of a GIF."""
    flags = _read(file, 10, 11) or b"\0"
    at = 13 + (3 << ((flags[0] & 7) + 1) if flags[0] & 0x80 else 0)
    for _ in range(_MAX_BOXES):
        head = _read(file, at, at + 10)
        if head[:1] == b"\x21" and len(head) > 1:
            yield at, head[1]
            at += 2
        elif head[:1] == b"\x2c" and len(head) == 10:
            at += 11 + (3 << ((head[9] & 7) + 1) if head[9] & 0x80 else 0)
        else:
            return
        while at < _MAX_GIF and (count := _read(file, at, at + 1)) not in (b"", b"\0"):
            at += 1 + count[0]
        at += 1


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    """The bytes between two places, b"" if they are more than a packet may have."""
    if not 0 < end - start <= MAX_BYTES + 64:
        return b""
    file.seek(start)
    return file.read(end - start)


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)
