"""Trains what `tiny.start` asks for, in processes of its own; each leaves the average that it ends with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from mien.training.paper.config import from_dict
from training.paper.tiny import launch, made_up, train

runs = [(from_dict(values), Path(folder)) for values, folder in json.loads(sys.argv[1])]
fabric = launch(runs[0][0], int(sys.argv[2]))
torch.set_num_threads(1)
for config, folder in runs:
    average = train(config, made_up(), folder, fabric)
    save_file(
        {name: t.contiguous() for name, t in average.state_dict().items()},
        folder / f"average-{fabric.global_rank}.safetensors",
    )
