"""What a preparation has done so far, so that one which was killed goes on where it was.

A file of one JSON line a record, in the prepared folder; the rows stay there, and only where they lie is in memory.
Lines come as processes finish; `tidy` puts them in order in the end, so that two preparations are the same to the byte.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

from mien.data.crops import Made
from mien.data.tree import PREPARED
from mien.errors import MienError

JOURNAL = PREPARED


class Entry(NamedTuple):
    """Where a line lies, and what of it is often needed; stamp: size and time of the source when it was read."""

    at: int
    digest: str
    trouble: str
    stamp: str


class Journal:
    """The journal in `folder`, opened for adding to it; `head` is what has to be the same for going on."""

    def __init__(self, folder: Path, head: dict[str, Any]) -> None:
        self.path = folder / JOURNAL
        self.entries: dict[str, Entry] = {}
        self.lines = 0
        try:
            self.file = self.path.open("a+b")
            _lock(self.file, folder)
            self._load(json.loads(json.dumps(head)))
        except OSError as error:
            raise MienError(f"cannot write {self.path}: {error.strerror}") from None

    def _load(self, head: dict[str, Any]) -> None:
        self.file.seek(0)
        at, whole = 0, 0
        for number, line in enumerate(self.file):
            if not line.endswith(b"\n"):
                break  # cut off by the kill
            try:
                told = json.loads(line)
                if not isinstance(told, dict):
                    raise ValueError
                if number:
                    self.entries[told["name"]] = _entry(at, told)
                    self.lines += 1
            except (ValueError, KeyError, RecursionError):
                break  # a line that no run of ours wrote
            if number == 0:
                other = [key for key in head if told.get(key) != head[key]]
                if other:
                    raise MienError(
                        f"{self.path.parent} was prepared with other options ({other[0]} {told.get(other[0])}, not "
                        f"{head[other[0]]}): use another folder"
                    )
            at += len(line)
            whole = at
        self.file.truncate(whole)
        if whole == 0:
            self._write(head)

    def add(self, made: Made, stamp: str) -> None:
        """One more record is done."""
        at = self._write(asdict(made) | {"stamp": stamp})
        self.entries[made.name] = Entry(at, made.digest, made.trouble, stamp)
        self.lines += 1

    def row(self, name: str) -> dict[str, Any]:
        """The manifest's columns of a record that is done."""
        self.file.seek(self.entries[name].at)
        row: dict[str, Any] = json.loads(self.file.readline())["row"]
        return row

    def tidy(self, names: Sequence[str]) -> None:
        """Keep the lines of these records alone, in this order; the last thing that is done to a journal."""
        if list(self.entries) == list(names) and self.lines == len(names):
            return
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with part.open("wb") as file:
                self.file.seek(0)
                file.write(self.file.readline())
                for name in names:
                    self.file.seek(self.entries[name].at)
                    file.write(self.file.readline())
            os.replace(part, self.path)
        except OSError as error:
            raise MienError(f"cannot write {self.path}: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)

    def _write(self, told: dict[str, Any]) -> int:
        self.file.seek(0, os.SEEK_END)
        at = self.file.tell()
        try:
            self.file.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
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


def _entry(at: int, told: dict[str, Any]) -> Entry:
    words = [told[key] for key in ("name", "digest", "trouble", "stamp")]
    if not all(isinstance(word, str) for word in words) or not isinstance(told["row"], dict):
        raise ValueError
    return Entry(at, *words[1:])


def _lock(file: IO[bytes], folder: Path) -> None:
    """Hold the journal for as long as this process lives; a `MienError` if another one does. Where the system or its
    file system has no such locks, nothing is held."""
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise MienError(f"another 'mien data prepare' is at work in {folder}: wait for it") from None
