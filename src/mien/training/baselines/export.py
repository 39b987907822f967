"""A run without what only training needs: `python -m mien.training.baselines.export RUN OUT` leaves the averaged
generator in half precision, which `load_maker` takes as it takes the run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from mien.errors import MienError
from mien.training.baselines.learner import KIND
from mien.training.checkpoint import flatten, load_checkpoint, save_checkpoint, within
from mien.training.paper import learner as paper


def export(run: Path, out: Path) -> Path:
    """Write the average of a rival's run, or of one of the paper's system, to `out`/checkpoint.safetensors."""
    loaded = load_checkpoint(run)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {run}")
    tensors, state = loaded
    if state.get("kind") not in (KIND, paper.KIND):
        raise MienError(f"{run} holds a run of kind {state.get('kind')!r}: a rival's or the paper's is needed")
    average = {name: t.half() if t.is_floating_point() else t for name, t in within("average", tensors).items()}
    if not all(bool(torch.isfinite(t).all()) for t in average.values() if t.is_floating_point()):
        raise MienError(f"the weights in {run} do not fit into half precision")
    save_checkpoint(out, flatten("average", average), state)
    return out / "checkpoint.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="mien.training.baselines.export", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run of mien train")
    parser.add_argument("out", type=Path, help="folder for the smaller checkpoint")
    told = parser.parse_args(arguments)
    try:
        path = export(told.run, told.out)
    except MienError as error:
        parser.exit(2, f"mien: {error}\n")
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
