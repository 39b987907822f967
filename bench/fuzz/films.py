"""Mutations of films that keep their frame: the sizes of boxes, chunks and elements hold, packets of TS stay whole."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

NUMBERS = (0, 1, 2, 3, 16, 127, 128, 255, 32767, 65535, 2**24, 2**31 - 1, 2**31, 2**32 - 1)

Pieces = list[list[bytes]]
"""Name and content of each."""

Bytes = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Film:
    """A kind of file: how it comes apart and together, which pieces hold others, and how numbers lie in them."""

    apart: Callable[[bytes], Pieces]
    together: Callable[[Pieces], bytes]
    inner: tuple[bytes, ...]
    order: str


def kind(data: bytes) -> Film | None:
    """What a file's beginning says it is."""
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        return MP4
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return EBML
    if data[:4] == b"RIFF":
        return RIFF
    return TS if data[:1] == b"\x47" and data[188:189] == b"\x47" else None


def mutated(data: bytes, film: Film, lots: random.Random, anyhow: Bytes) -> bytes:
    """One piece changed, dropped, doubled, moved or renamed, at any depth; what does not come apart changes anyhow."""
    pieces = film.apart(data)
    if not pieces:
        return _content(data, film, lots, anyhow)
    inner = [i for i, (name, _) in enumerate(pieces) if name in film.inner]
    place, what = lots.randrange(len(pieces)), lots.randrange(10)
    if inner and lots.random() < 0.85:
        place = lots.choice(inner)
        pieces[place][1] = _within(pieces[place], film, lots, anyhow)
    elif what == 0:
        pieces.insert(lots.randrange(len(pieces) + 1), list(pieces[place]))
    elif what == 1:
        del pieces[place]
    elif what == 2:
        pieces.insert(lots.randrange(len(pieces)), pieces.pop(place))
    elif what == 3:
        pieces[place][0] = lots.choice(pieces)[0]
    else:
        pieces[place][1] = _content(pieces[place][1], film, lots, anyhow)
    return film.together(pieces)


def _within(piece: list[bytes], film: Film, lots: random.Random, anyhow: Bytes) -> bytes:
    """A box's inner boxes; some begin behind a few bytes of their own."""
    skip = {b"meta": 4, b"stsd": 8, b"dref": 8, b"LIST": 4, b"RIFF": 4}.get(piece[0], 0)
    return piece[1][:skip] + mutated(piece[1][skip:], film, lots, anyhow)


def _content(data: bytes, film: Film, lots: random.Random, anyhow: Bytes) -> bytes:
    """A number where numbers lie, or anything."""
    if len(data) < 2 or lots.random() < 0.4:
        return anyhow(data, lots)
    size = lots.choice((1, 2, 4, 4))
    at = lots.randrange(len(data)) // size * size
    number = (lots.choice(NUMBERS) % 256**size).to_bytes(size, "big" if film.order == ">" else "little")
    return data[:at] + number + data[at + size :]


def _boxes(data: bytes) -> Pieces:
    found: Pieces = []
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        if size < 8 or at + size > len(data):
            break
        found.append([name, data[at + 8 : at + size]])
        at += size
    return found


def _of_boxes(pieces: Pieces) -> bytes:
    return b"".join(struct.pack(">I4s", 8 + len(inner), name) + inner for name, inner in pieces)


def _chunks(data: bytes) -> Pieces:
    found: Pieces = []
    at = 0
    while at + 8 <= len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        if at + 8 + size > len(data):
            break
        found.append([name, data[at + 8 : at + 8 + size]])
        at += 8 + size + size % 2
    return found


def _of_chunks(pieces: Pieces) -> bytes:
    return b"".join(struct.pack("<4sI", name, len(inner)) + inner + b"\0" * (len(inner) % 2) for name, inner in pieces)


def _elements(data: bytes) -> Pieces:
    """Of Matroska (RFC 8794): a name of 1 to 4 bytes, a size of 1 to 8; an unknown size goes to the end."""
    found: Pieces = []
    at = 0
    while at < len(data):
        name = data[at : at + 9 - data[at].bit_length()]
        at += len(name)
        if at >= len(data) or not data[at]:
            break
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width], "big") - (1 << 7 * width)
        at += width
        if size == (1 << 7 * width) - 1:
            size = len(data) - at
        if at + size > len(data):
            break
        found.append([name, data[at : at + size]])
        at += size
    return found


def _of_elements(pieces: Pieces) -> bytes:
    return b"".join(name + ((1 << 56) + len(inner)).to_bytes(8, "big") + inner for name, inner in pieces)


def _packets(data: bytes) -> Pieces:
    whole = len(data) // 188 * 188
    return [[data[at : at + 4], data[at + 4 : at + 188]] for at in range(0, whole, 188)]


def _of_packets(pieces: Pieces) -> bytes:
    return b"".join((name + inner + b"\xff" * 188)[:188] for name, inner in pieces)


MP4 = Film(
    _boxes, _of_boxes,
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"meta", b"stsd", b"dinf", b"dref", b"ilst"), ">",
)  # fmt: skip
RIFF = Film(_chunks, _of_chunks, (b"RIFF", b"LIST"), "<")
MASTERS = ("18538067", "1654ae6b", "ae", "e0", "e1", "1549a966", "1f43b675", "1c53bb6b", "114d9b74", "a0")
EBML = Film(_elements, _of_elements, tuple(map(bytes.fromhex, MASTERS)), ">")
TS = Film(_packets, _of_packets, (), ">")
