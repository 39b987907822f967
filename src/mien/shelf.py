"""Weights by name: which there are, where they lie, and how those that do not come with the package are fetched.

A name is looked for in the package, where the default is, in a clone's folder `weights`, and in the user's cache. Only
`fetch` uses the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from mien import __version__
from mien.errors import MienError

RELEASES = ""
"""https address of the folder that holds the files of this version; empty, as no release page has been made yet."""

RELEASES_VARIABLE, CACHE_VARIABLE = "MIEN_RELEASES", "MIEN_WEIGHTS"
"""Environment variables: another address in place of `RELEASES`; another folder in place of the user's cache."""

PACKAGE = Path(__file__).parent / "weights"
DEFAULT = "default"

Tell = Callable[[int, int], None]
"""Told while fetching: bytes that are there, bytes in all."""


@dataclass(frozen=True)
class Entry:
    """Weights of a name. bytes, sha256: None for the package's own, whose manifest lies beside them, and as long as
    none have been released. about: in a few words."""

    file: str
    bytes: int | None
    sha256: str | None
    licence: str
    about: str


@cache
def index() -> dict[str, Entry]:
    """Name -> weights."""
    entries = json.loads((PACKAGE / "index.json").read_text())
    return {name: Entry(**entry) for name, entry in entries.items()}


def find(model: str | Path) -> Path:
    """The file of weights given by name or by path; of a path it is not said whether it is there."""
    if isinstance(model, Path):
        return model
    if model not in index():
        if Path(model).suffix or os.sep in model or Path(model).exists():
            return Path(model)
        raise MienError(f"no weights are called '{model}': give {', '.join(index())} or the path of an .onnx file")
    found = located(model)
    if found is None:
        raise MienError(f"the weights '{model}' are not here: 'mien weights fetch {model}' fetches them")
    return found


def lying(name: str) -> Path | None:
    """The file of a name, unchecked; None if it is nowhere."""
    folders = (PACKAGE, clone(), cached())
    paths = [folder / index()[name].file for folder in folders if folder is not None]
    return next((path for path in paths if path.is_file()), None)


def located(name: str) -> Path | None:
    """The file of a name, checked against its SHA-256, where it has one; None if it is nowhere."""
    path, entry = lying(name), index()[name]
    if path is None or entry.sha256 in (None, _sha256(path)):
        return path
    if path.parent == cached():
        return None  # of another version of mien, or damaged: to be fetched again
    raise MienError(f"{path} is not the '{name}' of mien {__version__} (SHA-256 differs): damaged or exchanged")


def clone() -> Path | None:
    """The folder `weights` of the clone of the repository that mien runs from, None if it runs from elsewhere."""
    source = PACKAGE.parents[1]
    return source.parent / "weights" if source.name == "src" and (source.parent / "pyproject.toml").is_file() else None


def cached() -> Path:
    """Where fetched files lie."""
    told = os.environ.get(CACHE_VARIABLE)
    return Path(told) if told else user_cache_path("mien") / "weights"


def fetch(name: str, tell: Tell | None = None) -> Path:
    """Weights by name from the release page, checked by SHA-256, in the user's cache; at once if they are here already.

    A `MienError` says what went wrong, and nothing of it is left.
    """
    if name not in index():
        raise MienError(f"no weights are called '{name}': the names are {', '.join(index())}")
    here = located(name)
    if here is not None:
        return here
    entry, base = index()[name], os.environ.get(RELEASES_VARIABLE) or RELEASES
    if not (base and entry.sha256 and entry.bytes):
        raise MienError(
            f"'{name}' cannot be fetched: mien {__version__} has no release page yet; a clone of the repository may "
            f"hold it as weights/{entry.file}"
        )
    if not base.startswith(("https://", "http://")):
        raise MienError(f"{RELEASES_VARIABLE} must be an https address, not {base}")
    path = cached() / entry.file
    part = path.with_name(f"{entry.file}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(f"{base.rstrip('/')}/{entry.file}", part, entry.sha256, entry.bytes, tell)
        os.replace(part, path)
    except OSError as error:
        raise MienError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if part.is_file():
            part.unlink()
    return path


def _download(url: str, part: Path, sha256: str, size: int, tell: Tell | None) -> None:
    """Write what lies at `url` to `part`; a `MienError` if it is not of that size and SHA-256."""
    digest, there = hashlib.sha256(), 0
    with part.open("wb") as file:
        for block in _blocks(url):
            there += len(block)
            if there > size:
                break
            digest.update(block)
            file.write(block)
            if tell:
                tell(there, size)
    if there < size:
        raise MienError(f"cannot fetch {url}: it ends after {there} of {size} bytes; nothing was kept")
    if there > size or digest.hexdigest() != sha256:
        raise MienError(f"{url} is not the file that mien {__version__} knows (SHA-256 differs); nothing was kept")


def _blocks(url: str) -> Iterator[bytes]:
    from http.client import HTTPException  # slow to load, and only wanted here
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=30) as answer:
            while block := answer.read(1 << 18):
                yield block
    except (OSError, HTTPException, ValueError) as error:  # URLError and timeouts are OSErrors
        raise MienError(f"cannot fetch {url}: {getattr(error, 'reason', None) or error}") from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MienError(f"cannot read the weights {path}: {error.strerror or error}") from None
