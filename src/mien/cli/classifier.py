"""`mien classifier`: train the in-house expression classifier on a prepared database, measure one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.needs import needs
from mien.cli.options import Json, print_json
from mien.errors import MienError

if TYPE_CHECKING:
    from mien.evaluation.classifier import Measured

app = typer.Typer(help="The in-house expression classifier: train it, measure it.", no_args_is_help=True)

Prepared = Annotated[Path, typer.Argument(help="A folder that 'mien data prepare' made.", show_default=False)]


@app.command()
def train(
    prepared: Prepared,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file to write; its card lies beside it.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file, such as configs/classifier.toml; else the defaults.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Over the file, such as steps=300.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run beside the output.")] = False,
    accelerator: Annotated[str, typer.Option("--accelerator", help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of torch.")] = 1,
    json: Json = False,
) -> None:
    """Train on the real photographs of the training people, write ONNX and a card, measure on everybody else.

    What the rig rendered is left out unless --set renders=true asks for it. The run lies in OUTPUT.run, a folder.
    """
    needs("train", "torch", "onnx", "safetensors", "tensorboard", "lightning_fabric")
    from mien.training.classifier.config import read_config
    from mien.training.classifier.run import run

    result = run(prepared, output, read_config(config, settings or ()), resume, accelerator, threads)
    lesson = result.lesson
    if json:
        print_json(
            {
                "path": str(output),
                "labels": list(lesson.labels),
                "trained_on": lesson.trained_on,
                "pictures": len(lesson.rows),
                "difference": result.difference,
                "measured": {part: as_dict(found) for part, found in result.measured.items()},
            }
        )
        return
    people = lesson.trained_on["people"]
    typer.echo(
        f"{output}: {', '.join(lesson.labels)}; learnt from {len(lesson.rows)} photographs"
        f"{f' of {len(people)} people' if people else ', of whom is not known'}; "
        f"torch and ONNX differ by {result.difference:.1g} at most"
    )
    if lesson.left_out:
        typer.echo(f"note: {lesson.left_out} pictures of other expressions were left out")
    if lesson.alone:
        typer.echo(f"note: {lesson.alone} photographs of people who show one expression alone were left out (paired)")
    _show(result.measured)


@app.command()
def measure(
    classifier: Annotated[Path, typer.Argument(help="An .onnx file with its card beside it.", show_default=False)],
    prepared: Prepared,
    split: Annotated[
        str | None, typer.Option("--split", help="Parts of the split, such as val; else all of them.")
    ] = None,
    json: Json = False,
) -> None:
    """Say how often a classifier is right on real photographs of people that it was not trained on."""
    from mien.data.labelled import of_parts, read_rows
    from mien.data.manifest import read_dataset
    from mien.evaluation.classifier import Classifier
    from mien.evaluation.classifier import measure as look

    network = Classifier(classifier)
    told, rows = read_dataset(prepared), read_rows(prepared)
    parts = sorted({row.part for row in rows})
    wanted = [word.strip() for word in split.split(",")] if split else parts
    unknown = [part for part in wanted if part not in parts]
    if unknown:
        raise MienError(f"{prepared} has no part {unknown[0]!r}: its parts are {', '.join(parts)}")
    taught = network.card.trained_on
    seen, same = set(taught.people or ()), taught.database == told["database"]
    learnt = taught.split.split(",") if same else []
    chosen: dict[str, Any] = {
        part: [row for row in of_parts(rows, (part,)) if not (same and row.identity in seen)]
        for part in wanted
        if part not in learnt
    }
    chosen = {part: mine for part, mine in chosen.items() if mine}
    if not chosen:
        raise MienError(
            f"{classifier} was trained on everybody in {', '.join(wanted)} of {prepared}: nothing to measure"
        )
    found = {part: look(network, prepared, mine) for part, mine in chosen.items()}
    if json:
        print_json({part: as_dict(one) for part, one in found.items()})
    else:
        _show(found)


def as_dict(found: Measured) -> dict[str, Any]:
    """Figures for JSON."""
    from dataclasses import asdict

    return asdict(found)


def _show(measured: dict[str, Measured]) -> None:
    """A paragraph for each part of the split."""
    if not measured:
        typer.echo("note: nobody was kept out, so no accuracy can be given")
    for part, found in measured.items():
        if found.accuracy is None:
            typer.echo(f"{part}: no picture that could be measured")
            continue
        who = len(found.accuracy.people)
        typer.echo(f"{part}: {_percent(found.accuracy)} right, {found.accuracy.n} photographs, {who} people")
        typer.echo("  " + ", ".join(f"{name} {_percent(one)}" for name, one in found.by_expression.items()))
        if found.unknown:
            typer.echo(f"  not counted: {found.unknown} pictures of expressions that it does not know")


def _percent(found: Any) -> str:
    """The mean over people with its 95% interval over people."""
    if found.low is None:
        return f"{found.value:.1%} (no interval: one person)"
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"
