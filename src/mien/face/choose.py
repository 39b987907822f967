"""Which faces of a photo a user means."""

from __future__ import annotations

from collections.abc import Sequence

from mien.errors import MienError

Choice = str | int
"""Which faces: "largest", "all", or a number from 1 (the largest) on."""


def choose(faces: Sequence[object], face: Choice, photo: str) -> list[int]:
    """Indices into `faces` of those that a choice means; a `MienError`, which names the photo, if there is none."""
    found = len(faces)
    if not found:
        raise MienError(f"no face found in {photo}")
    if face in ("largest", "all"):
        return list(range(found)) if face == "all" else [0]
    try:
        number = int(face)
    except ValueError:
        raise MienError(f"a face is 'largest', 'all' or a number from 1 on, not '{face}'") from None
    if not 1 <= number <= found:
        has = "1 face" if found == 1 else f"{found} faces, numbered from 1"
        raise MienError(f"there is no face {number} in {photo}: it has {has}")
    return [number - 1]
