"""Frames of a video <-> RGB: what no edit touches keeps the very values that were decoded."""

from __future__ import annotations

import av
import numpy as np

from mien.surfaces.clips.turning import Turn

PLAIN, DEEP = "yuv420p", "yuv420p10le"
"""The formats that are written: 8 bits a channel, or 10 where the video has more than 8."""

_HD = 720  # lines from which on a video that names no matrix is taken for BT.709
_BT709, _BT601 = 1, 5
_UNKNOWN = (0, 2, 3)  # numbers of AVColorSpace that name no matrix (0 is RGB)


def is_deep(frame: av.VideoFrame) -> bool:
    """Whether a frame has more than 8 bits a channel."""
    return max(component.bits for component in frame.format.components) > 8


def rgb_of(frame: av.VideoFrame, turned: Turn) -> np.ndarray:
    """(H, W, 3) RGB, upright: uint8, or uint16 where the frame has more than 8 bits a channel."""
    form = "rgb48le" if is_deep(frame) else "rgb24"
    pixels = frame.reformat(format=form, src_colorspace=_matrix(frame), dst_color_range="JPEG").to_ndarray()
    return np.ascontiguousarray(turned.upright(pixels))


def frame_of(edited: np.ndarray, before: np.ndarray, frame: av.VideoFrame, turned: Turn) -> av.VideoFrame:
    """An edited picture as a frame to encode, its sides even.

    edited, before: (H, W, 3) upright, as `rgb_of` gives. Where they are equal the frame's own values stay.
    """
    form = DEEP if is_deep(frame) else PLAIN
    width, height = frame.width & ~1, frame.height & ~1
    same = frame.format.name.replace("yuvj", "yuv") == form
    differs = edited != before
    changed = turned.stored(differs[..., 0] | differs[..., 1] | differs[..., 2])[:height, :width]
    if not same or changed.any():
        pixels = np.ascontiguousarray(turned.stored(edited)[:height, :width])
        source = av.VideoFrame.from_ndarray(pixels, format="rgb48le" if form == DEEP else "rgb24")
        made = source.reformat(
            format=form, dst_colorspace=_matrix(frame), src_color_range="JPEG", dst_color_range=_range(frame)
        )
    else:
        made = av.VideoFrame(width, height, form)
    if same:
        rows = changed[::2] | changed[1::2]
        blocks = rows[:, ::2] | rows[:, 1::2]
        for index, mask in enumerate((changed, blocks, blocks)):
            new, old = (_plane(one, index, mask.shape) for one in (made, frame))
            np.copyto(new, old, where=~mask)
    made.colorspace, made.color_range = frame.colorspace, _range(frame)
    return made


def _plane(frame: av.VideoFrame, index: int, shape: tuple[int, ...]) -> np.ndarray:
    """(h, w) of a plane, the frame's own memory."""
    plane = frame.planes[index]
    kind = np.dtype("<u2") if frame.format.name == DEEP else np.dtype(np.uint8)
    values = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return values[: shape[0], : shape[1]]


def _matrix(frame: av.VideoFrame) -> int:
    if frame.colorspace in _UNKNOWN:
        return _BT709 if min(frame.width, frame.height) >= _HD else _BT601
    return frame.colorspace


def _range(frame: av.VideoFrame) -> int:
    """1: limited (which those that do not say have), 2: full."""
    return 2 if frame.color_range == 2 or frame.format.name.startswith("yuvj") else 1
