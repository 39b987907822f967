"""Checkpoints without pickle: tensors in safetensors, the rest in JSON, both renamed into place."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mien.errors import MienError


def save_checkpoint(folder: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write `checkpoint.safetensors` with `state` inside its header, so that the two can never differ."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "checkpoint.safetensors.part"
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(flat, temporary, metadata={"state": json.dumps(state)})
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing behind it
        os.replace(temporary, folder / "checkpoint.safetensors")
    except Exception:  # a full disk: the checkpoint before stays
        temporary.unlink(missing_ok=True)
        raise


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """What `save_checkpoint` wrote, or None if nothing is there."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return None
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
        int(state["step"]), dict(state["config"])
        return load_file(path), state
    except Exception as error:  # safetensors has an exception class of its own, and metadata may be anything
        raise MienError(f"{path} is not a checkpoint of mien: {error!r}") from None


def load_into(module: nn.Module, prefix: str, tensors: Mapping[str, Tensor]) -> None:
    """Load a module's part of a checkpoint."""
    try:
        module.load_state_dict(within(prefix, tensors))
    except RuntimeError as error:  # names or shapes
        told = " ".join(str(error).split())  # torch says it in many lines
        raise MienError(f"the checkpoint's {prefix} is of another network: {told[:300]}") from None


def flatten(prefix: str, module: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names with a prefix: a state dict within a checkpoint."""
    return {f"{prefix}.{name}": value for name, value in module.items()}


def within(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The reverse of `flatten`."""
    start = prefix + "."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}


def optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Adam's moments and step counts, named by parameter number."""
    out = {}
    for number, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            out[f"{prefix}.{number}.{key}"] = value if isinstance(value, Tensor) else torch.tensor(float(value))
    return out


def restore_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` saved."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in within(prefix, tensors).items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = value
    if state:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
