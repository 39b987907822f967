"""Mutations that know what they change: a PNG keeps its checksums, a JSON stays JSON, a table keeps its columns."""

from __future__ import annotations

import json
import random
import re
import struct
import zlib

import films

NUMBERS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
WORDS = (
    "", "0", "-1", "1e999", "nan", "inf", "9" * 400, "..", "../x", "/etc/passwd", "a/../../b", "\\", "\0", "\x1b[2J",
    "é", "\ud800", "👩‍🦰", " ", "\r\n", '"', ",", "'", "true", "null", "x" * 5000, "CON", "happy", "neutral", "٣", "²",
    "1_0", "0x10", "train", "val", "\ufeff", "%s", "{expression}", "..\\..", "Infinity",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 3,
    2**31, 2**63, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", "x", [], {},
    [[]],
    {"": None}, [None], [0, 0, 0], "..", [1e308] * 3, ["a", "a"], {"a": {"b": {"c": []}}},
)  # fmt: skip


def mutated(data: bytes, kind: str, lots: random.Random) -> bytes:
    """`data` changed in one to four places as its kind allows, else anywhere."""
    change = {"picture": _picture, "json": _json, "text": _text, "safetensors": _safetensors, "parts": _parts}[kind]
    for _ in range(lots.randint(1, 4)):
        try:
            data = change(data, lots)
        except (
            ValueError,
            IndexError,
            struct.error,
            UnicodeError,
            RecursionError,
            OverflowError,
            TypeError,
            AttributeError,
            KeyError,
        ):
            data = _bytes(data, lots)
    return data


def _bytes(data: bytes, lots: random.Random) -> bytes:
    """Somewhere: a number of 1, 2 or 4 bytes, a cut, a copy, a run of one byte."""
    if not data:
        return lots.randbytes(8)
    at = lots.randrange(len(data))
    what = lots.randrange(5)
    if what == 0:
        size = lots.choice((1, 2, 4))
        number = (lots.choice(NUMBERS) % 256**size).to_bytes(size, lots.choice(("big", "little")))
        return data[:at] + number + data[at + size :]
    end = min(len(data), at + 1 + int(lots.expovariate(1 / 40)))
    if what == 1:
        return data[:at] + data[end:]
    if what == 2:
        to = lots.randrange(len(data))
        return data[:to] + data[at:end] + data[to:]
    if what == 3:
        return data[:at] + bytes([lots.randrange(256)]) * (end - at) + data[end:]
    return data[:at]


def _picture(data: bytes, lots: random.Random) -> bytes:
    if data.startswith(b"\x89PNG"):
        return _png(data, lots)
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data, lots)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _riff(data, lots)
    film = films.kind(data)
    return _bytes(data, lots) if film is None else films.mutated(data, film, lots, _bytes)


def _png(data: bytes, lots: random.Random) -> bytes:
    chunks, at = [], 8
    while at + 12 <= len(data) and len(chunks) < 200:
        (size,) = struct.unpack(">I", data[at : at + 4])
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + size]])
        at += 12 + size
    _pieces(
        chunks,
        lots,
        (b"IHDR", b"iTXt", b"zTXt", b"tEXt", b"iCCP", b"eXIf", b"tRNS", b"pHYs", b"acTL", b"fcTL", b"PLTE"),
    )
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return data[:8] + body


def _jpeg(data: bytes, lots: random.Random) -> bytes:
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        (size,) = struct.unpack(">H", data[at + 2 : at + 4])
        parts.append([data[at : at + 2], data[at + 4 : at + 2 + size]])
        at += 2 + size
    _pieces(
        parts,
        lots,
        (b"\xff\xe0", b"\xff\xe1", b"\xff\xe2", b"\xff\xed", b"\xff\xee", b"\xff\xc0", b"\xff\xc2", b"\xff\xdb"),
    )
    body = b"".join(n + struct.pack(">H", min(65535, len(d) + 2)) + d[:65533] for n, d in parts)
    return data[:2] + body + data[at:]


