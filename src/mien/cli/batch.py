"""`mien batch`: a folder of photos, a folder of edits and a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.data import _lines, progress
from mien.cli.inspect import _plain
from mien.cli.needs import needs
from mien.cli.options import C2paCert, C2paKey, Json, Model, NoProvenance, WhichFace, credentials, print_json
from mien.cli.sheet import _strengths

Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes; as many as there are cores.")]


def batch(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder of photos, with others in it.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make; not within IN.")],
    expression: Annotated[
        list[str],
        typer.Option(
            "-e", "--expression", help="Such as happy, sad:0.6, jawOpen=0.4, or all; may be given several times."
        ),
    ],
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="A,B,...", help="Shares of the way, 0 to 1.3, such as 0.5,1.")
    ] = "1",
    face: WhichFace = "largest",
    form: Annotated[
        str, typer.Option("--format", metavar="EXT", help="Of the outputs, such as png; each photo's own by default.")
    ] = "",
    workers: Workers = None,
    engine: Annotated[
        str, typer.Option("--engine", metavar="local|ray", help="Processes here, or a Ray cluster.")
    ] = "local",
    model: Model = "default",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
    json: Json = False,
) -> None:
    """Edit every photo of a folder, in processes; run it again to go on where it stopped.

    OUT keeps the tree of IN and gets manifest.csv with a row a picture. A photo that fails becomes a row and stops
    nothing; the exit code is 1 if any failed, 2 if nothing could be begun.
    """
    values = tuple(_strengths(strengths))
    if engine == "ray":
        needs("ray", "ray")
    from mien.surfaces.folders.batch import Options
    from mien.surfaces.folders.batch import batch as run

    options = Options(tuple(expression), values, face, form, not no_provenance)
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    with progress("photos") as tell:
        done = run(source, out, options, model, workers, engine, tell, signer)
    failures = [{"input": path, "error": error} for path, error in done.failures]
    if json:
        told = {"photos": done.photos, "written": done.written, "failures": failures, "manifest": str(done.manifest)}
        print_json(told)
    else:
        plural = "s" if done.photos > 1 else ""
        typer.echo(f"{out}: {done.written} pictures of {done.photos} photo{plural}; rows in {done.manifest}")
        _lines("failed", [_plain(f"{one['input']}: {one['error']}") for one in failures])
    if failures:
        raise typer.Exit(1)
