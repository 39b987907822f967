"""`mien weights list` and `mien weights fetch`: weights that have a name, and mien's only way to the network."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.options import Json, print_json

app = typer.Typer(help="Weights by name: which are here, and fetching those that are not.", no_args_is_help=True)


@app.command("list")
def listed(json: Json = False) -> None:
    """The weights that --model takes by name, and where they lie."""
    from mien.shelf import index, lying

    rows = [
        {"name": name, "licence": entry.licence, "about": entry.about, "path": str(path) if path else None}
        for name, entry, path in ((name, entry, lying(name)) for name, entry in index().items())
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['name']}: {row['about']} ({row['licence']})")
        typer.echo(f"  {row['path'] or 'not here: mien weights fetch ' + str(row['name'])}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Such as uc-gan; 'mien weights list' lists them.")],
    json: Json = False,
) -> None:
    """Fetch weights by name from the release page, checked by SHA-256. No other command uses the network."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from mien.shelf import fetch as get

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None, visible=False)
        path = get(name, lambda done, size: progress.update(task, completed=done, total=size, visible=True))
    if json:
        print_json({"name": name, "path": str(path)})
    else:
        typer.echo(str(path))
