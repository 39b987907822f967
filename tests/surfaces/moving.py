"""Clips of the bundled face of nobody: moved, zoomed, turned, faded, with sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from support import SAMPLE

TICKS = 12_800  # of a second


@lru_cache(maxsize=4)
def sample(side: int) -> np.ndarray:
    """The sample, (side, side, 3) uint8 RGB."""
    pixels = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB)
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)


def frame(
    dx: float = 0, dy: float = 0, zoom: float = 1, degrees: float = 0, size: tuple[int, int] = (320, 320),
    noise: float = 0, seed: int = 0, show: float = 1.0,
) -> np.ndarray:  # fmt: skip
    """(H, W, 3) uint8 of `size` (width, height): the sample in the middle, then moved. show: 1 the face, 0 grey."""
    width, height = size
    face = sample(height)
    middle = (height - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, zoom)
    matrix[:, 2] += dx + (width - height) / 2, dy
    out = cv2.warpAffine(face, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if show < 1:
        out = np.rint(out * show + 128 * (1 - show)).astype(np.uint8)
    if noise:
        out = np.clip(out + np.random.default_rng(seed).normal(0, noise, out.shape), 0, 255).round().astype(np.uint8)
    return out


def write_clip(
    path: Path,
    frames: Iterable[np.ndarray],
    pts: Sequence[int] | None = None,
    sound: bool = False,
    rotation: int | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    color_range: int = 1,
) -> Path:
    """Frames as a clip, 25 a second or at `pts` in 12800ths of a second, with a tone."""
    import av

    with av.open(str(path), "w") as container:
        options = {"crf": "10", "preset": "ultrafast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=25, options=options)
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.color_range = color_range
        audio = container.add_stream("aac", rate=48_000) if sound else None
        if rotation is not None:
            stream.set_display_rotation(rotation)
        stream.pix_fmt = pix_fmt
        last = 0
        for i, pixels in enumerate(frames):
            if i == 0:
                stream.height, stream.width = pixels.shape[:2]
            one = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            target = "JPEG" if color_range == 2 else "MPEG"
            one = one.reformat(format=pix_fmt, dst_colorspace=5, src_color_range="JPEG", dst_color_range=target)
            one.color_range = color_range
            last = one.pts = i * TICKS // 25 if pts is None else pts[i]
            one.time_base = Fraction(1, TICKS)
            container.mux(stream.encode(one))
        container.mux(stream.encode(None))
        if audio is not None:
            count = int((last / TICKS + 0.04) * 48_000)
            tone = np.sin(2 * np.pi * 440 * np.arange(count) / 48_000).astype(np.float32)[None] * 0.3
            heard = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 48_000, 0, Fraction(1, 48_000)
            container.mux(audio.encode(heard))
            container.mux(audio.encode(None))
    return path


def packets(path: Path, kind: str) -> list[tuple[int, bytes]]:
    """(pts in its own time base, bytes) of all packets of the first stream of a kind, "video" or "audio"."""
    import av

    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [(one.pts, bytes(one)) for one in container.demux(stream) if one.size]


def times(path: Path) -> list[Fraction]:
    """Seconds of the frames, from the first on."""
    import av

    with av.open(str(path)) as container:
        found = [one.pts * one.time_base for one in container.decode(video=0)]
    return [one - found[0] for one in found]


def decoded(path: Path) -> list[np.ndarray]:
    """The stored frames, (H, W, 3) uint8 RGB."""
    import av

    with av.open(str(path)) as container:
        return [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
