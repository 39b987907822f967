"""A database's folder as a list of files, without what systems and archivers leave behind."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from mien.data.record import Note
from mien.errors import MienError
from mien.formats import EXTENSIONS

JUNK = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
"""Files that systems leave behind, in lower case; what begins with a dot is left out too."""

JUNK_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}

OTHER_PICTURES = {".gif", ".pgm", ".ppm", ".pbm", ".heic", ".jp2", ".psd"}
"""Pictures that mien does not read."""

COPY = re.compile(r"(?:\s*\(\d+\)|\s*-\s*(?:copy|kopie|copie)(?:\s*\(\d+\))?|\s+copy(?:\s+\d+)?|~)$", re.IGNORECASE)
"""What systems add to the name of a second copy."""

PREPARED = ".progress.jsonl"
"""A file of the folders that `mien data prepare` makes; one that lies within a database is no part of it."""

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z", ".bz2", ".xz")


class Tree:
    """The files below `root`: paths relative to it, with "/", in a fixed order."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.troubles: list[Note] = []
        if self.root.is_file():
            if self.root.name.lower().endswith(ARCHIVES):
                raise MienError(f"{self.root} is an archive: unpack it and give the folder")
            if suffix(self.root.name) in (*EXTENSIONS, *OTHER_PICTURES):
                raise MienError(f"{self.root} is a picture: give the folder that it lies in")
            self.files = [self.root.name]
            self.root = self.root.parent
            self.table: str | None = self.files[0]
        elif self.root.is_dir():
            self.files = sorted(self._walk())
            self.table = None
        else:
            raise MienError(f"{self.root} does not exist")
        self.pictures = [path for path in self.files if suffix(path) in EXTENSIONS]
        self.other_pictures = [path for path in self.files if suffix(path) in OTHER_PICTURES]

    def _walk(self) -> list[str]:
        """Every file once: links may go in circles, and a folder is rather known by its own name than by a link's."""
        found: list[str] = []
        waiting, links = [("", self.root)], list[tuple[str, Path]]()
        seen = {os.path.realpath(self.root)}
        while waiting or links:
            if not waiting:
                links.sort(reverse=True)
                prefix, folder = links.pop()
                real = os.path.realpath(folder)
                if real in seen:
                    continue
                seen.add(real)
            else:
                prefix, folder = waiting.pop()
            try:
                entries = list(os.scandir(folder))
            except OSError as error:
                self.troubles.append(Note(prefix.rstrip("/") or ".", f"unreadable folder: {error.strerror}"))
                continue
            if prefix and any(entry.name == PREPARED for entry in entries):
                continue
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if not _is_text(name):
                    told = (prefix + name).encode("utf-8", "backslashreplace").decode()
                    self.troubles.append(Note(told, "unreadable: its name is not UTF-8; rename it"))
                    continue
                if entry.is_dir():
                    if name.lower() not in JUNK_FOLDERS:
                        inner = (f"{prefix}{name}/", Path(entry.path))
                        real = os.path.realpath(entry.path)
                        if entry.is_symlink():
                            links.append(inner)
                        elif real not in seen:  # a link may lead above the root
                            seen.add(real)
                            waiting.append(inner)
                elif name.lower() not in JUNK:
                    found.append(prefix + name)
        return found

    def text(self, path: str) -> str:
        """A text file's content, whatever its line ends; a byte order mark is left out."""
        try:
            data = (self.root / path).read_bytes()
        except OSError as error:
            raise MienError(f"cannot read {self.root / path}: {error.strerror}") from None
        return decoded(data)

    def above(self, depth: int = 4) -> str:
        """The names of the last folders of the root itself, each ended by "/": where one stands when it is given deep
        inside a database."""
        return "".join(f"{part}/" for part in self.root.absolute().parts[-depth:] if part != "/")


def _is_text(name: str) -> bool:
    """Whether a name can be written down: archives of other systems may leave bytes that are no letters here."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def decoded(data: bytes) -> str:
    """Text of a label file: UTF-8 or UTF-16 by its mark, else Latin-1 rather than an error."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def suffix(path: str) -> str:
    """The extension in lower case, with its dot."""
    return PurePosixPath(path).suffix.lower()


def stem(path: str) -> str:
    """A file's name without its extension, and without what a system added to a copy's name."""
    return COPY.sub("", PurePosixPath(path).stem.strip()).strip()


def is_copy(path: str) -> bool:
    """Whether the name is that of a second copy, such as "a (1).jpg"."""
    return stem(path) != PurePosixPath(path).stem
