"""Fixtures of the paper's system; what they are made of is in `tiny`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mien.models.embedder import Embedder
from mien.models.embedder_convert import write
from mien.training.paper.config import PaperConfig, TripletOptions
from mien.training.paper.faces import Faces
from training.paper.tiny import TINY, made_up


@pytest.fixture
def tiny() -> PaperConfig:
    return TINY


@pytest.fixture(scope="session")
def some_faces() -> Faces:
    return made_up()


@pytest.fixture(scope="session")
def embedder_file(tmp_path_factory) -> Path:
    """An embedder of the right kind with random weights."""
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("embedder") / "random.safetensors"
    write(path, Embedder().state_dict(), {})
    return path


@pytest.fixture
def with_triplets(tiny, embedder_file) -> PaperConfig:
    return replace(
        tiny, loss=replace(tiny.loss, triplet_weight=2.0), triplet=TripletOptions(embedder=str(embedder_file))
    )


@pytest.fixture(scope="session")
def fabric():
    """One process."""
    import torch

    from mien.training.paper.trainer import launch

    torch.set_num_threads(1)
    return launch(TINY)
