"""What a run has done so far, so that one which was killed goes on where it was: a file of one JSON line a photo."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from mien.errors import MienError

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows: two runs at once are not told from one
    flock = None  # type: ignore[assignment]


class Entry(NamedTuple):
    """Where the line of a photo lies, and the stamp of the photo when it was read."""

    at: int
    stamp: str


class Journal:
    """The journal `path`, opened for adding to it; `head` is what has to be the same for going on. Only where the lines
    lie is in memory. A line is {"input": path, "stamp": stamp, ...}; the last one of a photo counts."""

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}
        try:
            self.file = path.open("a+b")
            self._lock()
            self._load(json.loads(json.dumps(head)))
        except OSError as error:
            raise MienError(f"cannot write {path}: {error.strerror}") from None

    def _lock(self) -> None:
        if flock is None:
            return
        try:
            flock(self.file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise MienError(f"another run is at work in {self.path.parent}: wait for it, or stop it") from None
        except OSError:
            pass  # a file system without locks

    def _load(self, head: dict[str, Any]) -> None:
        self.file.seek(0)
        at, whole = 0, 0
        for number, line in enumerate(self.file):
            if not line.endswith(b"\n"):
                break  # cut off by the kill
            try:
                told = json.loads(line)
                if number:
                    self.entries[told["input"]] = Entry(at, told["stamp"])
            except (ValueError, KeyError, TypeError, RecursionError):
                break
            if number == 0:
                other = [key for key in head if not isinstance(told, dict) or told.get(key) != head[key]]
                if other:
                    raise MienError(
                        f"{self.path.parent} was made with other options ({other[0]}): use another folder, or the "
                        "options of then to go on"
                    )
            at += len(line)
            whole = at
        self.file.truncate(whole)
        if whole == 0:
            self._write(head)

    def add(self, told: dict[str, Any]) -> None:
        """One more photo is done."""
        self.entries[told["input"]] = Entry(self._write(told), told["stamp"])

    def read(self, name: str) -> dict[str, Any]:
        """The line of a photo that is done."""
        self.file.seek(self.entries[name].at)
        told: dict[str, Any] = json.loads(self.file.readline())
        return told

    def _write(self, told: dict[str, Any]) -> int:
        self.file.seek(0, os.SEEK_END)
        at = self.file.tell()
        try:
            self.file.write(json.dumps(told).encode() + b"\n")
            self.file.flush()
        except OSError as error:
            raise MienError(f"cannot write {self.path}: {error.strerror}; free some space and run it again") from None
        return at

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
