"""`python -m mien.training.paper.run --config FILE ...` is what `mien train FILE ...` is: the way of old."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mien.cli import main as command


def main(arguments: Sequence[str] | None = None) -> None:
    """`mien train`, with the configuration as an option."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command(["train", *(word.removeprefix("--config=") for word in words if word != "--config")])


if __name__ == "__main__":
    main()
