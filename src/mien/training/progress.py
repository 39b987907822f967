"""What a run shows while it goes on."""

from __future__ import annotations

import os

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def bar() -> Progress:
    """A progress bar with an estimate and a field `loss`; shown by the first process alone."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
        disable=not first(),
    )


def first() -> bool:
    """Whether this is the process that shows and says things, also before Fabric knows."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"
