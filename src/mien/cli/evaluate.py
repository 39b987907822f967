"""`mien evaluate`: any method through one protocol; a table, pictures and intervals."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.data import progress
from mien.cli.needs import needs
from mien.errors import MienError

SIX = "anger,disgust,fear,happy,sad,surprise"


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="A folder that 'mien data prepare' made.")],
    split: Annotated[str, typer.Option("--split", help="Whose pictures: val, test, fold0 ...")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="[NAME=]SPEC",
            help="default, uc-gan, FILE.onnx, rig, morph, identity, folder:DIR or run:DIR; may be given several times.",
        ),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option("--judge", metavar="JUDGE", help="face-api, faceres, dlib or onnx:FILE; several times."),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the report.")] = None,
    size: Annotated[int, typer.Option("--size", help="Pixels that all pictures are judged at; that of the data.")] = 0,
    targets: Annotated[str, typer.Option("--targets", metavar="A,B,...", help="Expressions that are asked for.")] = SIX,
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="A,B,...", help="For the curves; 1 alone: none.")
    ] = "0,0.25,0.5,0.75,1",
    assets: Annotated[
        Path | None, typer.Option("--assets", help="For the rig: folder with ict-facekit.npz (see DATA_CARD.md).")
    ] = None,
    judges_dir: Annotated[
        Path | None, typer.Option("--judges-dir", help="The folder bench/judges of a clone, for face-api and faceres.")
    ] = None,
    lpips: Annotated[Path | None, typer.Option("--lpips", help="An .onnx file of LPIPS.")] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder of judgements, to share between reports.")
    ] = None,
    limit_people: Annotated[int, typer.Option("--limit-people", min=0, help="The first so many; 0: all.")] = 0,
    show: Annotated[
        str, typer.Option("--show", metavar="A,B,...", help="People in the picture of all methods; the first four.")
    ] = "",
    inputs: Annotated[
        Path | None, typer.Option("--export-inputs", help="Write the inputs here for another program, and stop.")
    ] = None,
) -> None:
    """Put methods through one protocol: same inputs, frozen judges, intervals over people. Run it again to go on.

    The report's folder gets results.json, report.html, results.md, faces.jpg and every picture.
    """
    needs("evaluate", "pandas", "matplotlib", "jinja2")
    from mien.evaluation import run
    from mien.evaluation.pictures import export_inputs
    from mien.evaluation.report import report
    from mien.evaluation.results import write_results

    if inputs is None and out is None:
        raise MienError("give -o, the folder of the report (or --export-inputs)")
    if inputs is None and not method:
        raise MienError("give at least one --method, such as default")
    options = run.Options(
        data=data,
        split=split,
        methods=tuple(method or ()),
        out=out or Path(),
        judges=tuple(judge or ()),
        size=size,
        targets=_words(targets),
        strengths=_numbers(strengths),
        assets=assets,
        judges_dir=judges_dir,
        lpips=lpips,
        cache=cache,
        most=limit_people,
        command=shlex.join(["mien", *sys.argv[1:]]),
    )
    if inputs is not None:
        asked = run.protocol_of(options)
        count = export_inputs(inputs, [*asked.cases, *asked.curves])
        typer.echo(f"{inputs}: {count} inputs, and wanted.csv with the {len(asked.cases)} pictures that are asked for")
        return
    told, asked = run.evaluate(options, _stage)
    write_results(options.out, told)
    page = report(options.out, told, asked, _words(show))
    _show(told)
    typer.echo(f"{page}: open it in a browser")


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _words(text))
    except ValueError:
        raise MienError(f"cannot read the strengths '{text}': write numbers such as 0,0.5,1") from None


@contextlib.contextmanager
def _stage(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar where there is a terminal; else a line a stage, once it has something to do."""
    if sys.stderr.isatty():
        with progress(title) as tell:
            yield tell
        return
    yield _lines(title)


def _lines(title: str) -> Callable[[int, int], None]:
    said: list[int] = []

    def tell(done: int, total: int) -> None:
        if not said:
            print(f"{title}: {total}", file=sys.stderr, flush=True)
            said.append(total)

    return tell


def _show(told: dict) -> None:
    """The table in short."""
    from mien.evaluation.markdown import overview

    for line in overview(told):
        typer.echo(line)
    for warning in told["warnings"]:
        typer.echo(f"note: {warning}")
    for name, failures in told["failures"].items():
        if failures["not_made"]:
            first = failures["not_made"][0]
            typer.echo(
                f"{name}: {len(failures['not_made'])} of {failures['asked']} pictures were not made, such as "
                f"{first['file']}: {first['reason']}"
            )
