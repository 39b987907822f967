"""Video files -> frames in order, with their times; the packets of their sound on the way. PyAV (FFmpeg)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mien.errors import MienError
from mien.surfaces.clips.colour import is_deep
from mien.surfaces.clips.turning import Turn, turn
from mien.synthesis.session import threads_here

FORMATS = "mov,matroska,avi,mpegts,gif"
"""The kinds of file that are read; others may name further files, or addresses."""

MAX_FRAME = 8192 * 4608
"""Pixels of a frame: a video that declares more is refused before anything is decoded."""

MAX_DEEP = 4096 * 2304
"""The same of frames of more than 8 bits a channel: an encoder of H.265 holds dozens of them."""

WIDTH_MIN = 16  # px, of either side: x264 takes no less


@dataclass(frozen=True)
class About:
    """What a video says of itself. frames: about how many, or None. matrix: how its frames are turned to be shown."""

    frames: int | None
    time_base: Fraction
    matrix: tuple[int, ...] | None
    first: Any  # av.VideoFrame, the first

    @property
    def turned(self) -> Turn:
        """How stored frames become upright ones."""
        return turn(self.matrix)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An `av` container of a video file, nothing decoded yet; whatever goes wrong with it is a `MienError`."""
    if path.is_dir():
        raise MienError(f"{path} is a folder, not a video")
    if not path.is_file():
        raise MienError(f"{path} does not exist")
    # max_pixels: of decoders, here those that find out what the streams are
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file", "max_streams": "64"}
    pixels = {"max_pixels": str(MAX_FRAME)}
    try:
        container = av.open(str(path.resolve()), options=pixels, container_options=options, metadata_errors="replace")
    except av.error.FFmpegError:
        raise MienError(f"{path} is not a video that can be read (MP4, MOV, MKV, WebM, AVI, TS)") from None
    with container:
        if not container.streams.video:
            raise MienError(f"{path} has no picture, only sound")
        stream = container.streams.video[0]
        context = stream.codec_context
        if context is None:
            raise MienError(f"{path} is of a kind of video that cannot be decoded here")
        if context.width * context.height > MAX_FRAME:
            raise MienError(f"{path} has frames of more than {MAX_FRAME // 1_000_000} million pixels; shrink it first")
        stream.thread_type = "AUTO"
        context.thread_count = threads_for(context.width * context.height)
        context.options = pixels  # a stream may change its size midway
        try:
            yield container
        except av.error.FFmpegError as error:
            raise MienError(f"{path} is damaged, or of a kind that cannot be worked on ({error.strerror})") from None


def threads_for(pixels: int) -> int:
    """Threads for frames of so many pixels: each holds some of them."""
    return threads_here() if pixels <= MAX_DEEP else min(2, threads_here())


def about(path: Path) -> About:
    """Look at the first frame of a video."""
    with opened(path) as container:
        stream = container.streams.video[0]
        first = next((frame for frame, _ in decoded(container, [stream]) if frame is not None), None)
        if first is None:
            raise MienError(f"{path} has no frame that can be decoded")
        if is_deep(first) and first.width * first.height > MAX_DEEP:
            most = f"{MAX_DEEP // 1_000_000} million pixels"
            raise MienError(f"{path} has frames of more than 8 bits and {most}; shrink it or convert it to 8 bits")
        if min(first.width, first.height) < WIDTH_MIN:
            raise MienError(f"{path} has frames of {first.width}x{first.height} pixels: nothing can be seen there")
        frames = stream.frames
        if not frames and container.duration and stream.average_rate:
            frames = round(container.duration / av.time_base * stream.average_rate)
        return About(frames or None, stream.time_base, _matrix(first), first)


def decoded(container: Any, streams: list[Any]) -> Iterator[tuple[Any, Any]]:
    """(frame, None) of the video among the streams and (None, packet) of the others, in the order of the file.

    Frames have times that grow; damaged ones, and those that would go back in time, are left out.
    """
    last: int | None = None
    for packet in container.demux(streams):
        if packet.stream.type != "video":
            if packet.dts is not None:
                yield None, packet
            continue
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue  # damaged: the next ones may be sound
        for frame in frames:
            step = max(1, frame.duration or 1)
            pts = frame.pts if frame.pts is not None else 0 if last is None else last + step
            if last is not None and pts <= last:
                continue
            frame.pts, last = pts, pts
            if frame.time_base is None:
                frame.time_base = packet.stream.time_base
            yield frame, None


def _matrix(frame: Any) -> tuple[int, ...] | None:
    for one in frame.side_data:
        if one.type.name == "DISPLAYMATRIX" and len(bytes(one)) == 36:
            return tuple(int(v) for v in np.frombuffer(bytes(one), "<i4"))
    return None
