"""What goes along with the pictures of a video, and what cannot: sound, subtitles, chapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TEXT = "mov_text"
"""The subtitles that MP4 and MOV hold: 3GPP timed text."""


def kept(container: Any, sound: bool = True) -> list[Any]:
    """The streams of an open container whose packets are copied: sound, if wanted, and subtitles that fit."""
    streams = [one for one in container.streams.audio if one.codec_context is not None] if sound else []
    return [*streams, *(one for one in container.streams.subtitles if _kind(one) == TEXT)]


def left_out(container: Any, first: Any, sound: bool = True) -> tuple[str, ...]:
    """What of an open container is not copied, in words. first: a frame (of PyAV) of its pictures."""
    out = []
    others = sorted({_kind(one) for one in container.streams.subtitles if _kind(one) != TEXT})
    if others:
        out.append(f"subtitles ({', '.join(others)}: only {TEXT} can be copied)")
    pictures = len(container.streams.video) - 1
    if pictures > 0:
        out.append("a further picture" if pictures == 1 else f"{pictures} further pictures")
    if sound and any(one.codec_context is None for one in container.streams.audio):
        out.append("sound of an unknown kind")
    if len(first.format.components) == 4 and not first.format.name.startswith("cmyk"):
        out.append("transparency")
    return tuple(out)


def add_chapters(container: Any, chapters: Sequence[dict[str, Any]]) -> bool:
    """Give an output container the chapters of an input; False if they are damaged."""
    if not chapters:
        return True
    if any(one["start"] < 0 or one["end"] < one["start"] or one["time_base"] <= 0 for one in chapters):
        return False
    try:
        container.set_chapters(list(chapters))
    except (ValueError, OverflowError, TypeError, KeyError):
        return False
    return True


def _kind(stream: Any) -> str:
    return str(stream.codec_context.name) if stream.codec_context is not None else "unknown"
