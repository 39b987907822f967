"""The command line: parse, call, print, exit code. `mien.cli:main` is the console script."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from mien import __version__
from mien.cli import (
    augment,
    batch,
    classifier,
    clips,
    data,
    edit,
    evaluate,
    info,
    inspect,
    make,
    sheet,
    stimuli,
    ui,
    weights,
)
from mien.errors import MienError

app = typer.Typer(
    help="Facial expressions on photographs, at the photo's own resolution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("edit")(edit.edit)
app.command("sheet")(sheet.sheet)
app.command("demo")(sheet.demo)
app.command("batch")(batch.batch)
app.command("stimuli")(stimuli.stimuli)
app.command("video")(clips.video)
app.command("animate")(clips.animate)
app.command("camera")(clips.camera)
app.command("ui")(ui.ui)
app.command("info")(info.info)
app.command("inspect")(inspect.inspect)
app.add_typer(weights.app, name="weights")
app.add_typer(data.app, name="data")
app.add_typer(classifier.app, name="classifier")
app.command("augment")(augment.augment)
app.command("rig")(make.rig)
app.command("train")(make.train)
app.command("export")(make.export)
app.command("evaluate")(evaluate.evaluate)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave the process: 0, or 2 with one line for what the user can put right."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")  # names of files may be no UTF-8
    try:
        app(args=None if arguments is None else list(arguments), prog_name="mien")
    except MienError as error:
        print(f"mien: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # such as a name that is too long, or a full disk
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"mien: {MienError(what)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("mien: interrupted", file=sys.stderr)
        sys.exit(130)
