"""Every picture says that it was edited, and how: IPTC's digital source type and a record in JSON, both in its XMP.

The record is {"edits": [step, ...]}, the oldest first: a picture edited again keeps what was said before. It holds no
time and no file name, so the same edit gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mien import __version__, xmp, xmp_files
from mien.credentials import Credentials
from mien.errors import MienError
from mien.face import Face
from mien.formats import write
from mien.picture import Picture, read_xmp
from mien.synthesis.synthesiser import Synthesiser

TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
COMPOSITE = f"{TYPES}compositeWithTrainedAlgorithmicMedia"
"""IPTC: edited with generative AI; the photo's own pixels remain around what trained weights moved and painted."""

RIGGED = f"{TYPES}compositeSynthetic"
"""IPTC: a composite that has synthetic parts; no trained weights had a part in it."""

SYNTHETIC = f"{TYPES}trainedAlgorithmicMedia"
"""IPTC: made by generative AI as a whole. What says so stays so when it is edited."""

SOURCE_TYPE = xmp.Name("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt", "DigitalSourceType")
RECORD = xmp.Name("urn:x-mien:1.0/", "mien", "Provenance")

MAX_STEPS = 32
"""So many edits of edits are remembered, the last ones: a JPEG has room for 64 KB of XMP."""


@dataclass(frozen=True)
class Provenance:
    """What a file says. source_type: an address of IPTC's vocabulary; edits: the steps of mien, the oldest first."""

    source_type: str | None
    edits: list[dict[str, Any]]


def file_origin(path: Path) -> dict[str, str]:
    """SHA-256 of a file, {} if it cannot be read."""
    try:
        with path.open("rb") as file:
            return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    except OSError:
        return {}


def origin(picture: Picture) -> dict[str, str]:
    """What a picture was read from: SHA-256 of the file, or of the pixels of an array."""
    found = {} if picture.path is None else file_origin(picture.path)
    if found:
        return found  # else it was moved away meanwhile
    digest = hashlib.sha256(np.ascontiguousarray(picture.pixels).data)
    if picture.alpha is not None:
        digest.update(np.ascontiguousarray(picture.alpha).data)
    return {"pixels_sha256": digest.hexdigest()}


def step(
    weights: Synthesiser, source: dict[str, str], faces: Sequence[Face], edited: bool, **what: Any
) -> dict[str, Any]:
    """One step of a record: with which weights, of which input, what was done to which faces (boxes in photo px)."""
    return {
        "mien": __version__,
        "edited": edited,
        **what,
        "faces": [[round(float(v), 1) for v in face.box] for face in faces],
        "model": {"name": str(weights.manifest.get("name") or weights.path.stem), "sha256": weights.sha256},
        "input": source,
    }


def rig_step(picture: Picture, faces: Sequence[Face], edited: bool, **what: Any) -> dict[str, Any]:
    """One step of a record for an edit by the 3D rig, which has no trained weights."""
    return {
        "mien": __version__,
        "edited": edited,
        **what,
        "faces": [[round(float(v), 1) for v in face.box] for face in faces],
        "model": {"name": "rig"},
        "input": origin(picture),
    }


def stamped(picture: Picture, done: dict[str, Any], edited_type: str = COMPOSITE) -> Picture:
    """The picture with one more step in its XMP; its source type becomes `edited_type`, but only if it was edited."""
    return replace(picture, xmp=packet_with(picture.xmp, done, edited_type))


def packet_with(packet: bytes, done: dict[str, Any], edited_type: str = COMPOSITE) -> bytes:
    """An XMP packet (b"" for none) with one more step; see `stamped`."""
    told = _told(packet)
    before = told.source_type
    if edited_type == RIGGED and before == COMPOSITE:
        edited_type = COMPOSITE  # what trained weights had a part in stays so
    if done["edited"] and before and before != edited_type:
        done = done | {"source_type_before": before}
    edits = [*told.edits, done][-MAX_STEPS:]
    values = {RECORD: json.dumps({"edits": edits})}
    if done["edited"]:
        values[SOURCE_TYPE] = SYNTHETIC if before == SYNTHETIC else edited_type
    return xmp.put(packet, values)


def source_type_of(packet: bytes) -> str | None:
    """The digital source type that an XMP packet says."""
    return _told(packet).source_type


def write_signed(
    path: str | Path, picture: Picture, credentials: Credentials | None = None, parent: Path | None = None
) -> Path:
    """Write a picture that is `stamped`, signed where there are credentials. parent: the file it was made of."""
    if credentials is None:
        return write(path, picture)
    told, signer = _told(picture.xmp), credentials

    def sign(data: bytes, form: str) -> bytes:
        return signer.sign(data, form, told.edits[-1], told.source_type, parent)

    return write(path, picture, sign)


def inspect(path: str | Path) -> Provenance:
    """What a JPEG, PNG, WebP, TIFF, GIF, MP4 or MOV file says of itself; a `MienError` if it cannot be read."""
    return _told(packet_of(path))


def packet_of(path: str | Path) -> bytes:
    """The XMP packet of such a file, b"" if it has none; a `MienError` if the file cannot be read."""
    path = Path(path)
    if path.is_file():
        try:
            with path.open("rb") as file:
                if xmp_files.is_movie(file):
                    return xmp_files.movie_packet(file)
                if xmp_files.is_gif(file):
                    return xmp_files.gif_packet(file)
        except OSError as error:
            raise MienError(f"cannot read {path}: {error.strerror or error}") from None
    return read_xmp(path)


def _told(packet: bytes) -> Provenance:
    try:
        edits = json.loads(xmp.get(packet, RECORD) or "{}")["edits"]
        edits = [one for one in edits if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        edits = []  # not of mien, or somebody's joke
    return Provenance(xmp.get(packet, SOURCE_TYPE) or None, edits)
