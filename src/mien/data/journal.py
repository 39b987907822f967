"""The journal of a prepared folder: one line a record.

Lines come as processes finish; `tidy` puts them in order in the end, so that two preparations are the same to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from mien import journal
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


class Journal(journal.Journal):
    """The journal in `folder`. A line is a `Made` with the stamp of its source; the last one of a name counts."""

    done = "prepared"
    busy = "another 'mien data prepare' is at work in {folder}: wait for it"

    def __init__(self, folder: Path, head: dict[str, Any]) -> None:
        self.entries: dict[str, Entry] = {}
        self.lines = 0
        super().__init__(folder / JOURNAL, head)

    def add(self, made: Made, stamp: str) -> None:
        """One more record is done."""
        told = asdict(made) | {"stamp": stamp}
        self._met(told, self._write(told))

    def row(self, name: str) -> dict[str, Any]:
        """The manifest's columns of a record that is done."""
        row: dict[str, Any] = self._line(self.entries[name].at)["row"]
        return row

    def tidy(self, names: Sequence[str]) -> None:
        """Keep the lines of these records alone, in this order; the last thing that is done to a journal."""
        if list(self.entries) == list(names) and self.lines == len(names):
            return
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with part.open("wb") as file:
                for at in (0, *(self.entries[name].at for name in names)):
                    journal.copied(self.file, at, file)
            os.replace(part, self.path)
        except OSError as error:
            raise MienError(f"cannot write {self.path}: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)

    def _met(self, told: dict[str, Any], at: int) -> None:
        words = [told[key] for key in ("name", "digest", "trouble", "stamp")]
        if not all(isinstance(word, str) for word in words) or not isinstance(told["row"], dict):
            raise ValueError
        self.entries[words[0]] = Entry(at, *words[1:])
        self.lines += 1
