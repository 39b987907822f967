"""`mien.edit`: one line of Python; what comes out is of the kind that went in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from mien.editor import Editor
from mien.errors import MienError
from mien.expression import Expression
from mien.face import Choice
from mien.formats import channels, check_output
from mien.picture import as_picture
from mien.provenance import stamped
from mien.shelf import DEFAULT


@overload
def edit(
    image: np.ndarray, expression: str | Expression, strength: float = 1.0, *,
    face: Choice = "largest", model: str | Path = DEFAULT,
) -> np.ndarray: ...  # fmt: skip


@overload
def edit(
    image: Image.Image, expression: str | Expression, strength: float = 1.0, *,
    face: Choice = "largest", model: str | Path = DEFAULT,
) -> Image.Image: ...  # fmt: skip


@overload
def edit(
    image: str | Path, expression: str | Expression, strength: float = 1.0, *,
    face: Choice = "largest", model: str | Path = DEFAULT, out: str | Path,
) -> Path: ...  # fmt: skip


def edit(
    image: np.ndarray | Image.Image | str | Path,
    expression: str | Expression,
    strength: float = 1.0,
    *,
    face: Choice = "largest",
    model: str | Path = DEFAULT,
    out: str | Path | None = None,
) -> np.ndarray | Image.Image | Path:
    """A photo with another expression: an array for an array, of its shape and type; an upright image of
    Pillow for one; for a path the file `out` is written, and its path returned.

    `strength` and `face` as in `Portrait.edit`. The weights are loaded once a model. Files say that they were edited;
    an image of Pillow has that in `info["xmp"]`, to be given to its `save`; an array cannot say it.
    """
    if isinstance(image, str | Path):
        if out is None:
            raise MienError("say where the edited photo goes: mien.edit(path, expression, out=path)")
        check_output(out)
    elif out is not None:
        raise MienError("out is for photos given by their path; this one is returned")
    picture = as_picture(image)
    if out is not None:
        check_output(out, picture)
    edited = _editor(model).open(picture).edit(expression, strength, face)
    if out is not None:
        return edited.save(out)
    pixels = channels(edited.picture)
    if isinstance(image, np.ndarray):
        return pixels
    told = stamped(edited.picture, edited.step)
    made = Image.fromarray(pixels)
    made.info.update({"xmp": told.xmp} | ({"icc_profile": told.icc} if told.icc else {}))
    if told.exif:
        made.info["exif"] = told.exif
    return made


@lru_cache(maxsize=2)
def _editor(model: str | Path) -> Editor:
    return Editor(model)
