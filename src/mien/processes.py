"""What processes and threads of ours share: how many cores there are for them, and how a worker ends with the first."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection


def cores() -> int:
    """Cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def begin_worker() -> None:
    """To be called first in a worker process: an interruption is the first process's to answer, and without that one
    the worker ends (after a SIGKILL nobody else would tell it)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_first, daemon=True).start()


def _end_with_first() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        connection.wait([first.sentinel])
        os._exit(1)
