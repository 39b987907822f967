"""Shared fixtures; what they are made of is in `support` and `synthetic`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

# before NumPy is loaded: on a busy machine the threads of its linear algebra mostly wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

from mien.expression import SHAPES
from mien.face import Face
from mien.rig.facekit import FaceKit
from mien.rig.render import Rig
from mien.rig.stage import stage
from support import SHARED, placed, write_stand_in
from synthetic import TINY, paint, write_kit, write_people

settings.register_profile("mien", deadline=None)  # a busy machine is not a bug
settings.load_profile("mien")


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


@pytest.fixture(scope="session")
def kit_file(tmp_path_factory) -> Path:
    """The made-up face model as a file."""
    return write_kit(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="session")
def kit(kit_file) -> FaceKit:
    """The made-up face model."""
    return FaceKit.load(kit_file)


@pytest.fixture(scope="session")
def painted() -> tuple[np.ndarray, np.ndarray]:
    """A painted photo (500, 500, 3) uint8 and its landmarks (68, 2)."""
    return paint(500, seed=0)


@pytest.fixture(scope="session")
def rig(kit, painted) -> Rig:
    """The painted face, neutral, on the made-up model."""
    return stage(kit, *painted, seed=3)[0]


@pytest.fixture(scope="session")
def smiling(kit, rig) -> Rig:
    """The same person with a smile that the rig made: its expression is estimated."""
    weights = np.zeros(57, np.float32)
    for name in ("mouthSmile_L", "mouthSmile_R"):
        weights[SHAPES.index(name)] = 0.8
    view = rig.view(weights, np.eye(2, 3), rig.size)
    photo = np.round(view.image * 255).astype(np.uint8)
    return stage(kit, photo, rig.landmarks(weights), identity=rig.fit.identity, estimate_expression=True, seed=3)[0]


@pytest.fixture(scope="session")
def trained(rig, smiling, tmp_path_factory) -> Path:
    """The folder of a tiny run, made without a break."""
    from training.tiny import train

    folder = tmp_path_factory.mktemp("run")
    train(replace(TINY, save_every=4, sample_every=3), folder, {"a": rig}, {"a": smiling}, [rig, smiling])
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory) -> Path:
    """A folder such as ../shared: two painted people to train on, one kept aside."""
    return write_people(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def real_kit() -> FaceKit:
    """ICT-FaceKit itself; for tests marked `needs_shared`."""
    return FaceKit.load(SHARED / "assets")
