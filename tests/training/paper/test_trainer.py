"""Whole runs, tiny: killed and resumed, on two processes, out of numbers, out of disk."""

from __future__ import annotations

import math
import resource
import signal
import time
from dataclasses import replace

import cv2
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mien.errors import MienError
from mien.training.checkpoint import load_checkpoint
from mien.training.paper.config import OptimiserOptions
from mien.training.paper.learner import Learner, load_generator, run_config
from training.paper.tiny import launch, start, train, with_run

FILE = "checkpoint.safetensors"


def alike(a, b) -> bool:
    """Whether two checkpoints are the same, bit for bit."""
    whole, other = load_file(a / FILE), load_file(b / FILE)
    return whole.keys() == other.keys() and all(torch.equal(whole[name], other[name]) for name in whole)


def test_a_run_leaves_what_it_says(with_triplets, some_faces, fabric, tmp_path):
    config, told = with_run(with_triplets, steps=2), []
    average = train(config, some_faces, tmp_path, fabric, report=lambda *values: told.append(values))
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "logs", "samples"]
    sheet = cv2.imread(str(tmp_path / "samples" / "0000002.png"))
    assert sheet.shape == (2 * 64, 4 * 64, 3)  # two faces; the photo and three categories
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    assert set(events.Tags()["scalars"]) == {
        "discriminator/source_target", "discriminator/source_made", "discriminator/other_made",
        "generator/adversarial", "generator/l1", "generator/triplet",
        "identity/own", "identity/other", "identity/active",
    }  # fmt: skip
    ((step, loss, values),) = told
    assert (
        step == 2
        and math.isfinite(loss)
        and all(math.isfinite(value) for value in values.values())
        and values["generator/triplet"] > 0
    )
    again = load_generator(tmp_path).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in average.state_dict().items())
    assert run_config(tmp_path) == config


def test_it_learns_and_the_average_follows_with_its_statistics(tiny, some_faces, fabric, tmp_path):
    values = []
    config = with_run(tiny, steps=30, batch=8, ema=0.9)
    train(config, some_faces, tmp_path, fabric, report=lambda step, loss, told: values.append(told["generator/l1"]))
    assert values[-1] < 0.5 * values[0]
    tensors, fresh = load_file(tmp_path / FILE), Learner(config, torch.device("cpu")).generator.state_dict()
    for name in ("enter.weight", "up.0.2.running_mean", "down.0.2.running_var"):
        now, mean = tensors[f"generator.{name}"], tensors[f"average.{name}"]
        assert not torch.equal(now, mean) and (mean - now).norm() < (fresh[name] - now).norm()
    assert tensors["average.up.0.2.num_batches_tracked"] == 30


def test_killed_at_any_moment_and_resumed_it_ends_like_a_run_left_alone(tiny, some_faces, fabric, tmp_path):
    config = replace(with_run(tiny, steps=30), dropout=0.5, log=replace(tiny.log, save_every=1))
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    process = start([(config, broken)])
    while not (broken / FILE).exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.15)
    process.send_signal(signal.SIGKILL)
    output = process.communicate()[0]
    assert process.returncode == -signal.SIGKILL, output
    step = load_checkpoint(broken)[1]["step"]
    assert 0 < step < 30
    train(config, some_faces, broken, fabric)
    train(config, some_faces, whole, fabric)
    assert load_checkpoint(whole)[1]["step"] == 30 and alike(broken, whole)


def test_without_the_saved_state_it_would_not(tiny, some_faces, fabric, tmp_path):
    """That the test before can fail: other draws, other weights."""
    for seed in (3, 4):
        train(replace(with_run(tiny, steps=1), seed=seed), some_faces, tmp_path / str(seed), fabric)
    assert not alike(tmp_path / "3", tmp_path / "4")


def test_random_mining_and_a_changed_clock_do_not_break_a_run(with_triplets, some_faces, fabric, tmp_path):
    config = replace(with_run(with_triplets, steps=3), triplet=replace(with_triplets.triplet, mining="random"))
    for _ in range(3):
        torch.seed()
        train(config, some_faces, tmp_path / "broken", fabric, stop_after=0.0)  # no time at all is one step
    train(config, some_faces, tmp_path / "whole", fabric)
    assert alike(tmp_path / "broken", tmp_path / "whole")


