"""Pictures one after the other -> MP4, MOV, animated WebP or GIF, streamed; and what a finished clip says of itself."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from PIL import Image

from mien.credentials import Credentials
from mien.formats import temporary
from mien.provenance import source_type_of
from mien.surfaces.clips.writing import Movie
from mien.xmp_files import add_to_movie, with_gif_packet, with_webp_packet


class Sequence(Protocol):
    """A clip being written, to be used in a `with`."""

    def add(self, pixels: np.ndarray) -> None:
        """The next picture, (H, W, 3) uint8 RGB."""

    def finish(self) -> None:
        """The end of the file."""

    def __enter__(self) -> Sequence: ...

    def __exit__(self, *_: object) -> None: ...


def sequence(path: Path, form: str, size: tuple[int, int], fps: float, like: np.ndarray) -> Sequence:
    """A clip of `form` (mp4, mov, WEBP, GIF) and (width, height) px; like: a picture with the colours to come."""
    if form == "WEBP":
        return _WebP(path, size, fps)
    if form == "GIF":
        return _Gif(path, size, fps, like)
    return _Movie(path, form, size, fps)


def seal(
    part: Path, form: str, packet: bytes, step: dict[str, Any], credentials: Credentials | None, parent: Path | None
) -> None:
    """Write an XMP packet into a finished clip, and sign it where there are credentials."""
    if form == "WEBP":
        part.write_bytes(with_webp_packet(part.read_bytes(), packet))
    elif form == "GIF":
        part.write_bytes(with_gif_packet(part.read_bytes(), packet))
    else:
        add_to_movie(part, packet)
    if credentials is None:
        return
    signed = temporary(part)
    try:
        credentials.sign_file(part, signed, form, step, source_type_of(packet), parent)
        signed.replace(part)
    finally:
        signed.unlink(missing_ok=True)


class _Clip:
    """Pictures through one encoder of PyAV."""

    def __init__(
        self, path: Path, muxer: str, codec: str, pix_fmt: str, size: tuple[int, int], ticks: int, **options: str
    ) -> None:
        self._container = av.open(str(path), "w", format=muxer, options={"loop": "0"})
        self._stream: Any = self._container.add_stream(codec, rate=25, options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = pix_fmt
        self._base = Fraction(1, ticks)
        self._stream.codec_context.time_base = self._base

    def encode(self, frame: Any, pts: int) -> None:
        frame.pts, frame.time_base = pts, self._base
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def __exit__(self, *_: object) -> None:
        self._container.close()


class _WebP(_Clip):
    """Repeated without end; times in ms."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        super().__init__(path, "webp", "libwebp_anim", "bgra", size, 1000, quality="90", compression_level="2")
        self._fps, self._count = fps, 0

    def __enter__(self) -> _WebP:
        return self

    def add(self, pixels: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgra")
        self.encode(frame, round(self._count * 1000 / self._fps))
        self._count += 1


class _Gif(_Clip):
    """Repeated without end; times in hundredths of a second. One palette for all pictures and a fixed pattern of dots:
    what stands still in the photo stands still in the GIF."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float, like: np.ndarray) -> None:
        super().__init__(path, "gif", "gif", "pal8", size, 100)
        self._fps, self._count = fps, 0
        # beside the photo's colours those that an opening mouth and eyes may need
        side = max(2, round(np.sqrt(like.shape[0] * like.shape[1]) / 12))
        more = np.array([(60, 20, 20), (110, 40, 45), (235, 225, 210), (200, 185, 170), (250, 250, 250), (15, 10, 10)])
        patch = np.repeat(np.repeat(more[None], side, axis=0), side, axis=1).astype(np.uint8)
        width = max(like.shape[1], patch.shape[1])
        sheet = np.zeros((like.shape[0] + side, width, 3), np.uint8)
        sheet[: like.shape[0], : like.shape[1]], sheet[like.shape[0] :, : patch.shape[1]] = like, patch
        self._palette = Image.fromarray(sheet).quantize(255, Image.Quantize.MAXCOVERAGE, kmeans=4)
        colours = np.array(self._palette.getpalette("RGB"), np.uint8).reshape(-1, 3)
        self._argb = np.full((256, 4), 255, np.uint8)
        self._argb[: len(colours), 1:] = colours
        bayer = np.array([[0]])
        for _ in range(3):  # Bayer 1973: 8x8
            bayer = np.block([[4 * bayer, 4 * bayer + 2], [4 * bayer + 3, 4 * bayer + 1]])
        tiles = [-(-n // 8) for n in like.shape[:2]]
        self._dots = (np.tile((bayer + 0.5) / 64 - 0.5, tiles)[: like.shape[0], : like.shape[1], None] * 6).astype(
            np.float32
        )

    def __enter__(self) -> _Gif:
        return self

    def add(self, pixels: np.ndarray) -> None:
        dotted = np.rint(np.clip(pixels + self._dots, 0, 255)).astype(np.uint8)
        indices = np.asarray(Image.fromarray(dotted).quantize(palette=self._palette, dither=Image.Dither.NONE))
        self.encode(
            av.VideoFrame.from_ndarray((indices, self._argb), format="pal8"), round(self._count * 100 / self._fps)
        )
        self._count += 1


class _Movie:
    def __init__(self, path: Path, form: str, size: tuple[int, int], fps: float) -> None:
        self._base, self._count = 1 / Fraction(fps).limit_denominator(1001), 0
        like = av.VideoFrame(*size, "yuv420p")
        like.colorspace, like.color_range = 1, 1
        like.color_primaries, like.color_trc = 1, 13  # BT.709's primaries, sRGB's curve
        self._movie = Movie(path, form, like, self._base, 1 / self._base)

    def __enter__(self) -> _Movie:
        return self

    def __exit__(self, *_: object) -> None:
        self._movie.__exit__()

    def add(self, pixels: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=1, src_color_range="JPEG", dst_color_range="MPEG"
        )
        frame.colorspace, frame.color_range = 1, 1
        frame.pts, frame.time_base = self._count, self._base
        self._movie.frame(frame)
        self._count += 1

    def finish(self) -> None:
        self._movie.finish()
