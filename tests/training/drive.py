"""Trains the default generator on two painted people, in processes of its own; each leaves the average it ends with.

`drive.py CONFIG(JSON) FOLDER DEVICES`
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from mien.rig.facekit import FaceKit
from mien.rig.stage import stage
from mien.training.config import from_dict
from mien.training.devices import launch
from mien.training.source import Source
from mien.training.trainer import train
from mien.training.warp import Warp
from synthetic import paint, write_kit

config, folder = from_dict(json.loads(sys.argv[1])), Path(sys.argv[2])
fabric = launch(config.batch, config.precision, devices=int(sys.argv[3]))
torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as assets:
    kit = FaceKit.load(write_kit(Path(assets)))
people = {f"p{seed}": stage(kit, *paint(500, seed), seed=seed)[0] for seed in range(2)}
with Source(config, people, {}, 1, fabric.global_rank, fabric.world_size) as source:
    average = train(Warp(config, source, [], fabric), folder, fabric)
tensors = {name: tensor.contiguous() for name, tensor in average.state_dict().items()}
save_file(tensors, folder / f"average-{fabric.global_rank}.safetensors")
