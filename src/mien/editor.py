"""The way of use, top to bottom: read -> find faces -> what the weights make of each -> write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien import face as faces_of
from mien import provenance
from mien.credentials import Credentials
from mien.crops import edit_crops
from mien.errors import MienError
from mien.expression import MAX_AMOUNT, Expression, parse
from mien.face import Choice, Face, choose
from mien.formats import write
from mien.picture import ImageLike, Picture, as_picture
from mien.provenance import stamped, write_signed
from mien.shelf import DEFAULT, find
from mien.synthesis.maps import Maps
from mien.synthesis.synthesiser import Sitting, Synthesiser, synthesiser


class Editor:
    """Builds one session of the weights and edits any number of photos with it.

    `model`: "default", which come with mien, another name ('mien weights list'), or an .onnx file. `providers`: of ONNX
    Runtime, the CPU by default. `threads`: of the session, by default one a core, four at most.

    One editor may be used by several threads at a time.
    """

    def __init__(
        self, model: str | Path | None = None, providers: Sequence[str] | None = None, threads: int | None = None
    ) -> None:
        self.generator = synthesiser(find(DEFAULT if model is None else model), providers, threads)
        self._last: tuple[object, Portrait] | None = None

    def open(self, image: ImageLike) -> Portrait:
        """A photo to edit several times: a path, an array (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) of uint8 or uint16,
        or an image of Pillow.

        The last photo is remembered, so its faces are searched for once.
        """
        key, last = _identity(image), self._last  # read once: another thread may put its own photo there
        if last is not None and key is not None and last[0] == key:
            return last[1]
        portrait = Portrait(as_picture(image), self.generator)
        self._last = (key, portrait)
        return portrait

    def faces(self, image: ImageLike) -> list[Face]:
        """The faces of a photo, the largest first."""
        return self.open(image).faces

    def edit(
        self,
        image: ImageLike,
        expression: str | Expression,
        strength: float = 1.0,
        face: Choice = "largest",
    ) -> Edit:
        """A photo with another expression; see `Portrait.edit`."""
        expression = parse(expression)
        return self.open(image).edit(expression, strength, face)

    def edit_crops(
        self,
        crops: np.ndarray,
        expression: str | Expression | Sequence[str | Expression],
        strength: float | Sequence[float] = 1.0,
        landmarks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Faces cut out and aligned already, such as 'mien data prepare' makes: (n, S, S, 3) uint8 RGB, as a new array.

        They lie as `mien.face.align.CANONICAL` says, S px being its 256: no face is searched for. One expression and
        strength for all, or n of them. `landmarks` (n, 68, 2) px of the crops, if known; else they are found.
        """
        return edit_crops(self.generator, crops, expression, strength, landmarks)


class Portrait:
    """A photo whose faces are found once. Made by `Editor.open`."""

    def __init__(self, picture: Picture, generator: Synthesiser) -> None:
        self.picture = picture
        self._generator = generator
        self._sittings: dict[int, Sitting] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The expressions by name that the weights can make."""
        return self._generator.names

    @cached_property
    def faces(self) -> list[Face]:
        """The faces, the largest first."""
        return faces_of.find_faces(self.picture.rgb)

    @cached_property
    def origin(self) -> dict[str, str]:
        """SHA-256 of the photo's file, or of the array's pixels."""
        return provenance.origin(self.picture)

    def step(self, faces: Sequence[Face], edited: bool, **what: Any) -> dict[str, Any]:
        """What a file made of this photo says of how; see `provenance`."""
        return provenance.step(self._generator, self.origin, faces, edited, **what)

    def choose(self, face: Choice = "largest") -> list[int]:
        """Indices into `faces` of those that a choice means; a `MienError` if there is none."""
        return choose(self.faces, face, self.picture.name)

    def reduced(self, factor: float) -> Portrait:
        """The same photo at `factor` times its size, 8 bits, its faces where they are here: for a quick look."""
        rgb = self.picture.rgb
        size = [max(1, round(side * factor)) for side in rgb.shape[1::-1]]
        small = Portrait(Picture(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)), self._generator)
        small.faces = [face.scaled(factor) for face in self.faces]
        return small

    def edit(self, expression: str | Expression, strength: float = 1.0, face: Choice = "largest") -> Edit:
        """This photo with another expression.

        `strength` in [0, 1.3] is the share of the way from the photo's own expression to the target; 0 returns the
        photo's pixels exactly. `face` is "largest", "all" or a number from 1 on.
        """
        expression = parse(expression)
        if not 0 <= strength <= MAX_AMOUNT:
            raise MienError(f"the strength must be within 0 to {MAX_AMOUNT}, not {strength:g}")
        amount = min(strength * expression.amount, MAX_AMOUNT)
        self._generator.check(expression)
        chosen = self.choose(face)
        pixels, maps = self.picture.pixels, []
        for index in chosen if amount > 0 else ():
            pixels, said = self._sitting(index).edit(pixels, expression, amount)
            maps.append(said)
        if not maps:
            pixels = pixels.copy()  # the photo stays what it is, whatever becomes of the edit
        faces = [self.faces[i] for i in chosen]
        step = self.step(faces, bool(maps), expression=str(expression), strength=strength)
        return Edit(self.picture.with_pixels(pixels), faces, expression, strength, maps, step)

    def _sitting(self, index: int) -> Sitting:
        if index not in self._sittings:
            self._sittings[index] = self._generator.sit(self.picture.rgb, self.faces[index])
        return self._sittings[index]


@dataclass(frozen=True)
class Edit:
    """An edited photo."""

    picture: Picture
    faces: list[Face]  # those edited
    expression: Expression
    strength: float
    maps: list[Maps]  # one an edited face; none at strength 0
    step: dict[str, Any]  # what a saved file says of how it was made

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3) RGB, uint8, or uint16 as the photo was."""
        return self.picture.pixels

    def save(self, path: str | Path, provenance: bool = True, credentials: Credentials | None = None) -> Path:
        """Write it in the format of the extension, with the photo's EXIF, XMP, ICC profile, alpha and JPEG quality.

        `provenance`: whether the file says that it was edited, and how (a BMP cannot). `credentials`: to sign that with
        (C2PA), as `mien.credentials.load` gives them.
        """
        if not provenance:
            return write(path, self.picture)
        return write_signed(path, stamped(self.picture, self.step), credentials, self.picture.path)


def _identity(image: object) -> object:
    """Equal for the same unchanged file and for arrays of equal content; None for what is not remembered."""
    if isinstance(image, str | Path):
        path = Path(image)
        if not path.is_file():
            return None  # reading says what is wrong
        stat = path.stat()
        return (path.resolve(), stat.st_mtime_ns, stat.st_size)
    if isinstance(image, np.ndarray):
        return (image.shape, image.dtype.str, hashlib.blake2b(np.ascontiguousarray(image).data).digest())
    return None
