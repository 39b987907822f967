"""`mien animate`: a clip from one photo, its face going from keyframe to keyframe. MP4 and MOV, WebP, GIF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.credentials import Credentials
from mien.editor import Editor, Portrait
from mien.errors import MienError
from mien.face import Choice
from mien.formats import check_place, whole
from mien.picture import Picture, as_picture
from mien.provenance import origin, packet_with
from mien.surfaces.clips.keyframes import Track
from mien.surfaces.clips.sequence import seal, sequence
from mien.surfaces.clips.take import FEW

EXTENSIONS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webp": "WEBP", ".gif": "GIF"}

MAX_FRAMES = 20_000
"""A longer clip is a slip: 13 minutes at 25 frames a second."""

MAX_SIDE = 4096  # px: what H.264 players take


@dataclass(frozen=True)
class Animation:
    """What was written. size: (width, height) px."""

    path: Path
    frames: int
    size: tuple[int, int]
    step: dict[str, Any]


def check_animation(path: Path) -> str:
    """The format of a clip (a value of `EXTENSIONS`); a `MienError` if it could not be written."""
    form = EXTENSIONS.get(path.suffix.lower())
    if form is None:
        raise MienError(f"cannot write {path}: a clip is written as {', '.join(EXTENSIONS)}")
    check_place(path)
    return form


def animate(
    photo: str | Path | np.ndarray | Picture,
    output: str | Path,
    track: Track,
    editor: Editor | None = None,
    fps: float = 25.0,
    size: int | None = None,
    face: Choice = "largest",
    provenance: bool = True,
    credentials: Credentials | None = None,
    tell: Callable[[int, int | None], None] | None = None,
) -> Animation:
    """Write a clip from 0 s to the track's last keyframe, that frame included.

    fps: frames a second, 1 to 120 (a GIF's times are whole hundredths of a second). size: of the longer side in px at
    most; the photo's own by default. A clip has 8 bits a channel, no transparency and no colour profile. A `MienError`
    says what is wrong; the output appears only once it is complete.
    """
    output = Path(output)
    form = check_animation(output)
    if not 1 <= fps <= 120:
        raise MienError(f"frames a second must be within 1 to 120, not {fps:g}")
    count = round(track.end * fps) + 1
    if count < 2:
        raise MienError('a clip needs a keyframe after 0 s, as in "0:neutral 1.5:happy"')
    if count > MAX_FRAMES:
        raise MienError(f"{track.end:g} s at {fps:g} frames a second are more than {MAX_FRAMES} frames")
    source = as_picture(photo)
    if source.path is not None and output.exists() and output.samefile(source.path):
        raise MienError(f"{output} is the photo itself; choose another output, the photo is never overwritten")
    editor = editor or Editor()
    for expression in track.asked():
        editor.generator.check(expression)
    portrait = editor.open(_small(source, size, even=form in ("mp4", "mov")))
    portrait.choose(face)
    step = _step(portrait, source, track, face, fps, count)
    packet = packet_with(source.xmp, step) if provenance else b""
    height, width = portrait.picture.pixels.shape[:2]

    def frames() -> Iterator[np.ndarray]:
        for i in range(count):
            yield _frame(portrait, track, i / fps, face)
            if tell is not None:
                tell(i + 1, count)

    with whole(output) as part:
        with sequence(part, form, (width, height), fps, portrait.picture.rgb) as clip:
            for pixels in frames():
                clip.add(pixels)
            clip.finish()
        if provenance:
            seal(part, form, packet, step, credentials, source.path)
    return Animation(output, count, (width, height), step)


def _frame(portrait: Portrait, track: Track, time: float, face: Choice) -> np.ndarray:
    expression, amount = track.at(time)
    if amount < FEW:
        return portrait.picture.rgb
    # an expression's own amount is in `amount` already
    share = amount / expression.amount if expression.amount else 0.0
    return portrait.edit(expression, share, face).image


def _small(picture: Picture, size: int | None, even: bool) -> Picture:
    """8 bits, opaque (on white), at most `size` px a side, whole pairs of px a side if `even`."""
    pixels = picture.rgb
    if picture.alpha is not None:
        top = float(np.iinfo(picture.alpha.dtype).max)
        cover = (picture.alpha.astype(np.float32) / top)[..., None]
        pixels = np.rint(pixels * cover + 255 * (1 - cover)).astype(np.uint8)
    limit = min(size or MAX_SIDE, MAX_SIDE) if even else size
    height, width = pixels.shape[:2]
    factor = min(1.0, limit / max(height, width)) if limit else 1.0
    if factor < 1:
        new = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = cv2.resize(pixels, new, interpolation=cv2.INTER_AREA)
    if even:
        pixels = pixels[: pixels.shape[0] & ~1, : pixels.shape[1] & ~1]
    if min(pixels.shape[:2]) < 16:
        raise MienError("the clip would be less than 16 pixels wide or high")
    return Picture(np.ascontiguousarray(pixels), path=picture.path)


def _step(portrait: Portrait, source: Picture, track: Track, face: Choice, fps: float, count: int) -> dict[str, Any]:
    chosen = [portrait.faces[i] for i in portrait.choose(face)]
    edited = any(key.amount > 0 for key in track.keyframes) and track.strength > 0
    what = {"made": "animation", "keyframes": str(track), "strength": track.strength, "fps": fps, "frames": count}
    step = portrait.step(chosen, edited, **what)
    return step | {"input": origin(source)}
