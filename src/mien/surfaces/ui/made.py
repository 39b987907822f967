"""Files made for a session: the edited photo, the sheet, the clip. Each is read back into memory and deleted."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mien.credentials import Credentials
from mien.editor import Editor
from mien.errors import MienError
from mien.expression import ALL_NAMES, Expression, parse
from mien.face import Choice
from mien.formats import EXTENSIONS
from mien.picture import Picture
from mien.provenance import stamped, write_signed
from mien.sheet import sheet as draw
from mien.surfaces.clips.keyframes import parse_track
from mien.surfaces.folders.names import slug
from mien.surfaces.ui.preview import address, jpeg
from mien.surfaces.ui.state import Session, Wish

AS_PHOTO = "Same format"
FORMS = {AS_PHOTO: "", "PNG": ".png", "JPEG": ".jpg", "WebP": ".webp", "TIFF": ".tif"}
CLIPS = {"MP4": ("mp4", "video/mp4"), "WebP": ("webp", "image/webp"), "GIF": ("gif", "image/gif")}

CLIP_SIDE = 720  # px
CLIP_TRACK = "0:neutral:0 1:{it} 1.8:{it} 2.8:neutral:0"
"""From the photo's own expression to the chosen one and back."""


@dataclass(frozen=True)
class File:
    """A finished file. shown: HTML of it for the page, "" for what is only sent."""

    name: str
    content: bytes
    shown: str = ""


def saved(session: Session, folder: Path, form: str, wish: Wish, credentials: Credentials | None = None) -> File:
    """The file that `Edit.save` writes: the photo's own size, and how it was made within it; signed (C2PA) if asked."""
    with session.lock:
        photo = session.photo()
        # all sliders at 0: the photo's pixels exactly, as at strength 0
        edit = photo.edit(wish.expression or "neutral", wish.strength if wish.expression else 0.0, wish.choice)
        suffix = FORMS[form] or _own_suffix(session.name)
        name = f"{_stem(session.name)}_{_slug(wish.expression)}{suffix}"
        return File(
            name,
            _through(
                folder,
                suffix,
                lambda path: _signed(path, stamped(edit.picture, edit.step), credentials, session, folder),
            ),
        )


def sheet(session: Session, folder: Path, wish: Wish, credentials: Credentials | None = None) -> File:
    """All names that the weights can make, of one face, as a PNG."""
    with session.lock:
        photo = session.photo()
        one: Choice = "largest" if wish.face == "all" else wish.choice
        picture = draw(photo, [name for name in ALL_NAMES if name in photo.names], face=one)
    content = _through(folder, ".png", lambda path: _signed(path, picture, credentials, session, folder))
    shown = f'<img alt="All expressions of the face" src="{jpeg(picture.pixels)}">'
    return File(f"{_stem(session.name)}_sheet.png", content, shown)


def clips() -> bool:
    """Whether clips can be made here: they need PyAV (extra `video`)."""
    return find_spec("av") is not None


def clip(
    session: Session, folder: Path, form: str, wish: Wish, editor: Editor, credentials: Credentials | None = None
) -> File:
    """A short clip, at most `CLIP_SIDE` px."""
    from mien.surfaces.clips.animate import animate  # needs PyAV

    if wish.expression is None:
        raise MienError("choose an expression first: the clip goes there and back")
    extension, kind = CLIPS[form]
    with session.lock:
        photo = session.photo()
        track = parse_track(CLIP_TRACK.format(it=wish.expression), wish.strength)
        passing = copy(editor)  # an editor remembers its last photo; this one is forgotten with the clip

        def write(path: Path) -> None:
            with _parent(session, folder, credentials) as parent:
                source = replace(photo.picture, path=parent)
                animate(source, path, track, passing, size=CLIP_SIDE, face=wish.choice, credentials=credentials)

        content = _through(
            folder,
            f".{extension}",
            write,
        )
    source = address(content, kind)
    if form == "MP4":
        shown = f'<video controls autoplay loop muted playsinline src="{source}"></video>'
    else:
        shown = f'<img alt="The clip" src="{source}">'
    return File(f"{_stem(session.name)}_{_slug(wish.expression)}.{extension}", content, shown)


def _signed(path: Path, picture: Picture, credentials: Credentials | None, session: Session, folder: Path) -> None:
    with _parent(session, folder, credentials) as parent:
        write_signed(path, picture, credentials, parent)


@contextmanager
def _parent(session: Session, folder: Path, credentials: Credentials | None) -> Iterator[Path | None]:
    """The uploaded file, in the private folder for as long as a signature needs it."""
    if credentials is None or not session.upload:
        yield None
        return
    path = folder / f"{secrets.token_hex(8)}{_own_suffix(session.name)}"
    try:
        path.write_bytes(session.upload)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _through(folder: Path, suffix: str, save: Callable[[Path], Any]) -> bytes:
    """What `save` writes to a path, as bytes; the file lies in the private folder for that moment only."""
    path = folder / f"{secrets.token_hex(8)}{suffix}"
    try:
        save(path)
        return path.read_bytes()
    except MienError as error:
        raise MienError(str(error).replace(str(path), f"the {suffix} file")) from None
    finally:
        path.unlink(missing_ok=True)


def _own_suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if suffix in EXTENSIONS else ".png"


def _stem(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", Path(name).stem)[:80].strip("-.") or "photo"


def _slug(expression: Expression | None) -> str:
    """As `mien edit` names its files, but no longer than a name may be."""
    text = slug(expression or parse("neutral:0"))
    return text if len(text) <= 80 else "mixture"
