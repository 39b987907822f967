"""A folder of pictures to read and another to write into: which pictures there are, and that none is harmed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mien.data.tree import JUNK, JUNK_FOLDERS, OTHER_PICTURES
from mien.errors import MienError
from mien.formats import EXTENSIONS


@dataclass(frozen=True)
class Found:
    """A picture. path: relative to the folder, with "/" between; trouble: why it must not be read, or ""."""

    path: str
    trouble: str = ""


def pictures(root: Path) -> list[Found]:
    """The pictures below `root`, in a fixed order: files with the extension of one, whatever is in them.

    What begins with a dot and what systems leave behind is no picture. Nothing outside is read: a link that leads out
    comes with its trouble; one that leads to a folder inside is not followed, as its pictures are found where they lie.
    """
    if not root.is_dir():
        raise MienError(f"{root} is a file, not a folder" if root.exists() else f"there is no folder {root}")
    inside, found, waiting = root.resolve(), [], [("", root)]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            if not prefix:
                raise MienError(f"cannot read {root}: {error.strerror}") from None
            found.append(Found(prefix.rstrip("/"), f"unreadable folder: {error.strerror}"))
            continue
        for entry in entries:
            path = prefix + entry.name
            if entry.name.startswith(".") or entry.name.lower() in (JUNK | JUNK_FOLDERS):
                continue
            linked = entry.is_symlink()
            leads_out = linked and not Path(os.path.realpath(entry.path)).is_relative_to(inside)
            if entry.is_dir():
                if leads_out:
                    found.append(Found(path, "a link that leads out of the folder: not followed"))
                elif not linked:
                    waiting.append((f"{path}/", Path(entry.path)))
            elif (
                PurePosixPath(path).suffix.lower() in EXTENSIONS or PurePosixPath(path).suffix.lower() in OTHER_PICTURES
            ):
                found.append(Found(path, _trouble(entry, leads_out)))
    return sorted(found, key=lambda one: one.path)


def _trouble(entry: os.DirEntry[str], leads_out: bool) -> str:
    if leads_out:
        return "a link that leads out of the folder: not read"
    return "" if entry.is_file() else "a link to nothing" if entry.is_symlink() else "not a file"


def place(source: Path, out: Path, mark: str) -> None:
    """Make the folder `out`; a `MienError` if writing there could touch `source`, or if it holds other things than
    those of a run before, which left a file called `mark`."""
    if not source.is_dir():
        raise MienError(f"{source} is a file, not a folder" if source.exists() else f"there is no folder {source}")
    a, b = source.resolve(), out.resolve()
    if a == b:
        raise MienError(f"{out} is the folder of the photos itself; give another, the photos are never touched")
    if b.is_relative_to(a):
        raise MienError(f"{out} lies within {source}; give a folder outside, the photos are never touched")
    if a.is_relative_to(b):
        raise MienError(f"{source} lies within {out}; give another folder, the photos are never touched")
    if out.exists() and not out.is_dir():
        raise MienError(f"{out} is a file, not a folder")
    try:
        if out.is_dir() and any(out.iterdir()) and not (out / mark).is_file():
            raise MienError(f"{out} is not empty, and no run of this command made it: give a new folder")
        out.mkdir(parents=True, exist_ok=True)
        for left in out.rglob(".*.part"):  # of a run that was killed
            left.unlink(missing_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {out}: {error.strerror or error}") from None


def stamp(path: Path) -> str:
    """Size and time of a file, "" if there is none: what has changed is made again."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"
