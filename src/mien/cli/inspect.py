"""`mien inspect`: what a file says of how it was made."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.options import Json, print_json


def inspect(
    file: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP or TIFF file.", show_default=False)],
    json: Json = False,
) -> None:
    """Say whether a picture was edited, how, with which weights and of which input, as its file tells."""
    from mien import provenance

    said = provenance.inspect(file)
    if json:
        print_json({"file": str(file), **asdict(said)})
        return
    count = len(said.edits)
    typer.echo(f"{file}: {count} step{'s' if count != 1 else ''} of mien" if count else f"{file}: nothing of mien")
    typer.echo(f"digital source type: {_plain(said.source_type) if said.source_type else 'not said'}")
    for number, step in enumerate(said.edits, start=1):
        what = step.get("expression") or ", ".join(map(str, _list(step.get("expressions"))))
        strengths = _list(step.get("strengths")) or [step.get("strength")]
        state = "" if step.get("edited") else ", not edited"
        typer.echo(f"{number}. {_plain(what)}, strength {_plain(', '.join(map(str, strengths)))}{state}")
        typer.echo(f"   by mien {_plain(step.get('mien'))}")
        typer.echo(f"   faces {_plain(step.get('faces'))}")
        for key in ("model", "input"):
            entry = step.get(key)
            for name, value in (entry if isinstance(entry, dict) else {}).items():
                typer.echo(f"   {key} {_plain(name)} {_plain(value)}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: object) -> str:
    """Text of a stranger's file for a terminal: nothing that moves its cursor."""
    return "".join(c if c.isprintable() else "?" for c in str(value))[:300]
