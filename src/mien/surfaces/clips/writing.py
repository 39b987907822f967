"""Frames -> MP4 or MOV: H.264, or H.265 where there are more than 8 bits a channel."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from mien.errors import MienError
from mien.formats import check_place
from mien.surfaces.clips.colour import DEEP, PLAIN
from mien.surfaces.clips.kept import add_chapters
from mien.xmp_files import MOVIES

QUALITY = {
    "libx264": {"crf": "17", "preset": "faster"},
    "libx265": {"crf": "18", "preset": "fast", "x265-params": "log-level=none"},
}
"""Options of the encoders: hardly to be told from the original."""

_NARROW = 64  # px: below, x265 4.2 writes beyond the end of its memory where it weighs blocks by what follows (cutree)
_LARGE = 1920 * 1088  # px of a frame: above, memory counts more than the last byte of the file

_AT_ONCE = 2
"""Frames: for so few, x265 4.2 gives decoding times that nobody has set. They are decoded as they are shown."""


def check_movie(path: Path, source: Path | None = None) -> None:
    """Refuse with a `MienError`, before any work, a movie that could not be written, or would overwrite its source."""
    if path.suffix.lower() not in MOVIES:
        raise MienError(f"cannot write {path}: a video is written as {', '.join(MOVIES)}")
    check_place(path)
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise MienError(f"{path} is the video itself; choose another output, it is never overwritten")


class Movie:
    """A movie being written. Use it in a `with`, or call `close`.

    like: a frame (of PyAV) that has the size, depth and colours of those to come. matrix: how players turn them.
    copied: streams (of PyAV) whose packets are copied. Nothing is written before the first frame or packet.
    """

    def __init__(
        self,
        path: Path,
        form: str,
        like: Any,
        time_base: Fraction,
        rate: Fraction | None = None,
        matrix: Sequence[int] | None = None,
        copied: Sequence[Any] = (),
        metadata: dict[str, str] | None = None,
        aspect: Fraction | None = None,
    ) -> None:
        _check(copied, form)
        deep = like.format.name == DEEP
        name = "libx265" if deep else "libx264"
        self._container = av.open(str(path), "w", format=form, options={"movflags": "+faststart"})
        self._container.metadata.update(metadata or {})
        try:
            stream = self._container.add_stream(name, rate=rate or 25, options=_options(name, like.width, like.height))
        except (av.error.FFmpegError, ValueError):
            raise MienError(
                f"this PyAV has no encoder {name}; install the one of PyPI: pip install 'mien[video]'"
            ) from None
        stream.width, stream.height, stream.pix_fmt = like.width, like.height, DEEP if deep else PLAIN
        context = stream.codec_context
        context.time_base = time_base
        context.color_range, context.colorspace = like.color_range, like.colorspace
        context.color_primaries, context.color_trc = like.color_primaries, like.color_trc
        if deep:
            context.codec_tag = "hvc1"
        if aspect:
            context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)
        self._stream, self._deep, self._count = stream, deep, 0
        self._begun = False
        self._streams = {}
        for one in copied:
            self._streams[one.index] = made = self._container.add_stream_from_template(one)
            made.metadata.update(one.metadata)  # its language

    def chapters(self, chapters: Sequence[dict[str, Any]]) -> bool:
        """Mark chapters (as PyAV has them), before anything is written; False if they are damaged."""
        return add_chapters(self._container, chapters)

    def _begin(self) -> None:
        """Write the head of the file."""
        if self._begun:
            return
        self._begun = True
        try:
            self._container.start_encoding()
        except av.error.FFmpegError:
            raise MienError("cannot begin a video of this kind") from None

    def frame(self, frame: Any) -> None:
        """Write a frame; its pts and time base are kept."""
        self._begin()
        self._count += 1
        with self._told():
            self._container.mux(self._stream.encode(frame))

    def packet(self, packet: Any) -> None:
        """Copy a packet of sound or subtitles."""
        self._begin()
        packet.stream = self._streams[packet.stream.index]
        with self._told():
            self._container.mux(packet)

    def finish(self) -> None:
        """Write what is still in the encoder, and the end of the file."""
        with self._told():
            packets = self._stream.encode(None)
            if self._deep and self._count <= _AT_ONCE:
                for packet in packets:
                    packet.dts = packet.pts
            self._container.mux(packets)
            self._container.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong in FFmpeg is one line."""
        try:
            yield
        except av.error.FFmpegError as error:
            raise MienError(f"these frames or their sound cannot be written as a video ({error.strerror})") from None

    def __enter__(self) -> Movie:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()


def _options(name: str, width: int, height: int) -> dict[str, str]:
    options, more = dict(QUALITY[name]), ""
    if width < _NARROW:
        more = ":cutree=0"
    if width * height > _LARGE:  # an encoder holds the frames that it looks ahead at, and some for each thread
        share = _LARGE / (width * height)
        options |= {"rc-lookahead": str(max(4, int(30 * share))), "threads": "4"}
        more = f":rc-lookahead={max(5, int(15 * share))}:frame-threads=1"
    if name == "libx265":
        return QUALITY[name] | {"x265-params": QUALITY[name]["x265-params"] + more}
    return options


def _check(copied: Sequence[Any], form: str) -> None:
    """Refuse streams that cannot be copied. A trial in memory: PyAV leaves a file open whose header it cannot write."""
    for one in copied:
        trial = av.open(io.BytesIO(), "w", format=form)
        try:
            trial.add_stream_from_template(one)
            trial.start_encoding()
        except (av.error.FFmpegError, ValueError):
            raise _unfit(one, form) from None


def _unfit(stream: Any, form: str) -> MienError:
    name = stream.codec_context.name if stream.codec_context is not None else "unknown"
    other = ".mov" if form == "mp4" else ".mp4"
    what = "subtitles" if stream.type == "subtitle" else "sound"
    return MienError(f"the {what} ({name}) cannot be copied into this kind of file; try a {other}, or --no-sound")
