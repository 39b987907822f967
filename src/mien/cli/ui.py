"""`mien ui`: the page in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.needs import needs
from mien.cli.options import Model


def ui(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Of the page; 0: any that is free. Without it 7860, or the next."
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")] = False,
    model: Model = "default",
) -> None:
    """Edit photos on a page in the browser, for this machine alone (127.0.0.1). Nothing leaves it, nothing stays."""
    from mien.surfaces.ui.serve import quiet, serve

    quiet()  # before Gradio is imported
    needs("ui", "gradio")
    from mien.editor import Editor

    serve(Editor(model), port, not no_browser, typer.echo)
