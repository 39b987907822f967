"""`mien data fetch open`: the photographs of London and Canada and the face model, file by file, checked by SHA-256.

What is there already is not fetched again, so an interrupted fetch goes on. `open_files.csv` lists every file of the
two public repositories at a fixed commit; `open_people.csv` says who is in the London set and in which split.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.objects import build
from mien.errors import MienError
from mien.formats import write_bytes
from mien.rig.facekit import FaceKit

HOST = "https://raw.githubusercontent.com"
REPOSITORIES = {
    "data": ("debruine/webmorphR.stim", "fa8b78fda2d659bb74ce62fcd99c4407551d2a77"),
    "assets": ("ICT-VGL/ICT-FaceKit", "da5f95a607f5e6b37755b38d3385d7f2853732e5"),
}
"""First folder of a file's place -> repository and commit."""

LICENCES = (
    "Face Research Lab London Set, DeBruine & Jones (2017), doi:10.6084/m9.figshare.5047666: CC BY 4.0",
    "Young Adult White Faces, DeBruine & Jones (2016), doi:10.6084/m9.figshare.4220517: CC BY 4.0",
    "ICT-FaceKit, USC Institute for Creative Technologies (2020): MIT",
)
MODEL = Path("assets") / "ict-facekit"
KIT = MODEL / "ict-facekit.npz"
AT_ONCE = 8
"""Files on their way at a time."""
TRIES = 3

Tell = Callable[[int, int], None]
"""Told now and then: bytes that are there, of how many."""


@dataclass(frozen=True)
class Listed:
    """A file: its path in its repository, where it goes, and the split of whom it shows ("" for the model)."""

    path: str
    to: str
    split: str
    bytes: int
    sha256: str

    @property
    def url(self) -> str:
        repository, commit = REPOSITORIES[self.to.partition("/")[0]]
        return f"{HOST}/{repository}/{commit}/{self.path}"


def listed() -> list[Listed]:
    """Every file of the open set."""
    rows = csv.DictReader(io.StringIO((files("mien.data") / "open_files.csv").read_text()))
    return [Listed(row["path"], row["to"], row["split"], int(row["bytes"]), row["sha256"]) for row in rows]


def fetch(out: Path, source: Path | None = None, tell: Tell | None = None) -> list[str]:
    """Bring the open set into `out`: from the network, or from a copy of it in the folder `source`.

    Returns what is not there: of a copy, the people of the split 'test' may be missing, whom only evaluation needs.
    """
    if source is not None and not source.is_dir():
        raise MienError(f"{source} is not a folder with a copy of the open set")
    if out.exists() and not out.is_dir():
        raise MienError(f"{out} is a file, not a folder")
    wanted = listed()
    if _is_kit(out / KIT) or (source is not None and _copy_kit(source, out)):
        wanted = [file for file in wanted if not file.to.startswith("assets/")]
    get = partial(_copied, source) if source is not None else _downloaded
    there, every = 0, sum(file.bytes for file in wanted)
    missing = []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for file, found in _in_turn(threads, partial(_ensure, out, get), wanted):
            there += file.bytes
            if not found:
                missing.append(file)
            if tell:
                tell(there, every)
    needed = [file for file in missing if file.split != "test"]
    if needed:
        raise MienError(f"{source} lacks {len(needed)} files of the open set, the first is {needed[0].to}")
    if any(file.to.startswith("assets/") for file in wanted):
        _build_kit(out)
    _write_table(out)
    write_bytes(out / "LICENCES.txt", ("\n".join(LICENCES) + "\n").encode())
    return [file.to for file in missing]


def _in_turn(
    threads: ThreadPoolExecutor, work: Callable[[Listed], bool], wanted: list[Listed]
) -> Iterator[tuple[Listed, bool]]:
    """The results in order; the first that fails keeps the rest from beginning."""
    waiting = iter(wanted)
    running = [(file, threads.submit(work, file)) for file in islice(waiting, 2 * AT_ONCE)]
    try:
        while running:
            file, future = running.pop(0)
            yield file, future.result()
            running += [(file, threads.submit(work, file)) for file in islice(waiting, 1)]
    finally:
        for _, future in running:
            future.cancel()


def _ensure(out: Path, get: Callable[[Listed], bytes | None], file: Listed) -> bool:
    """Put a file into its place, unless it is there; False if there is none to be had."""
    path = out / file.to
    if path.is_file() and path.stat().st_size == file.bytes and _sha256(path.read_bytes()) == file.sha256:
        return True
    data = get(file)
    if data is None:
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    write_bytes(path, data)
    return True


def _copied(source: Path, file: Listed) -> bytes | None:
    """A file from a local copy, laid out as here, as the repositories are, or as what is in them."""
    repository = REPOSITORIES[file.to.partition("/")[0]][0]
    inner = file.to.partition("/")[2]
    places = (file.to, inner, inner.partition("/")[2], file.path, f"{repository.partition('/')[2]}/{file.path}")
    for path in (source / place for place in places):
        if path.is_file():
            data = path.read_bytes()
            if _sha256(data) == file.sha256:
                return data
    return None


def _downloaded(file: Listed) -> bytes:
    """A file from its repository; a `MienError` says why it cannot be had."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    why = ""
    for _ in range(TRIES):
        try:
            with urlopen(file.url, timeout=20) as answer:
                data: bytes = answer.read(file.bytes + 1)
        except HTTPError as error:
            why = f"the server says {error.code} {error.reason}"
            continue
        except (OSError, HTTPException) as error:
            why = f"{getattr(error, 'reason', None) or error}; offline? give a copy of the files with --from DIR"
            continue
        if _sha256(data) == file.sha256:
            return data
        why = "what comes is not the listed file (SHA-256 differs)"
    raise MienError(f"cannot fetch {file.url}: {why}")


def _copy_kit(source: Path, out: Path) -> bool:
    """Copy the face model, if the source has it made already."""
    for path in (source / KIT, source / "ict-facekit" / KIT.name, source / KIT.name):
        if path.is_file() and _is_kit(path):
            (out / MODEL).mkdir(parents=True, exist_ok=True)
            write_bytes(out / KIT, path.read_bytes())
            return True
    return False


def _is_kit(path: Path) -> bool:
    try:
        FaceKit.load(path)
    except MienError:
        return False
    return True


def _build_kit(out: Path) -> None:
    """Make the model's one file of the repository's many, which then are not needed any more."""
    arrays: dict[str, Any] = build(out / MODEL / "FaceXModel")
    part = out / KIT.with_name(f".{KIT.name}.part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(part, out / KIT)
    except OSError as error:
        raise MienError(f"cannot write {out / KIT}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    FaceKit.load(out / KIT)
    shutil.rmtree(out / MODEL / "FaceXModel", ignore_errors=True)


def _write_table(out: Path) -> None:
    """people.csv of those whose photographs are there; the test people last, so that nobody else's number changes."""
    text = (files("mien.data") / "open_people.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    london = out / "data" / "london"
    there = [row for row in rows if (london / "neutral" / f"{row['id']}.jpg").is_file()]
    there.sort(key=lambda row: row["split"] == "test")
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(there)
    write_bytes(london / "people.csv", table.getvalue().encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
