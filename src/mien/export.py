"""From a training run to shipped weights: ONNX with a parity check, and the manifest beside it.

Which network a run is of, its checkpoint says; `export_default` and `export_uc_gan` know the networks.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor

from mien import __version__, export_default, export_uc_gan
from mien.errors import MienError
from mien.training.checkpoint import load_checkpoint


def export(run: Path, output: Path, figures: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write `output` (.onnx) and its manifest (.json) from a run's folder; MienError if torch and ONNX disagree.

    figures: measured values to keep in the manifest, each with the command that gave it.
    """
    manifest_path = output.with_suffix(".json")
    if output.suffix != ".onnx":
        raise MienError(f"{output}: the weights' file must end in .onnx")
    if not output.parent.is_dir():
        raise MienError(f"there is no folder {output.parent}")
    for path in (output, manifest_path):
        if path.is_dir():
            raise MienError(f"cannot write {path}: it is a folder")
    tensors, state = load_run(run)
    kind = export_uc_gan if export_uc_gan.made(state) else export_default
    exported = kind.network(tensors, state)
    for name, difference in exported.parity.items():
        if not difference <= exported.tolerance[name]:
            raise MienError(f"the exported model differs from torch: {name} by {difference:.2g}, nothing was written")
    manifest = {
        "version": __version__,
        "sha256": hashlib.sha256(exported.model).hexdigest(),
        "bytes": len(exported.model),
        "step": state["step"],
        "parity": {name: float(f"{value:.2g}") for name, value in exported.parity.items()},
        "licence": "CC BY 4.0",
        **exported.told,
        "figures": figures or {},
    }
    _write({output: exported.model, manifest_path: json.dumps(manifest, indent=1).encode() + b"\n"})
    return manifest


def load_run(run: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the state (step, config) of a run's checkpoint."""
    loaded = load_checkpoint(run)
    if loaded is None:
        raise MienError(f"no checkpoint.safetensors in {run}")
    return loaded


def _write(contents: dict[Path, bytes]) -> None:
    """Write all files, or none of them."""
    temporaries = {path: path.with_name(path.name + ".part") for path in contents}
    try:
        for path, data in contents.items():
            temporaries[path].write_bytes(data)
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
    except OSError as error:
        raise MienError(f"cannot write {next(iter(contents))}: {error.strerror or error}") from None
    finally:
        for temporary in temporaries.values():
            if temporary.exists():
                temporary.unlink()
