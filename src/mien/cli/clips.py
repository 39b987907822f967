"""`mien video`, `mien animate` and `mien camera`: faces that move."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.data import progress
from mien.cli.needs import needs
from mien.cli.options import C2paCert, C2paKey, Json, Model, NoProvenance, Photo, WhichFace, credentials, print_json
from mien.errors import MienError

if TYPE_CHECKING:
    from mien.surfaces.clips.keyframes import Track

Keyframes = Annotated[
    str | None,
    typer.Option("--keyframes", metavar="'T:EXPRESSION ...'", help='Such as "0:neutral 1.5:happy 4:surprise:0.5".'),
]
Strength = Annotated[
    float, typer.Option("--strength", help="Share of the way from the face's own expression, 0 to 1.3.")
]
One = Annotated[
    str | None, typer.Option("-e", "--expression", help="Such as happy, sad:0.6, jawOpen=0.4, all the time.")
]
MovingFace = Annotated[
    str,
    typer.Option("--face", metavar="largest|all|N", help="Which faces; N counts them as they come, the largest first."),
]


def video(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="An MP4, MOV, MKV, WebM, AVI or TS file.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The .mp4, .m4v or .mov file to write.", show_default=False)
    ],
    expression: One = None,
    keyframes: Keyframes = None,
    strength: Strength = 1.0,
    face: MovingFace = "largest",
    no_sound: Annotated[bool, typer.Option("--no-sound", help="Leave the sound out.")] = False,
    model: Model = "default",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
    json: Json = False,
) -> None:
    """Give the faces of a video another expression, all the time (-e) or changing (--keyframes).

    Sound, chapters and subtitles (mov_text) are copied; the times of the frames and the video's rotation stay. The
    output appears once it is complete.
    """
    track = _track(expression, keyframes, strength)
    needs("video", "av")
    from mien.editor import Editor
    from mien.surfaces.clips.video import video as run
    from mien.surfaces.clips.writing import check_movie

    check_movie(output, source)
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    with _tidy_end(), progress("frames") as tell:
        done = run(source, output, track, Editor(model), face, not no_sound, not no_provenance, signer, tell)
    if json:
        counts = {"frames": done.frames, "edited": done.edited, "faces": done.faces, "chosen": done.chosen}
        told = {"video": str(source), "path": str(done.path), "keyframes": str(track), "strength": strength}
        print_json({**told, **counts, "left_out": list(done.left)})
    else:
        faces = f"{done.chosen} of {done.faces} face{'s' if done.faces != 1 else ''}"
        typer.echo(f"{output}: {track} on {faces}; {done.edited} of {done.frames} frames edited")
        if done.left:
            typer.echo(f"not kept: {'; '.join(done.left)}", err=True)


def animate(
    photo: Photo,
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The .mp4, .mov, .webp or .gif file to write.", show_default=False)
    ],
    keyframes: Annotated[
        str,
        typer.Option("--keyframes", metavar="'T:EXPRESSION ...'", help='Such as "0:neutral 1.5:happy 4:surprise:0.5".'),
    ],
    fps: Annotated[float, typer.Option("--fps", help="Frames a second, 1 to 120.")] = 25.0,
    size: Annotated[
        int | None, typer.Option("--size", min=16, help="Pixels of the longer side, at most; the photo's own.")
    ] = None,
    strength: Strength = 1.0,
    face: WhichFace = "largest",
    model: Model = "default",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
    json: Json = False,
) -> None:
    """Make a clip from one photo: its face goes from keyframe to keyframe."""
    track = _track(None, keyframes, strength)
    needs("video", "av")
    from mien.editor import Editor
    from mien.picture import read
    from mien.surfaces.clips.animate import animate as run
    from mien.surfaces.clips.animate import check_animation

    check_animation(output)
    picture = read(photo)
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    with _tidy_end(), progress("frames") as tell:
        done = run(picture, output, track, Editor(model), fps, size, face, not no_provenance, signer, tell)
    if json:
        told: dict[str, Any] = {"path": str(done.path), "frames": done.frames, "size": list(done.size)}
        print_json({"photo": str(photo), **told, "fps": fps, "keyframes": str(track), "strength": strength})
    else:
        typer.echo(f"{output}: {track}; {done.frames} frames of {done.size[0]}x{done.size[1]} px")


def camera(
    expression: Annotated[
        str, typer.Option("-e", "--expression", help="To begin with; the page can change it.")
    ] = "happy",
    strength: Strength = 1.0,
    face: MovingFace = "largest",
    device: Annotated[str, typer.Option("--device", metavar="N|FILE", help="Which camera, from 0 on.")] = "0",
    width: Annotated[int, typer.Option("--width", min=160, max=3840, help="Pixels to ask the camera for.")] = 640,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page; 0: any that is free.")] = 0,
    model: Model = "default",
    no_provenance: NoProvenance = False,
) -> None:
    """Preview a webcam with another expression, on a page of this machine alone (127.0.0.1). Nothing is stored."""
    track = _track(expression, None, strength)
    from mien.editor import Editor
    from mien.surfaces.camera import opened, serve

    with opened(device, width) as source, _tidy_end():
        serve(source, Editor(model), track, face, port, not no_provenance, typer.echo)


def _track(expression: str | None, keyframes: str | None, strength: float) -> Track:
    from mien.surfaces.clips.keyframes import EXAMPLE, constant, parse_track

    if (expression is None) == (keyframes is None):
        raise MienError(f"say either an expression (-e happy) or keyframes (--keyframes {EXAMPLE})")
    if keyframes is not None:
        return parse_track(keyframes, strength)
    return constant(expression or "", strength)


@contextlib.contextmanager
def _tidy_end() -> Iterator[None]:
    """A process that is asked to end ends as on Ctrl-C, so what is half-written is removed."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        before = {name: signal.signal(getattr(signal, name), leave) for name in names}
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
