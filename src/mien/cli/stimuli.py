"""`mien stimuli`: a set of pictures for experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.batch import Workers
from mien.cli.data import _lines, progress
from mien.cli.inspect import _plain
from mien.cli.options import C2paCert, C2paKey, Json, Model, NoProvenance, credentials, print_json
from mien.cli.sheet import _strengths


def stimuli(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder of photos.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make; not within IN.")],
    expressions: Annotated[
        str,
        typer.Option(
            "--expressions", metavar="A,B,...", help="Such as happy,sad or all; a mixture is happy:0.5+sad:0.5."
        ),
    ] = "all",
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="A,B,...", help="Shares of the way, in whole percents.")
    ] = "0,0.25,0.5,0.75,1",
    crop: Annotated[str, typer.Option("--crop", metavar="WxH", help="Pixels of every picture.")] = "512x512",
    background: Annotated[
        str, typer.Option("--background", metavar="keep|grey|#RRGGBB", help="Around a soft oval that holds the face.")
    ] = "keep",
    match_luminance: Annotated[
        bool, typer.Option("--match-luminance", help="One mean and contrast of lightness for all faces of the set.")
    ] = False,
    embedder: Annotated[
        Path | None, typer.Option("--embedder", metavar="FILE", help="dlib's face network, for identity distances.")
    ] = None,
    face: Annotated[str, typer.Option("--face", metavar="largest|N", help="Which face; the largest is 1.")] = "largest",
    workers: Workers = None,
    model: Model = "default",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
    json: Json = False,
) -> None:
    """Make stimuli of every photo of a folder: equal framing, a grid of strengths, measured; docs/stimuli.md.

    Run it again to go on where it stopped. The exit code is 1 if a photo failed, 2 if nothing could be begun.
    """
    from mien.surfaces.stimuli.framing import framing_of
    from mien.surfaces.stimuli.make import Options
    from mien.surfaces.stimuli.stimuli import background_of
    from mien.surfaces.stimuli.stimuli import stimuli as run

    options = Options(
        expressions=tuple(text.replace("+", ",") for text in expressions.split(",")),
        strengths=tuple(_strengths(strengths)),
        framing=framing_of(crop),
        background=background_of(background),
        match=match_luminance,
        face=face,
        embedder=embedder,
        provenance=not no_provenance,
    )
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    with progress("photos, twice") as tell:
        done = run(source, out, options, model, workers, tell, signer)
    failures = [{"input": path, "error": error} for path, error in done.failures]
    if json:
        told = {"photos": done.photos, "written": done.written, "failures": failures, "manifest": str(done.manifest)}
        print_json(told)
    else:
        plural = "s" if done.photos > 1 else ""
        typer.echo(f"{out}: {done.written} stimuli of {done.photos} photo{plural}; rows in {done.manifest}")
        if embedder is None:
            typer.echo("note: no identity distances without --embedder FILE (docs/stimuli.md)")
        _lines("failed", [_plain(f"{one['input']}: {one['error']}") for one in failures])
    if failures:
        raise typer.Exit(1)
