"""Options that several commands share, and how they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.credentials import Credentials

Photo = Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, TIFF or BMP file.", show_default=False)]
WhichFace = Annotated[
    str, typer.Option("--face", metavar="largest|all|N", help="Which faces; the largest has number 1.")
]
Model = Annotated[str, typer.Option("--model", metavar="NAME|PATH", help="Weights: default, uc-gan, or an .onnx file.")]
Json = Annotated[bool, typer.Option("--json", help="Print what was found and written as JSON.")]

NoProvenance = Annotated[
    bool, typer.Option("--no-provenance", help="Do not write into the file that it was edited, and how.")
]

C2paCert = Annotated[
    Path | None, typer.Option("--c2pa-cert", metavar="FILE", help="Certificate chain (PEM) to sign with (C2PA).")
]
C2paKey = Annotated[
    Path | None, typer.Option("--c2pa-key", metavar="FILE", help="Private key (PEM) of the certificate.")
]


def credentials(certificate: Path | None, key: Path | None, no_provenance: bool) -> Credentials | None:
    """What to sign with: of the options, or of the settings file; None for nothing."""
    if no_provenance:
        if certificate or key:
            raise MienError("--no-provenance writes nothing that could be signed; leave out --c2pa-cert and --c2pa-key")
        return None
    from mien.credentials import load

    return load(certificate, key)


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def described(portrait: Any) -> list[dict[str, Any]]:
    """The faces of a `Portrait` for JSON: number, box (x0, y0, x1, y1) and 68 landmarks (x, y), in photo px."""
    return [
        {
            "number": number,
            "box": [round(float(v), 1) for v in face.box],
            "landmarks": [[round(float(x), 2), round(float(y), 2)] for x, y in face.landmarks],
        }
        for number, face in enumerate(portrait.faces, start=1)
    ]
