"""Shared fixtures; what they are made of is in `support`."""

from pathlib import Path

import pytest

from mien.face import Face
from support import placed, write_stand_in


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory) -> Path:
    """An .onnx file with its manifest."""
    return write_stand_in(tmp_path_factory.mktemp("weights") / "stand-in.onnx")


@pytest.fixture
def two_faces(monkeypatch) -> list[Face]:
    """Whatever the photo, these faces are found in it; for tests that are not about finding them."""
    faces = [placed(180, 200, 1.2, 0.1), placed(400, 150, 0.5)]
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: faces)
    return faces
