"""Fixtures of the paper's system; what they are made of is in `tiny`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mien.training.paper.config import PaperConfig, TripletOptions
from mien.training.paper.faces import Faces
from training.paper.tiny import TINY, made_up


@pytest.fixture
def tiny() -> PaperConfig:
    return TINY


@pytest.fixture(scope="session")
def some_faces() -> Faces:
    return made_up()


@pytest.fixture
def with_triplets(tiny, embedder_file) -> PaperConfig:
    return replace(
        tiny, loss=replace(tiny.loss, triplet_weight=2.0), triplet=TripletOptions(embedder=str(embedder_file))
    )


@pytest.fixture(scope="session")
def fabric():
    """One process."""
    import torch

    from training.paper.tiny import launch

    fabric = launch(TINY)
    torch.set_num_threads(1)
    return fabric
