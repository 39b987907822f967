"""What the tests of training share: a tiny run's configuration and the people it trains on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mien.models.embedder import Embedder
from mien.models.embedder_convert import write
from mien.rig.render import Rig
from mien.training import source
from mien.training.batch import Batch
from mien.training.config import TrainConfig
from synthetic import TINY


def tensors(batch: Batch) -> list[torch.Tensor]:
    """All tensors of a batch, those of its maps included."""
    return [value for name, value in vars(batch).items() if name != "maps"] + list(batch.maps)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The order of sums, and so every bit, depends on the number of threads."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Nothing may depend on torch's global generator, nor on what an earlier source left behind."""
    torch.seed()
    source._neutral.clear()
    source._smiles.clear()
    yield


@pytest.fixture
def config() -> TrainConfig:
    return TINY


@pytest.fixture(scope="session")
def neutral(rig) -> dict[str, Rig]:
    return {"a": rig}


@pytest.fixture(scope="session")
def smiles(smiling) -> dict[str, Rig]:
    return {"a": smiling}


@pytest.fixture
def equal_batches():
    """Whether two batches, bit for bit, are the same."""
    return lambda a, b: all(torch.equal(x, y) for x, y in zip(tensors(a), tensors(b), strict=True))


@pytest.fixture(scope="session")
def embedder_file(tmp_path_factory) -> Path:
    """An embedder of the right kind with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("embedder") / "random.safetensors"
    write(path, Embedder().state_dict(), {})
    return path
