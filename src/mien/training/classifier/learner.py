"""The training loop of the classifier, and its way to a checkpoint and back.

Draws and changes are pure functions of (seed, step), so a run that was killed and is gone on with ends with the same
weights as one left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter

from mien.errors import MienError
from mien.models.resnet import ResNet
from mien.training.checkpoint import (
    flatten,
    load_into,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from mien.training.classifier.batches import Batches
from mien.training.classifier.config import ClassifierConfig, from_dict
from mien.training.classifier.pictures import Pictures, fingerprint
from mien.training.devices import check_finite
from mien.training.learner import _difference as difference
from mien.training.learner import read_run, reseed

KIND = "mien classifier 1"
MAY_CHANGE = ("save_every", "values_every")

Report = Callable[[int, float], None]
"""Told now and then: steps done, and the loss."""


class Learner:
    """The network, its optimiser, and what they learn from. others: pictures from which a share of each batch comes."""

    def __init__(
        self,
        config: ClassifierConfig,
        pictures: Pictures,
        labels: Sequence[str],
        others: Pictures | None = None,
        share: float = 0.5,
        device: torch.device = torch.device("cpu"),
    ) -> None:
        self.config, self.labels = config, tuple(labels)
        sets = [pictures] if others is None else [pictures, others]
        self.learnt_from = [fingerprint(one, labels) for one in sets]
        shares = [1.0] if others is None else [1 - share, share]
        self.batches = Batches(config, sets, shares, device)
        reseed(config.seed, -1 % 2**31, 0)  # torch's lots for the first weights
        self.network = ResNet(config.net(len(labels))).to(device, memory_format=torch.channels_last)
        self.adam = torch.optim.AdamW(self.network.parameters(), lr=config.rate, weight_decay=config.decay)

    def rate(self, step: int) -> float:
        """Up by equal steps, then down by a cosine."""
        config = self.config
        if step < config.warmup:
            return config.rate * (step + 1) / config.warmup
        share = (step - config.warmup) / max(1, config.steps - config.warmup)
        return config.rate * 0.5 * (1 + math.cos(math.pi * share))

    def save(self, folder: Path, step: int) -> None:
        """Write the checkpoint; what stops that leaves the one before as it is."""
        tensors = {**flatten("network", self.network.state_dict()), **optimizer_tensors("adam", self.adam)}
        try:
            save_checkpoint(folder, tensors, self.state(step))
        except Exception as error:  # safetensors has an exception class of its own
            raise MienError(f"cannot write the checkpoint of step {step} in {folder}: {error}") from None

    def state(self, step: int) -> dict[str, Any]:
        return {
            "kind": KIND,
            "step": step,
            "config": self.config.as_dict(),
            "labels": list(self.labels),
            "learnt_from": self.learnt_from,
        }

    def restore(self, folder: Path) -> int:
        """Load the checkpoint of `folder`; the step to go on from, 0 if there is none."""
        loaded = read_run(folder, KIND)
        if loaded is None:
            return 0
        tensors, state = loaded
        other = difference(from_dict(state["config"]).as_dict(), self.config.as_dict(), MAY_CHANGE)
        if other:
            raise MienError(f"{folder} holds a run with other {other}: use another output or the same configuration")
        if state.get("labels") != list(self.labels) or state.get("learnt_from") != self.learnt_from:
            raise MienError(f"{folder} holds a run on other pictures: use another output")
        load_into(self.network, "network", tensors)
        restore_optimizer("adam", self.adam, tensors)
        return int(state["step"])


def train(learner: Learner, fabric: Fabric, folder: Path | None = None, report: Report | None = None) -> ResNet:
    """Train to the end, going on from `folder`'s checkpoint if it has one. `folder`, if there is one, gets
    checkpoint.safetensors and TensorBoard's logs."""
    config = learner.config
    start = learner.restore(folder) if folder else 0
    network, adam = fabric.setup(learner.network, learner.adam, move_to_device=False)
    network.train()
    log = SummaryWriter(str(folder / "logs"), purge_step=start) if folder else None
    for step in range(start, config.steps):
        batch = learner.batches.at(step, reseed(config.seed, step, 0))
        loss = functional.cross_entropy(network(batch.photos), batch.labels, label_smoothing=config.smoothing)
        check_finite(fabric, loss, step)
        adam.zero_grad()
        fabric.backward(loss)
        for group in adam.param_groups:
            group["lr"] = learner.rate(step)
        adam.step()

        done = step + 1
        last = done == config.steps
        if done % config.values_every == 0 or last:
            if log:
                log.add_scalar("loss", float(loss.detach()), done)
            if report:
                report(done, float(loss.detach()))
        if folder and (done % config.save_every == 0 or last):
            learner.save(folder, done)
    if log:
        log.close()
    return learner.network.eval()
