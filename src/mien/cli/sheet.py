"""`mien sheet` and `mien demo`: the seven expressions of one photo, labelled."""

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
    credentials,
    described,
    print_json,
)  # fmt: skip
from mien.errors import MienError
from mien.expression import ALL_NAMES, MAX_AMOUNT, NAMES

SAMPLE = Path(__file__).parent.parent / "samples" / "nobody.jpg"

Strengths = Annotated[
    str, typer.Option("--strengths", metavar="A,B,...", help="One row a strength, such as 0.25,0.5,1.")
]
Contempt = Annotated[bool, typer.Option("--contempt", help="Contempt beside the seven.")]


def sheet(
    photo: Photo,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    strengths: Strengths = "1",
    contempt: Contempt = False,
    face: Annotated[str, typer.Option("--face", metavar="largest|N", help="Which face; the largest is 1.")] = "largest",
    tile: Annotated[int, typer.Option("--tile", min=64, max=2048, help="Pixels a picture at most.")] = 320,
    model: Model = "default",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
    json: Json = False,
) -> None:
    """All seven expressions of a photo, or those of them that the weights know, on one labelled sheet."""
    rows = _strengths(strengths)
    wanted = ALL_NAMES if contempt else NAMES
    from mien.editor import Editor
    from mien.formats import check_output, write
    from mien.picture import read
    from mien.provenance import write_signed
    from mien.sheet import sheet as draw

    check_output(output)
    picture = read(photo)
    if output.exists() and output.samefile(photo):
        raise MienError(f"{output} is the photo itself; choose another output, the photo is never overwritten")
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    portrait = Editor(model).open(picture)
    names, unknown = ([n for n in wanted if (n in portrait.names) == known] for known in (True, False))
    drawn = draw(portrait, names, rows, face, tile, not no_provenance)
    if no_provenance:
        write(output, drawn)
    else:
        write_signed(output, drawn, signer, photo)
    if json:
        written = {"path": str(output), "expressions": names, "strengths": rows}
        print_json({"photo": str(photo), "faces": described(portrait), "written": [written]})
    else:
        typer.echo(f"{output}: {', '.join(names)}" + (f"; not {', '.join(unknown)}" if unknown else ""))


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")] = Path("mien-demo.png"),
    strengths: Strengths = "1",
    model: Model = "default",
    json: Json = False,
) -> None:
    """A sheet of the sample that comes with mien: a face of nobody, the average of many."""
    if not SAMPLE.exists():
        raise MienError(f"the sample {SAMPLE} is missing from this installation")
    sheet(SAMPLE, output, strengths, model=model, json=json)


def _strengths(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise MienError(f"cannot read the strengths '{text}': write numbers such as 0.25,0.5,1") from None
    if not all(0 <= value <= MAX_AMOUNT for value in values):
        raise MienError(f"strengths must be within 0 to {MAX_AMOUNT}, not {text}")
    return values
