"""What a crop's file is called: by its person and its source, so that whoever opens the folder knows both."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from mien.data.manifest import CROPS
from mien.data.record import Record

LONGEST = 100


def crop_names(records: Sequence[Record]) -> list[str]:
    """One path a record, relative to the prepared folder; no two are the same, not even where case does not count."""
    plain = [_plain(record) for record in records]
    often = Counter(name.lower() for name in plain)
    return [
        f"{name if often[name.lower()] == 1 and len(name) <= LONGEST else _marked(name, record)}.png"
        for name, record in zip(plain, records, strict=True)
    ]


def _plain(record: Record) -> str:
    source = record.path.rpartition(".")[0] or record.path
    if record.frame is not None:
        source += f"-{record.frame}"
    return f"{CROPS}/{safe(record.identity or record.expression)}/{safe(source)}"


def _marked(name: str, record: Record) -> str:
    told = f"{record.path}:{record.frame}:{record.expression}:{record.identity}"
    mark = hashlib.sha256(told.encode()).hexdigest()[:12]
    return f"{name[:LONGEST]}-{mark}"


def safe(text: str) -> str:
    """A text as part of a path: letters, digits, "_", "-" and dots inside."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "_"