def test_two_processes_end_alike_and_like_one(with_triplets, some_faces, fabric, tmp_path):
    """Batch statistics differ by process, so only a net without them equals one process on the same batch."""
    norms = replace(
        with_run(with_triplets, steps=4),
        norm="group",
        discriminator=replace(with_triplets.discriminator, norm="group"),
    )
    batch = replace(with_run(with_triplets, steps=2), loss=replace(with_triplets.loss, triplet_weight=0.0))
    process = start([(norms, tmp_path / "group"), (batch, tmp_path / "batch")], devices=2)
    output = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 0, output
    for name in ("group", "batch"):
        first, second = (load_file(tmp_path / name / f"average-{rank}.safetensors") for rank in (0, 1))
        assert all(torch.equal(first[key], second[key]) for key in first)
    train(norms, some_faces, tmp_path / "one", fabric)
    one, two = (load_file(tmp_path / name / FILE) for name in ("one", "group"))
    learner = Learner(norms, torch.device("cpu"))
    for net, module in (("generator", learner.generator), ("discriminator", learner.discriminator)):
        fresh = module.state_dict()
        moved = sum((one[f"{net}.{k}"] - v).square().sum() for k, v in fresh.items()).sqrt()
        apart = sum((one[f"{net}.{k}"] - two[f"{net}.{k}"]).square().sum() for k in fresh).sqrt()
        assert moved > 0.01 and apart < 0.01 * moved, (net, moved, apart)


def test_numbers_that_explode_stop_the_run_with_the_step(tiny, some_faces, fabric, tmp_path):
    train(with_run(tiny, steps=1), some_faces, tmp_path, fabric)
    before = (tmp_path / FILE).read_bytes()
    learner = Learner(tiny, torch.device("cpu"))
    learner.restore(tmp_path)
    with torch.no_grad():
        learner.generator.enter.weight.fill_(math.nan)
    with pytest.raises(MienError, match="weights are not finite at step 1"):
        learner.save(tmp_path, 1)
    assert (tmp_path / FILE).read_bytes() == before
    wild = with_run(tiny, rate=1e30)
    with pytest.raises(MienError, match="loss is not finite at step 1:"):
        train(wild, some_faces, tmp_path / "wild", fabric)
    assert not (tmp_path / "wild" / FILE).exists()


def test_a_full_disk_leaves_the_checkpoint_before_it(tiny, some_faces, fabric, tmp_path):
    """The limit of a file's size stops the write half way, as a full disk does."""
    train(with_run(tiny, steps=1), some_faces, tmp_path, fabric)
    before, (soft, hard) = (tmp_path / FILE).read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(MienError, match="cannot write the checkpoint of step 2") as problem:
            train(with_run(tiny, steps=2), some_faces, tmp_path, fabric)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(problem.value)
    assert (tmp_path / FILE).read_bytes() == before and not (tmp_path / f"{FILE}.part").exists()
    train(with_run(tiny, steps=2), some_faces, tmp_path, fabric)
    train(with_run(tiny, steps=2), some_faces, tmp_path / "whole", fabric)
    assert alike(tmp_path, tmp_path / "whole")


def test_a_run_goes_on_only_as_what_it_was(tiny, some_faces, fabric, tmp_path):
    train(with_run(tiny, steps=1), some_faces, tmp_path, fabric)
    for other, says in (
        (replace(tiny, width=8), "other width"),
        (replace(tiny, loss=replace(tiny.loss, l1_weight=1.0)), r"other loss\.l1_weight"),
        (with_run(tiny, rate=1e-4), r"other optimiser\.rate"),
    ):
        with pytest.raises(MienError, match=says):
            train(other, some_faces, tmp_path, fabric)
    # more steps and another rhythm of saving are the same run
    train(replace(with_run(tiny, steps=2), log=replace(tiny.log, save_every=1)), some_faces, tmp_path, fabric)
    assert load_checkpoint(tmp_path)[1]["step"] == 2


def test_bf16_trains(tiny, some_faces, tmp_path):
    config = replace(tiny, optimiser=OptimiserOptions(steps=1, batch=2, precision="bf16"))
    average = train(config, some_faces, tmp_path, launch(config))
    assert all(value.dtype == torch.float32 for value in average.parameters())
