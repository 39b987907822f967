"""What made pictures are called: by their photo, expression and strength, and no two the same."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from mien.expression import Expression


def slug(expression: Expression) -> str:
    """An expression as part of a file name: happy-0.8, happy-0.5+jawOpen-0.2; a negative weight has two dashes."""
    return str(expression).replace(":", "-").replace("=", "-").replace(",", "+")


def stems(paths: Sequence[str], form: str = "") -> list[str]:
    """What the outputs of each path (relative, with "/") begin with, the folder included.

    `form`: their extension, "" for that of each photo. A photo that loses its own extension keeps it in the name, so
    that a.jpg and a.png stay apart; what would still be the same, or differ in case alone, gets a mark of its path.
    """
    found = []
    for path in map(PurePosixPath, paths):
        kept = not form or path.suffix == f".{form}"
        found.append(str(path.with_name(path.stem if kept else path.name)))
    keys = [f"{stem}\0{form or PurePosixPath(path).suffix}".lower() for stem, path in zip(found, paths, strict=True)]
    often = Counter(keys)
    return [
        stem if often[key] == 1 else f"{stem}-{_mark(path)}" for stem, key, path in zip(found, keys, paths, strict=True)
    ]


def labels(paths: Sequence[str]) -> list[str]:
    """A short name a photo, for files that all lie in one folder: sub/anna.jpg is sub-anna; no two are the same."""
    plain = [
        re.sub(r"[^\w.-]+", "-", str(PurePosixPath(path).with_suffix(""))).strip("-.") or "photo" for path in paths
    ]
    often = Counter(name.lower() for name in plain)
    return [
        name if often[name.lower()] == 1 else f"{name}-{_mark(path)}" for name, path in zip(plain, paths, strict=True)
    ]


def _mark(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:8]
