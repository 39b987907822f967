"""A prepared folder: crops, `manifest.csv` with one row a picture, `dataset.json`, and a contact sheet.

`manifest.csv` opens in any table program. `read_manifest` reads only the columns that are asked for, so that a million
rows take seconds.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MienError
from mien.formats import write_bytes
from mien.inside import outside

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, DATASET, SHEET, CROPS = "manifest.csv", "dataset.json", "contact.jpg", "crops"
FORMAT = 1
LARGEST = 4096
"""px: no crop is larger."""

COLUMNS = (
    "crop", "source", "frame", "identity", "expression", "label", "strength", "pose", "gaze", "light", "camera",
    "session", "split", "faces", "found", "quality", "resolution", "sharpness", "brightness", "transform", "landmarks",
)  # fmt: skip
"""crop: the file, relative to the folder; source: relative to the database's folder. transform: 6 numbers, the rows of
(2, 3), photo px -> px of the 256x256 crop. landmarks: 68 times x y, photo px. The others as in `Record` and
`mien.data.crops.described`."""


def write_manifest(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write the manifest as its rows come, under its name only once it is whole."""
    path, part = folder / MANIFEST, folder / f".{MANIFEST}.part"
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        os.replace(part, path)
    except OSError as error:
        raise MienError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def read_manifest(folder: Path, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """The manifest of a prepared folder as text, "" where nothing is known; a `MienError` if it has none."""
    try:
        import pandas
    except ImportError:
        raise MienError("reading a prepared folder needs pandas: pip install 'mien[train]'") from None
    path = folder / MANIFEST
    if not path.is_file():
        raise MienError(f"no {MANIFEST} in {folder}: make it with 'mien data prepare NAME PATH {folder}'")
    try:
        table = pandas.read_csv(path, usecols=list(columns), dtype=str, keep_default_na=False)[list(columns)]
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise MienError(f"{path} is not a manifest of mien: {error}") from None
    if "crop" in columns:
        away = next((name for name in table["crop"] if outside(name)), None) if _suspect(table["crop"]) else None
        if away is not None:
            raise MienError(f"{path} is not a manifest of mien: its crop {away!r} lies outside the folder")
    return table


def _suspect(crops: Any) -> bool:
    """Whether one of many names may lead out of the folder: a million are looked at in a moment."""
    text = "\n".join(crops)
    return any(sign in text for sign in ("..", "\\", "\0", "\n/")) or text.startswith("/")


def read_dataset(folder: Path) -> dict[str, Any]:
    """The content of `dataset.json`; a `MienError` if the folder is not a prepared one."""
    path = folder / DATASET
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise ValueError("not of this version")
        told = _sound(told)
    except FileNotFoundError:
        raise MienError(f"no {DATASET} in {folder}: make it with 'mien data prepare NAME PATH {folder}'") from None
    except (OSError, ValueError, RecursionError) as error:
        raise MienError(f"{path} is not the description of a prepared folder: {error}") from None
    return told


def _sound(told: dict[str, Any]) -> dict[str, Any]:
    """The description with all that readers look for, each of its type; a ValueError says what is not."""
    database, options, counts = told.get("database"), told.get("options"), told.get("counts", {})
    if not isinstance(database, str):
        raise ValueError("database must be text")
    if not isinstance(options, dict) or not _whole(options.get("size")) or not 1 <= options["size"] <= LARGEST:
        raise ValueError(f"options.size must be px, 1 to {LARGEST}")
    words = {"title": database, "licence": "not told", "fit_for": "nothing that it tells"}
    told = words | told
    for name in words:
        if not isinstance(told[name], str):
            raise ValueError(f"{name} must be text")
    if not isinstance(counts, dict):
        raise ValueError("counts must be a table")
    counts = {"by_split": {}, "by_expression": {}} | counts
    for name in ("by_split", "by_expression"):
        if not isinstance(counts[name], dict) or not all(map(_whole, counts[name].values())):
            raise ValueError(f"counts.{name} must be a table of whole numbers")
    return told | {"counts": counts}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def write_dataset(folder: Path, told: Mapping[str, Any]) -> Path:
    """Write `dataset.json`, whole or not at all."""
    return write_bytes(folder / DATASET, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
