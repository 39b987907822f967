"""C2PA: certificates, keys and settings that are given, and the credentials that files carry."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from mutate import SEAM

from targets.base import Run, Target


@cache
def _pair() -> tuple[bytes, bytes]:
    import tempfile

    from certificates import write_chain

    with tempfile.TemporaryDirectory() as folder:
        chain, key = write_chain(Path(folder))
        return chain.read_bytes(), key.read_bytes()


def _certificates() -> list[bytes]:
    settings = b"certificate = 'chain.pem'\nkey = 'key.pem'\n"
    return [SEAM.join((*_pair(), settings))]


def _certificate(folder: Path) -> Run:
    import os

    from mien import MienError, credentials

    folder.mkdir(parents=True)
    for name in ("chain.pem", "key.pem"):
        (folder / name).touch()
    os.environ[credentials.SETTINGS] = str(folder / "c2pa.toml")

    def run(data: bytes) -> None:
        chain, key, settings = (data.split(SEAM) + [b""] * 3)[:3]
        (folder / "chain.pem").write_bytes(chain)
        (folder / "key.pem").write_bytes(key)
        (folder / "c2pa.toml").write_bytes(settings)
        try:
            credentials._settings()
        except MienError as error:
            assert str(folder) in str(error)
        credentials.load(folder / "chain.pem", folder / "key.pem")

    return run


def _signed() -> list[bytes]:
    """Signed files of each kind."""
    import io
    import tempfile

    import numpy as np
    from PIL import Image

    from mien import credentials
    from mien.surfaces.clips.sequence import sequence

    chain, key = _pair()
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("chain.pem", chain), ("key.pem", key)):
            (Path(folder) / name).write_bytes(data)
        signer = credentials.load(Path(folder) / "chain.pem", Path(folder) / "key.pem")
        assert signer is not None
        step = {"mien": "0", "edited": True, "expression": "happy"}
        found, pixels = [], np.full((16, 16, 3), 90, np.uint8)
        for form in ("PNG", "JPEG", "WEBP", "TIFF", "GIF"):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, form)
            found.append(signer.sign(buffer.getvalue(), form, step, "http://x"))
        clip = Path(folder) / "x.mp4"
        with sequence(clip, "mp4", (16, 16), 25, pixels) as film:
            film.add(pixels)
            film.finish()
        found.append(signer.sign(clip.read_bytes(), "mp4", step, "http://x"))
    return found


def _reading(folder: Path) -> Run:
    from mien import credentials

    folder.mkdir(parents=True)
    path = folder / "x"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        json.dumps(credentials.read(path))

    return run


TARGETS = {
    "certificate": Target("parts", _certificates, _certificate),
    "signed": Target("picture", _signed, _reading),
}
