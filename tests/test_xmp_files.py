"""XMP in MP4, MOV, GIF and WebP files; and files that are none."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mien import xmp, xmp_files
from mien.provenance import RECORD, inspect

PACKET = xmp.put(b"", {RECORD: '{"edits": [{"edited": true}]}'})


def gif(frames: int = 1) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (frames, 8, 8)).astype(np.uint8)
    images, buffer = [Image.fromarray(one) for one in pixels], io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:])
    return buffer.getvalue()


def box(kind: bytes, content: bytes, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


FTYP = box(b"ftyp", b"isom\0\0\2\0isommp41")


@pytest.mark.parametrize("frames", [1, 3])
def test_a_gif(tmp_path, frames):
    path = tmp_path / "a.gif"
    path.write_bytes(xmp_files.with_gif_packet(gif(frames), PACKET))
    assert inspect(path).edits == [{"edited": True}]
    with Image.open(path) as image, Image.open(io.BytesIO(gif(frames))) as before:
        assert image.n_frames == before.n_frames and np.array_equal(np.asarray(image), np.asarray(before))
    path.write_bytes(gif())
    assert inspect(path).edits == []


@pytest.mark.parametrize("wide", [False, True])
def test_a_movie(tmp_path, wide):
    path = tmp_path / "a.mp4"
    path.write_bytes(FTYP + box(b"mdat", bytes(100), wide) + box(b"moov", box(b"udta", box(b"name", b"x"))))
    assert inspect(path).edits == []
    xmp_files.add_to_movie(path, PACKET)
    assert inspect(path).edits == [{"edited": True}]
    other = xmp.put(b"", {RECORD: '{"edits": []}'})
    xmp_files.add_to_movie(path, other)
    assert inspect(path).edits == []  # the last one counts
    path.write_bytes(FTYP + box(b"moov", box(b"udta", box(b"XMP_", PACKET))))
    assert inspect(path).edits == [{"edited": True}]


@given(st.binary(max_size=200), st.sampled_from([FTYP, FTYP[:6], gif()[:20], b"GIF89a"]), st.integers(0, 60))
def test_files_of_strangers(noise, head, cut):
    for data in (
        head + noise,
        head + box(b"uuid", xmp_files.UUID + noise)[:cut],
        head + struct.pack(">I4sQ", 1, b"moov", 2**63),
    ):
        file = io.BytesIO(data)
        assert isinstance(xmp_files.movie_packet(file), bytes) and isinstance(xmp_files.gif_packet(file), bytes)
