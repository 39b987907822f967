"""`mien edit`: one photo, one or more expressions, one file each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import (
    C2paCert,
    C2paKey,
    Json,
    Model,
    NoProvenance,
    Photo,
    WhichFace,
    credentials,
    described,
    print_json,
)  # fmt: skip
from mien.errors import MienError
from mien.expression import Expression, parse
from mien.surfaces.folders.names import slug


def edit(
    photo: Photo,
    expression: Annotated[
        list[str],
        typer.Option("-e", "--expression", help="Such as happy, sad:0.6, jawOpen=0.4; may be given several times."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write; its extension says the format. See --help.")
    ],
    strength: Annotated[
        float, typer.Option("--strength", help="Share of the way from the photo's own expression, 0 to 1.3.")
    ] = 1.0,
    face: WhichFace = "largest",
    model: Model = "default",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
    json: Json = False,
) -> None:
    """Give a face another expression.

    With several -e each writes its own file: `-o out.png` becomes out_happy-0.8.png and so on, or say where the
    expression goes, as in `-o "{expression}/anna.png"`.
    """
    expressions = [parse(text) for text in expression]
    paths = outputs(output, expressions)
    from mien.editor import Editor
    from mien.formats import check_output
    from mien.picture import read

    for path in paths:
        check_output(path)
    picture = read(photo)
    for path in paths:
        check_output(path, picture)
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    editor = Editor(model)
    for target in expressions:
        editor.generator.check(target)
    portrait, written = editor.open(picture), []
    for target, path in zip(expressions, paths, strict=True):
        edited = portrait.edit(target, strength, face)
        edited.save(path, not no_provenance, signer)
        numbers = [index + 1 for index in portrait.choose(face)]
        written.append({"path": str(path), "expression": str(target), "strength": strength, "faces": numbers})
        if not json:
            count = len(numbers)
            typer.echo(f"{path}: {target} on {count} face{'s' if count > 1 else ''}")
    if json:
        print_json({"photo": str(photo), "faces": described(portrait), "written": written})


def outputs(output: Path, expressions: list[Expression]) -> list[Path]:
    """One path an expression; a `MienError` if two are the same."""
    names = [slug(target) for target in expressions]
    template = str(output)
    if "{expression}" not in template:
        template = template if len(names) == 1 else str(output.parent / f"{output.stem}_{{expression}}{output.suffix}")
    paths = [Path(template.replace("{expression}", name)) for name in names]
    twice = {path for path in paths if paths.count(path) > 1}
    if twice:
        raise MienError(f"{twice.pop()} would be written twice: an expression is given twice")
    return paths
