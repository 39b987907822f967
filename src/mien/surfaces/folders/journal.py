"""The journal of a folder of photos: one line a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mien import journal


class Entry(NamedTuple):
    """Where the line of a photo lies, and the stamp of the photo when it was read."""

    at: int
    stamp: str


class Journal(journal.Journal):
    """A line is {"input": path, "stamp": stamp, ...}; the last one of a photo counts."""

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self.entries: dict[str, Entry] = {}
        super().__init__(path, head)

    def add(self, told: dict[str, Any]) -> None:
        """One more photo is done."""
        self._met(told, self._write(told))

    def read(self, name: str) -> dict[str, Any]:
        """The line of a photo that is done."""
        return self._line(self.entries[name].at)

    def _met(self, told: dict[str, Any], at: int) -> None:
        self.entries[told["input"]] = Entry(at, told["stamp"])
