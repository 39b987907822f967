"""`mien ui`: the page in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.needs import needs
from mien.cli.options import C2paCert, C2paKey, Model, credentials


def ui(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Of the page; 0: any that is free. Without it 7860, or the next."
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")] = False,
    model: Model = "default",
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
) -> None:
    """Edit photos on a page in the browser, for this machine alone (127.0.0.1). Nothing leaves it, nothing stays."""
    from mien.surfaces.ui.serve import quiet, serve

    quiet()  # before Gradio is imported
    needs("ui", "gradio")
    from mien.editor import Editor

    signer = credentials(c2pa_cert, c2pa_key, no_provenance=False)
    serve(Editor(model), port, not no_browser, typer.echo, signer)
