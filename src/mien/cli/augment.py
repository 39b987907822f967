"""`mien augment`: generated, labelled faces of a prepared database's training people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import Json, Model, print_json
from mien.errors import MienError

SHOWN = 8


def augment(
    prepared: Annotated[Path, typer.Argument(help="A folder that 'mien data prepare' made.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="The folder to make.", show_default=False)],
    expressions: Annotated[
        str, typer.Option("-e", "--expressions", help="Names such as happy,sad, or all: those that the weights make.")
    ] = "all",
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="A,B,...", help="Each face has one of them.")
    ] = "0.7,1",
    per_person: Annotated[
        int, typer.Option("--per-person", min=1, help="Faces of each person in each expression, at most.")
    ] = 2,
    sources: Annotated[
        str, typer.Option("--from", help="Expressions of the photographs to start from, such as neutral; or all.")
    ] = "all",
    split: Annotated[
        str, typer.Option("--split", help="Whose faces: train, or folds of a k-fold split. Never val or test.")
    ] = "train",
    fold: Annotated[int, typer.Option("--fold", min=0, help="Of a k-fold split, the part that is kept out.")] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides which crop and strength each face gets.")] = 1,
    model: Model = "default",
    json: Json = False,
) -> None:
    """Make labelled faces of the training people into OUT/<expression>/, for whoever trains a classifier.

    Starts from the real crops, never from the rig's renders, and only from people of the training split. Run it again
    to go on where it stopped. The exit code is 1 if some faces could not be made; manifest.csv says which and why.
    """
    from mien.augment.make import Options
    from mien.augment.make import augment as make
    from mien.cli.data import progress
    from mien.editor import Editor

    options = Options(names(expressions), _numbers(strengths), per_person, names(sources), _words(split), fold, seed)
    if not prepared.is_dir():
        raise MienError(f"there is no folder {prepared}: 'mien data prepare' makes one")
    editor = Editor(model)
    with progress("faces") as tell:
        summary = make(prepared, out, editor, options, tell)
    told = summary.told
    if json:
        print_json(told)
    else:
        typer.echo(f"{out}: {told['pictures']} faces of {len(told['people'])} people ({', '.join(told['split'])})")
        typer.echo("  " + ", ".join(f"{name} {count}" for name, count in told["by_expression"].items()))
        if summary.failed:
            typer.echo(f"failed: {len(summary.failed)}")
            for line in summary.failed[:SHOWN]:
                typer.echo(f"  {line['crop']} to {line['expression']}: {line['error']}")
    if summary.failed:
        raise typer.Exit(1)


def names(text: str) -> tuple[str, ...]:
    """Names of expressions; () for all."""
    from mien.expression import ALL_NAMES, SYNONYMS

    words = tuple(SYNONYMS.get(word.lower(), word.lower()) for word in _words(text))
    if words == ("all",):
        return ()
    for word in words:
        if word not in ALL_NAMES:
            raise MienError(f"{word!r} is no expression by name: {', '.join(ALL_NAMES)}, or all")
    return words


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise MienError(f"a name is needed, not {text!r}")
    return words


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in _words(text))
    except ValueError:
        raise MienError(f"cannot read the strengths '{text}': write numbers such as 0.7,1") from None
