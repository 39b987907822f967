"""Nothing is written outside the folder that was given: neither by ".." in a name nor through a link."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mien.errors import MienError


def outside(name: str) -> bool:
    """Whether a path that should be relative to a folder leads out of it by its name."""
    path = Path(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name


def target(out: Path, path: str) -> Path:
    """The file `path` (relative, with "/") of `out`, its folder made; a `MienError` if it would lie anywhere else."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\0" in path:
        raise MienError(f"{path!r} would be written outside {out}")
    there = out / path
    try:
        if not there.parent.resolve().is_relative_to(out.resolve()):
            raise MienError(f"{there.parent} is a link that leads out of {out}: nothing is written there")
        there.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise MienError(f"cannot make the folder {there.parent}: {getattr(error, 'strerror', None) or error}") from None
    return there


def own(path: Path) -> Path:
    """A file that is to be added to, as it is; a `MienError` for a link, which may lead anywhere."""
    if path.is_symlink():
        raise MienError(f"{path} is a link: nothing is written where it leads")
    return path
