"""What a long run has done so far, so that one which was killed goes on where it was: a file of one JSON line a task.

The first line is the head: what has to be the same for going on. The rows stay in the file; a subclass keeps in memory
what it often needs, and where the lines lie.
"""

from __future__ import annotations

import contextlib
import json
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Any, ClassVar, Self

from mien.errors import MienError
from mien.inside import own


class Journal(ABC):
    """The journal `path`, opened for adding to it, and held for as long as this process lives. done: how the folder
    came to be, in a word; busy: what is said where another process holds it."""

    done: ClassVar[str] = "made"
    busy: ClassVar[str] = "another run is at work in {folder}: wait for it, or stop it"

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self.path = path
        own(path)
        try:
            self.file = path.open("a+b")
            self._lock()
            self._load(json.loads(json.dumps(head)))
        except OSError as error:
            raise MienError(f"cannot write {path}: {error.strerror}") from None

    @abstractmethod
    def _met(self, told: dict[str, Any], at: int) -> None:
        """Remember a line that lies at byte `at`; a `KeyError`, `TypeError` or `ValueError` where no run wrote it."""

    def _load(self, head: dict[str, Any]) -> None:
        self.file.seek(0)
        whole = 0
        for number, line in enumerate(self.file):
            if not line.endswith(b"\n"):
                break  # cut off by the kill
            try:
                told = json.loads(line)
                if not isinstance(told, dict):
                    raise ValueError
                if number:
                    self._met(told, whole)
            except (ValueError, KeyError, TypeError, RecursionError):
                break  # a line that no run of ours wrote
            if number == 0:
                self._compare(told, head)
            whole += len(line)
        self.file.truncate(whole)
        if whole == 0:
            self._write(head)

    def _compare(self, told: dict[str, Any], head: dict[str, Any]) -> None:
        for key, value in head.items():
            if told.get(key) != value:
                raise MienError(
                    f"{self.path.parent} was {self.done} with other options ({key} {told.get(key)}, not {value}): "
                    "use another folder, or the options of then to go on"
                )

    def _line(self, at: int) -> dict[str, Any]:
        """The line at byte `at`."""
        self.file.seek(at)
        told: dict[str, Any] = json.loads(self.file.readline())
        return told

    def _write(self, told: dict[str, Any]) -> int:
        """Add a line; the byte at which it lies."""
        self.file.seek(0, os.SEEK_END)
        at = self.file.tell()
        try:
            self.file.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
            self.file.flush()
        except OSError as error:
            raise MienError(f"cannot write {self.path}: {error.strerror}; free some space and run it again") from None
        return at

    def _lock(self) -> None:
        """Where the system or its file system has no locks, nothing is held."""
        try:
            import fcntl
        except ImportError:
            return
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.file.close()
                raise MienError(self.busy.format(folder=self.path.parent)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def copied(source: IO[bytes], at: int, target: IO[bytes]) -> None:
    """One line of a journal into another file."""
    source.seek(at)
    target.write(source.readline())
