"""Who has which photo open. Each tab of a browser has its own session; two share nothing but the weights."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import Image

from mien.editor import Editor, Portrait
from mien.errors import MienError
from mien.expression import Expression
from mien.face import Choice
from mien.picture import read
from mien.surfaces.ui.preview import factor

MAX_BYTES = 40 * 2**20
"""Of an upload."""

MAX_PIXELS = 50_000_000
"""Of one photo; all open ones together may have `MAX_ALL_PIXELS`."""

MAX_ALL_PIXELS = 150_000_000

MAX_SESSIONS = 8
"""So many photos are open at once. One more puts away the one that nobody touched for longest."""

IDLE = 3600.0
"""Seconds after which a photo that nobody touches is put away."""

MAX_FILES = 4
"""So many finished files wait for their download, a session: each until it is fetched, once."""

_finding = threading.Lock()  # dlib's detector is one object for all


@dataclass(frozen=True)
class Wish:
    """What the controls ask for. face: "1", "2", ... or "all"; expression: None while all sliders are at 0."""

    face: str = "1"
    strength: float = 1.0
    expression: Expression | None = None

    @property
    def choice(self) -> Choice:
        """The face as an editor takes it."""
        return int(self.face) if self.face.isdecimal() else self.face


@dataclass
class Session:
    """One tab: its photo, and the number of its last wish, by which late answers are known."""

    portrait: Portrait | None = None
    name: str = ""  # of the uploaded file, for messages and downloads
    upload: bytes = b""  # the file itself, where what is made of it gets signed
    wish: Wish = field(default_factory=Wish)
    serial: int = 0
    touched: float = 0.0
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # ticket -> (file name, content)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def photo(self) -> Portrait:
        """Its photo; a `MienError` if there is none."""
        if self.portrait is None:
            raise MienError("drop a photo first")
        return self.portrait

    @cached_property
    def small(self) -> Portrait:
        """Its photo at the size of the preview."""
        photo = self.photo()
        return photo.reduced(factor(photo))

    def next(self) -> int:
        """The number of a new wish."""
        self.serial += 1
        return self.serial

    def take(self, path: Path, name: str, editor: Editor, keep: bool = False) -> Portrait:
        """Open an uploaded file, which is deleted whatever happens; on a `MienError` the photo before it stays.

        keep: whether its bytes are remembered with the photo, as a signature needs the file itself.
        """
        try:
            portrait = _opened(path, name, editor)
            upload = path.read_bytes() if keep else b""
        finally:
            path.unlink(missing_ok=True)
        with self.lock:
            self.portrait, self.name, self.upload = portrait, name, upload
            self.__dict__.pop("small", None)
            self.files.clear()
            self.next()
        return portrait

    def offer(self, name: str, content: bytes) -> str:
        """Keep a file for one download; returns its ticket, which nobody can guess."""
        ticket = secrets.token_urlsafe(24)
        with self.lock:
            while len(self.files) >= MAX_FILES:
                self.files.pop(next(iter(self.files)))
            self.files[ticket] = (name, content)
        return ticket


class Sessions:
    """All sessions by their key, at most `MAX_SESSIONS` with a photo."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._all: dict[str, Session] = {}
        self._clock, self._lock = clock, threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def get(self, key: str | None) -> Session:
        """The session of a key, new if there is none; those idle for too long are put away."""
        if not key:
            raise MienError("this page has no session; load it again")
        now = self._clock()
        with self._lock:
            for other in [k for k, one in self._all.items() if now - one.touched > IDLE]:
                del self._all[other]
            session = self._all.setdefault(key, Session())
            session.touched = now
            self._shrink(keep=key)
            return session

    def settle(self, key: str) -> None:
        """After a photo was opened: put the longest untouched away until all keep to the limits together."""
        with self._lock:
            self._shrink(keep=key)

    def drop(self, key: str | None) -> None:
        """A tab was closed: its photo and files are forgotten."""
        with self._lock:
            self._all.pop(key or "", None)

    def redeem(self, ticket: str) -> tuple[str, bytes] | None:
        """The (file name, content) of a ticket, once; None if there is none."""
        with self._lock:
            for session in self._all.values():
                if ticket in session.files:
                    return session.files.pop(ticket)
        return None

    def _shrink(self, keep: str) -> None:
        def pixels(session: Session) -> int:
            return 0 if session.portrait is None else session.portrait.picture.rgb[..., 0].size

        others = sorted((k for k in self._all if k != keep), key=lambda k: self._all[k].touched)
        while others and (len(self._all) > MAX_SESSIONS or sum(map(pixels, self._all.values())) > MAX_ALL_PIXELS):
            del self._all[others.pop(0)]


def _opened(path: Path, name: str, editor: Editor) -> Portrait:
    if not path.exists():  # equal uploads have one place
        raise MienError(f"{name} was dropped in another tab at the same moment: drop it again")
    if path.stat().st_size > MAX_BYTES:
        raise MienError(f"{name} is larger than {MAX_BYTES // 2**20} MiB; make it smaller first")
    _check_size(path, name)
    try:
        picture = read(path)
        # not Editor.open, which would remember the photo after its tab was closed
        portrait = Portrait(picture, editor.generator)
        _ = portrait.origin  # the hash of the file, while there is one
        with _finding:
            if not portrait.faces:
                raise MienError(f"no face found in {name}")
    except MienError as error:
        raise MienError(str(error).replace(str(path), name)) from None  # not where it lay
    return portrait


def _check_size(path: Path, name: str) -> None:
    try:
        with Image.open(path) as image:
            pixels = image.width * image.height
    except Exception:  # `read` says what is wrong
        return
    if pixels > MAX_PIXELS:
        raise MienError(
            f"{name} has {pixels / 1e6:.0f} million pixels and the page takes {MAX_PIXELS // 1_000_000}: use mien edit"
        )