def _riff(data: bytes, lots: random.Random) -> bytes:
    chunks, at = [], 12
    while at + 8 <= len(data):
        (size,) = struct.unpack("<I", data[at + 4 : at + 8])
        chunks.append([data[at : at + 4], data[at + 8 : at + 8 + size]])
        at += 8 + size + size % 2
    _pieces(chunks, lots, (b"VP8 ", b"VP8L", b"VP8X", b"EXIF", b"XMP ", b"ICCP", b"ALPH", b"ANIM", b"ANMF"))
    body = b"".join(n + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for n, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _pieces(pieces: list, lots: random.Random, names: tuple[bytes, ...]) -> None:
    """Change one piece's content or name, drop it, double it, or move it."""
    place = lots.randrange(len(pieces))
    what = lots.randrange(8)
    if what == 0:
        pieces.insert(lots.randrange(len(pieces) + 1), list(pieces[place]))
    elif what == 1:
        del pieces[place]
    elif what == 2:
        pieces[place][0] = lots.choice(names)
    elif what == 3:
        pieces.insert(lots.randrange(len(pieces)), pieces.pop(place))
    else:
        pieces[place][1] = _bytes(pieces[place][1], lots)


def _json(data: bytes, lots: random.Random) -> bytes:
    told = json.loads(data)
    return json.dumps(_value(told, lots)).encode()


def _value(told, lots: random.Random):
    """One place of the tree, drawn on the way down."""
    if isinstance(told, dict) and told and lots.random() < 0.85:
        key = lots.choice(list(told))
        if lots.random() < 0.1:
            return {name: value for name, value in told.items() if name != key}
        return told | {key: _value(told[key], lots)}
    if isinstance(told, list) and told and lots.random() < 0.7:
        place = lots.randrange(len(told))
        return [*told[:place], _value(told[place], lots), *told[place + 1 :]]
    return lots.choice(VALUES) if lots.random() < 0.7 else lots.choice(WORDS)


def _text(data: bytes, lots: random.Random) -> bytes:
    """One token for another, or a line lost, doubled or moved; sometimes bytes."""
    text = data.decode("utf-8", "surrogateescape")
    what = lots.randrange(5)
    if what < 3:
        tokens = re.split(r"(\s+|[,;:=\[\]{}<>\"'/.])", text)
        place = lots.randrange(len(tokens))
        tokens[place] = lots.choice(WORDS) if lots.random() < 0.7 else lots.choice(tokens)
        return "".join(tokens).encode("utf-8", "surrogatepass" if lots.random() < 0.5 else "replace")
    lines = text.splitlines(keepends=True)
    if what == 3 and lines:
        line = lots.randrange(len(lines))
        lines[line : line + 1] = lots.choice(([], [lines[line]] * 2, [lots.choice(lines)]))
        return "".join(lines).encode("utf-8", "surrogateescape")
    return _bytes(data, lots)


def _safetensors(data: bytes, lots: random.Random) -> bytes:
    """The header as JSON, its length told anew; its metadata's state is JSON again."""
    (size,) = struct.unpack("<Q", data[:8])
    head, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    state = head.get("__metadata__", {}).get("state")
    if state and lots.random() < 0.5:
        head["__metadata__"]["state"] = json.dumps(_value(json.loads(state), lots))
    else:
        head = _value(head, lots)
    packed = json.dumps(head).encode()
    return struct.pack("<Q", len(packed)) + packed + body


def _parts(data: bytes, lots: random.Random) -> bytes:
    """Several files in one, between lines of `SEAM`: change one of them."""
    parts = data.split(SEAM)
    place = lots.randrange(len(parts))
    kind = _json if parts[place].lstrip()[:1] in (b"{", b"[") else _text
    parts[place] = kind(parts[place], lots)
    return SEAM.join(parts)


SEAM = b"\n=== 8< ===\n"
