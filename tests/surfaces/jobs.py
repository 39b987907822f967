"""What tests of `mien.surfaces.folders.workers` have done in other processes: found there by its name."""

import os
import time

_base = 0


def start(base: int) -> None:
    global _base
    _base = base


def double(number: int) -> int:
    """A negative number kills the process."""
    if number < 0:
        os._exit(9)
    time.sleep(0.01)
    return _base + 2 * number


def lost(number: int, reason: str) -> str:
    return f"{number}: {reason}"
