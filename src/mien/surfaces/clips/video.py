"""`mien video`: a clip with another expression; sound, times and rotation stay. Frame after frame, in threads."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mien import provenance
from mien.credentials import Credentials
from mien.editor import Editor
from mien.errors import MienError
from mien.face import Choice
from mien.formats import whole
from mien.surfaces.clips.colour import frame_of, rgb_of
from mien.surfaces.clips.kept import kept, left_out
from mien.surfaces.clips.keyframes import Track
from mien.surfaces.clips.reading import About, about, decoded, opened, threads_for
from mien.surfaces.clips.sequence import seal
from mien.surfaces.clips.take import Plan, Take
from mien.surfaces.clips.turning import Turn
from mien.surfaces.clips.writing import Movie, check_movie

_OWN = ("major_brand", "minor_version", "compatible_brands", "encoder")
"""What a container says of its own making; all else is copied."""


@dataclass(frozen=True)
class Done:
    """What was written. frames: all, and those with an edit; faces: how many came, and how many were meant; left: what
    of the video was not kept, in words."""

    path: Path
    frames: int
    edited: int
    faces: int
    chosen: int
    step: dict[str, Any]
    left: tuple[str, ...] = ()


def video(
    source: str | Path,
    output: str | Path,
    track: Track,
    editor: Editor | None = None,
    face: Choice = "largest",
    sound: bool = True,
    provenance: bool = True,
    credentials: Credentials | None = None,
    tell: Callable[[int, int | None], None] | None = None,
) -> Done:
    """Edit the faces of a video along a track; times count from its first frame.

    Frames are held a few at a time, however long the video is. tell: is told how many frames are done, of about how
    many. A `MienError` says what is wrong; the output appears only once it is complete.
    """
    source, output = Path(source), Path(output)
    check_movie(output, source)
    said = about(source)
    editor = editor or Editor()
    take = Take(editor, track, face)
    with whole(output) as part:
        try:
            frames, edited, left = _edit(source, part, _form(output), said, take, sound, tell)
        finally:
            del said
            gc.collect()  # a frame of PyAV whose side data was looked at refers to itself
        wrong = take.missed(str(source))
        if wrong is not None:
            raise wrong
        step = _step(editor, source, track, face, frames, edited)
        if provenance:
            seal(part, _form(output), _packet(source, step), step, credentials, source)
    return Done(output, frames, edited, len(take.met), len(take.chosen), step, left)


def _edit(
    source: Path,
    part: Path,
    form: str,
    said: About,
    take: Take,
    sound: bool,
    tell: Callable[[int, int | None], None] | None,
) -> tuple[int, int, tuple[str, ...]]:
    """(frames written, frames edited, what was left out)."""
    count = edited = 0
    start: float | None = None
    turned, workers = said.turned, threads_for(said.first.width * said.first.height)
    waiting: deque[Future[tuple[Any, bool]]] = deque()
    with opened(source) as container, ThreadPoolExecutor(workers) as pool:
        stream = container.streams.video[0]
        tracks, left = kept(container, sound), left_out(container, said.first, sound)
        # a first frame tells what the encoder is to expect
        first = rgb_of(said.first, turned)
        like = frame_of(first, first, said.first, turned)
        like.color_primaries, like.color_trc = said.first.color_primaries, said.first.color_trc
        metadata = {key: value for key, value in container.metadata.items() if key not in _OWN}
        rate = Fraction(stream.average_rate) if stream.average_rate else None
        size = (said.first.width, said.first.height, said.first.format.name)
        with Movie(
            part, form, like, said.time_base, rate, said.matrix, tracks, metadata, stream.sample_aspect_ratio
        ) as movie:
            if not movie.chapters(container.chapters()):
                left = (*left, "damaged chapters")

            def write() -> None:
                nonlocal count, edited
                made, changed = waiting.popleft().result()
                movie.frame(made)
                count, edited = count + 1, edited + changed
                if tell is not None:
                    tell(count, said.frames)

            for frame, packet in decoded(container, [stream, *tracks]):
                if packet is not None:
                    movie.packet(packet)
                    continue
                if (frame.width, frame.height, frame.format.name) != size:
                    raise MienError(f"{source}: its frames change their size or kind midway; convert it first")
                start = frame.time if start is None else start
                pixels = rgb_of(frame, turned)
                plan = take.plan(_eight_bit(pixels), frame.time - start)
                waiting.append(pool.submit(_carry_out, plan, pixels, frame, turned))
                if len(waiting) > workers:
                    write()
            while waiting:
                write()
            movie.finish()
    return count, edited, left


def _carry_out(plan: Plan, pixels: np.ndarray, frame: Any, turned: Turn) -> tuple[Any, bool]:
    edited = plan.carry_out(pixels)
    made = frame_of(edited, pixels, frame, turned)
    made.pts, made.time_base = frame.pts, frame.time_base
    return made, bool(plan.edits)


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def _form(output: Path) -> str:
    return "mov" if output.suffix.lower() == ".mov" else "mp4"


def _packet(source: Path, step: dict[str, Any]) -> bytes:
    """The source's own XMP, if it can have one, with the step."""
    try:
        own = provenance.packet_of(source)
    except MienError:
        own = b""
    return provenance.packet_with(own, step)


def _step(editor: Editor, source: Path, track: Track, face: Choice, frames: int, edited: int) -> dict[str, Any]:
    what = {"made": "video", "keyframes": str(track), "strength": track.strength, "face": str(face)}
    counts = {"frames": frames, "frames_edited": edited}
    return provenance.step(editor.generator, provenance.file_origin(source), (), edited > 0, **what, **counts)
