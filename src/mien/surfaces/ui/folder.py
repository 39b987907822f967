"""A folder that nobody else may look into, deleted when the page ends; a killed page's goes at the next start."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mien-ui-"
_LOCK = ".lock"


@contextlib.contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder (0700) in the system's place for temporary files, or in `parent`; gone on leaving."""
    parent = parent or Path(tempfile.gettempdir())
    sweep(parent)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # 0700
    lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _locked(lock)
        yield path
    finally:
        os.close(lock)
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Delete what killed pages of this user left in `parent`: folders whose lock nobody holds."""
    for path in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.is_symlink() or not path.is_dir() or (hasattr(os, "getuid") and path.stat().st_uid != os.getuid()):
                continue
            lock = os.open(path / _LOCK, os.O_RDWR)
            try:
                if _locked(lock):
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def files(folder: Path) -> list[Path]:
    """All files with content in it, the oldest first. Gradio leaves an empty one beside each upload."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.name != _LOCK and path.is_file() and path.stat().st_size:
                found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found)]


def forget_old(folder: Path, seconds: float) -> None:
    """Delete files older than this: uploads that nothing was done with."""
    for path in files(folder):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > seconds:
                path.unlink()


def _locked(lock: int) -> bool:
    """Take the lock, which the system gives back when the process ends however it ends; False if another has it."""
    try:
        import fcntl
    except ImportError:  # Windows: an open file cannot be deleted there, which does as well
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
