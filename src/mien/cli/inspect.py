"""`mien inspect`: what a file says of how it was made."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.options import Json, print_json


def inspect(
    file: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, TIFF, GIF, MP4 or MOV file.", show_default=False)],
    json: Json = False,
) -> None:
    """Say whether a file was edited, how, with which weights and of which input, and whether that is signed.

    Content credentials (C2PA) are checked where c2pa-python is installed: pip install 'mien[c2pa]'.
    """
    from mien import credentials, provenance

    said = provenance.inspect(file)
    signed = credentials.read(file)
    if json:
        print_json({"file": str(file), **asdict(said), "c2pa": signed})
        return
    count = len(said.edits)
    typer.echo(f"{file}: {count} step{'s' if count != 1 else ''} of mien" if count else f"{file}: nothing of mien")
    typer.echo(f"digital source type: {_plain(said.source_type) if said.source_type else 'not said'}")
    for number, step in enumerate(said.edits, start=1):
        _show(number, step)
    if signed is not None:
        typer.echo(f"content credentials (C2PA): {_state(signed)}")
        typer.echo(f"   signed by {_plain(signed['signed_by'])}, of {_plain(signed['issuer'])}")
        for action in signed["actions"]:
            typer.echo("   " + _plain(" ".join(map(str, action.values()))))
        for problem in signed["problems"]:
            typer.echo(f"   {_plain(problem)}")


def _show(number: int, step: dict[str, Any]) -> None:
    what = step.get("keyframes") or step.get("expression") or ", ".join(map(str, _list(step.get("expressions"))))
    strengths = _list(step.get("strengths")) or [step.get("strength")]
    made = f"{_plain(step['made'])}: " if step.get("made") else ""
    state = "" if step.get("edited") else ", not edited"
    typer.echo(f"{number}. {made}{_plain(what)}, strength {_plain(', '.join(map(str, strengths)))}{state}")
    typer.echo(f"   by mien {_plain(step.get('mien'))}")
    if "frames" in step:
        edited = f", edited {_plain(step['frames_edited'])}" if "frames_edited" in step else ""
        typer.echo(f"   frames {_plain(step['frames'])}{edited}")
    typer.echo(f"   faces {_plain(step.get('faces') or step.get('face'))}")
    for key in ("model", "input"):
        entry = step.get(key)
        for name, value in (entry if isinstance(entry, dict) else {}).items():
            typer.echo(f"   {key} {_plain(name)} {_plain(value)}")


def _state(signed: dict[str, Any]) -> str:
    if signed["state"] == "Trusted":
        return "sound, signed by somebody on the trust list"
    if signed["state"] == "Valid":
        return "sound, signed by somebody whom no trust list here names"
    return "NOT sound: the file was changed after it was signed, or the signature is wrong"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: object) -> str:
    """Text of a stranger's file for a terminal: nothing that moves its cursor."""
    return "".join(c if c.isprintable() else "?" for c in str(value))[:300]
