"""Whole runs, tiny: broken off and resumed they end bit for bit where an unbroken one ends."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mien.errors import MienError
from mien.training.checkpoint import load_checkpoint
from mien.training.config import TrainConfig
from mien.training.warp import Learner
from training.tiny import train

SHIPPED = Path(__file__).parents[2] / "checkpoints" / "base"


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of the tiny run, to be damaged."""
    return shutil.copytree(trained, tmp_path / "copy")


def test_a_run_leaves_what_it_says(trained, config):
    assert {path.name for path in trained.iterdir()} == {"checkpoint.safetensors", "samples", "logs"}
    assert sorted(path.name for path in (trained / "samples").iterdir()) == ["0000003.png", "0000006.png"]
    sheet = cv2.imread(str(trained / "samples" / "0000006.png"))
    assert sheet.shape == (4 * config.size, 7 * config.size, 3) and sheet.std() > 10  # two rigs, two rows each
    events = EventAccumulator(str(trained / "logs")).Reload()
    assert {"flow", "shading", "alpha", "paint", "teeth", "image", "adversarial", "discriminator"} <= set(
        events.Tags()["scalars"]
    )
    assert all(math.isfinite(event.value) for event in events.Scalars("image"))


def test_a_broken_run_ends_where_an_unbroken_one_ends(trained, config, neutral, smiles, tmp_path):
    """Networks, average and both optimisers, though it was broken off twice, once before the rival joins."""
    steps = []
    for time in (0.0, 0.0, math.inf):  # no time at all is one step
        torch.manual_seed(len(steps))
        train(config, tmp_path, neutral, smiles, stop_after=time)
        steps.append(load_checkpoint(tmp_path)[1]["step"])
    assert steps == [1, 2, 6]
    whole, broken = (load_file(folder / "checkpoint.safetensors") for folder in (trained, tmp_path))
    assert set(whole) == set(broken) and any(name.startswith("d_adam.") for name in whole)
    different = [name for name in whole if not torch.equal(whole[name], broken[name])]
    assert not different


def test_a_run_learned_something_and_the_average_lags(trained, config):
    tensors = load_file(trained / "checkpoint.safetensors")
    fresh = Learner(config, torch.device("cpu")).generator.state_dict()
    for name in ("stem.weight", "last.weight", "embed.0.weight"):
        now, average = tensors[f"generator.{name}"], tensors[f"average.{name}"]
        assert not torch.equal(now, fresh[name]) and not torch.equal(now, average)
        assert (average - fresh[name]).norm() < (now - fresh[name]).norm()


def test_a_finished_run_is_left_as_it_is(copy, config, neutral, smiles):
    before = (copy / "checkpoint.safetensors").read_bytes()
    generator = train(config, copy, neutral, smiles)
    assert (copy / "checkpoint.safetensors").read_bytes() == before
    wanted = load_file(copy / "checkpoint.safetensors")
    assert all(torch.equal(value, wanted[f"average.{name}"]) for name, value in generator.state_dict().items())


def test_checkpoints_need_no_pickle(trained, config):
    data = (trained / "checkpoint.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])  # a length, JSON, numbers: nothing to run
    state = json.loads(header["__metadata__"]["state"])
    assert state["step"] == 6 and state["config"]["widths"] == list(config.widths)
    with safe_open(trained / "checkpoint.safetensors", framework="numpy") as file:
        assert len(list(file.keys())) == len(header) - 1


def resave(folder, change) -> None:
    """Write the checkpoint again, its tensors and state changed."""
    tensors, state = load_checkpoint(folder)
    change(tensors, state)
    save_file(tensors, folder / "checkpoint.safetensors", metadata={"state": json.dumps(state)})


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a checkpoint at all"),
        lambda path: path.write_bytes(b"\x80\x04\x95 a pickle"),
        lambda path: save_file({"x": torch.zeros(1)}, path),
        lambda path: save_file({"x": torch.zeros(1)}, path, metadata={"state": "{}"}),
        lambda path: save_file({"x": torch.zeros(1)}, path, metadata={"state": '{"step": "x", "config": {}}'}),
    ],
    ids=["cut", "empty", "text", "pickle", "no state", "empty state", "odd state"],
)
def test_a_damaged_checkpoint_is_refused_and_kept(damage, copy, config, neutral, smiles):
    path = copy / "checkpoint.safetensors"
    damage(path)
    before = path.read_bytes()
    with pytest.raises(MienError, match="not a checkpoint of mien"):
        train(config, copy, neutral, smiles)
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_network_is_refused(copy, config, neutral, smiles):
    with pytest.raises(MienError, match="other widths"):
        train(replace(config, widths=(8, 8, 16, 16, 32)), copy, neutral, smiles)
    with pytest.raises(MienError, match="other head"):
        train(replace(config, head=8), copy, neutral, smiles)
    with pytest.raises(MienError, match="other rate"):
        train(replace(config, rate=1.0), copy, neutral, smiles)
    resave(copy, lambda tensors, state: tensors.pop("generator.stem.weight"))
    with pytest.raises(MienError, match="of another network") as refused:
        train(config, copy, neutral, smiles)
    assert "\n" not in str(refused.value)


