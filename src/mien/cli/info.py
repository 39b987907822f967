"""`mien info`: versions, weights, licences, providers, and the vocabulary."""

from __future__ import annotations

import typer

from mien.cli.options import Json, print_json


def info(json: Json = False) -> None:
    """What is installed, which weights under which licences, and every name, shape and action unit."""
    from mien.info import info as gather

    content = gather()
    if json:
        print_json(content)
        return
    typer.echo(f"mien {content['mien']} ({content['licence']}), Python {content['python']}")
    typer.echo("packages: " + ", ".join(f"{name} {version or '?'}" for name, version in content["packages"].items()))
    typer.echo("providers: " + ", ".join(content["providers"]))
    for entry in content["weights"]:
        state = "" if entry["checked"] else ", NOT as in its manifest"
        typer.echo(f"weights: {entry['file']} ({entry['bytes'] / 1e6:.1f} MB, {entry.get('licence', '?')}){state}")
        typer.echo(f"  sha256 {entry['sha256']}")
        if "attribution" in entry:
            typer.echo(f"  {entry['attribution']}")
    if not content["weights"]:
        typer.echo("weights: none in this installation")
    typer.echo("names: " + ", ".join(content["names"]))
    typer.echo("shapes: " + ", ".join(content["shapes"]))
    typer.echo("action units: " + ", ".join(f"{au} {'+'.join(s)}" for au, s in content["action_units"].items()))
