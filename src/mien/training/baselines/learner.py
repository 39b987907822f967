"""What learns in a rival's run."""

from __future__ import annotations

from typing import Any

import torch

from mien.training import learner
from mien.training.baselines.config import BaselineConfig, from_dict

KIND = "mien rival run 1"
"""What the header of a checkpoint says of itself."""


class Learner(learner.Learner):
    """Fresh networks, the same for the same seed, on a device."""

    kind = KIND
    may_change = ("optimiser.steps", "loss.embedder", "log")

    def __init__(self, config: BaselineConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        run, rival = config.optimiser, config.rival()
        adam = learner.Adam(run.rate, run.beta1, run.beta2)
        super().__init__(config, rival.generator(), rival.discriminator(), device, (adam, adam), run.ema)

    @classmethod
    def told(cls, values: dict[str, Any]) -> BaselineConfig:
        return from_dict(values)