def test_a_checkpoint_of_another_kind_or_of_an_average_alone(copy, config, neutral, smiles):
    resave(copy, lambda tensors, state: state.update(kind="mien paper run 1"))
    with pytest.raises(MienError, match="a run of another kind"):
        train(config, copy, neutral, smiles)

    def strip(tensors, state):
        state.pop("kind")
        for name in [name for name in tensors if not name.startswith("average.")]:
            tensors.pop(name)

    resave(copy, strip)  # as checkpoints/base is
    with pytest.raises(MienError, match=r"averaged weights alone.*--init"):
        train(config, copy, neutral, smiles)
    train(replace(config, steps=1), copy.with_name("next"), neutral, smiles, init=copy)


def test_a_checkpoint_from_before_there_were_two_kinds_goes_on(config, neutral, smiles, trained, tmp_path):
    """It names no kind, and its configuration lacks what is newer."""
    for _ in range(3):
        train(config, tmp_path, neutral, smiles, stop_after=0.0)

    def older(tensors, state):
        state.pop("kind"), state.pop("random")
        for name in ("model", "other_pairs", "save_every", "sample_every", "values_every"):
            state["config"].pop(name)
        for name in [name for name in state["config"] if name.startswith("triplet_")]:
            state["config"].pop(name)

    resave(tmp_path, older)
    train(config, tmp_path, neutral, smiles)
    whole, again = (load_file(folder / "checkpoint.safetensors") for folder in (trained, tmp_path))
    assert all(torch.equal(whole[name], again[name]) for name in whole)


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="no checkpoints/base here")
def test_the_shipped_weights_are_a_start(config, neutral):
    learner = Learner(TrainConfig(), torch.device("cpu"), SHIPPED)
    wanted = load_file(SHIPPED / "checkpoint.safetensors")
    assert all(torch.equal(v, wanted[f"average.{name}"]) for name, v in learner.generator.state_dict().items())


def test_a_run_that_explodes_stops_and_saves_nothing(config, neutral, smiles, tmp_path):
    with pytest.raises(MienError, match="not finite at step"):
        train(replace(config, rate=1e30, warmup=0), tmp_path, neutral, smiles)
    assert load_checkpoint(tmp_path) is None


def test_progress_is_reported(config, neutral, smiles, tmp_path):
    told = []
    train(replace(config, steps=2), tmp_path, neutral, smiles, report=lambda *args: told.append(args))
    ((step, total, terms),) = told
    assert step == 2 and math.isfinite(total) and terms["image"] > 0


def test_a_fresh_run_starts_from_another_runs_average(config, neutral, smiles, tmp_path):
    first = train(config, tmp_path / "first", neutral, smiles)
    still = replace(config, steps=1, rate=0.0, final_rate=0.0, warmup=0, adversarial_from=9)
    again = train(still, tmp_path / "again", neutral, smiles, init=tmp_path / "first")
    for name, value in first.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
    with pytest.raises(MienError, match=r"no checkpoint\.safetensors"):
        train(still, tmp_path / "none", neutral, smiles, init=tmp_path / "nowhere")


def test_a_run_with_the_identity_losses_goes_on_as_it_was(config, neutral, smiles, embedder_file, tmp_path):
    """Other people's photos and random mining are drawn from seed and step alone."""
    people = {"a": neutral["a"], "b": neutral["a"]}
    told = replace(
        config, steps=3, adversarial_from=0, triplet_weight=1.0, triplet_embedder=str(embedder_file),
        triplet_mining="random", batch=4,
    )  # fmt: skip
    for _ in range(3):
        torch.seed()
        train(told, tmp_path / "broken", people, smiles, stop_after=0.0)
    train(told, tmp_path / "whole", people, smiles)
    whole, broken = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(whole[name], broken[name]) for name in whole)
    scalars = EventAccumulator(str(tmp_path / "whole" / "logs")).Reload().Tags()["scalars"]
    assert {"triplet", "identity/own", "identity/other", "identity/active"} <= set(scalars)
