"""What is installed: versions, weights, licences, providers."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import mien
from mien.expression import ACTION_UNITS, ALL_NAMES, SHAPES
from mien.shelf import PACKAGE as WEIGHTS
from mien.shelf import index, lying

_PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "dlib-bin", "pillow", "typer", "rich", "platformdirs")
_TOLD = ("name", "version", "licence", "attribution", "source", "parameters", "figures")


def info() -> dict[str, Any]:
    """Everything `mien info` prints, ready for JSON."""
    import onnxruntime

    return {
        "mien": mien.__version__,
        "licence": "Apache-2.0",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "providers": onnxruntime.get_available_providers(),
        "weights": weights(),
        "names": list(ALL_NAMES),
        "shapes": list(SHAPES),
        "action_units": {f"AU{number}": list(shapes) for number, shapes in ACTION_UNITS.items()},
    }


def weights() -> list[dict[str, Any]]:
    """The weight files that are here: file, path, bytes, SHA-256, whether it is the one that mien knows, and what its
    manifest says of it."""
    paths = [path for path in sorted(WEIGHTS.iterdir()) if path.suffix in (".onnx", ".dat")] if WEIGHTS.is_dir() else []
    known = {}
    for name, entry in index().items():
        path = lying(name)
        if path and path not in paths:
            paths.append(path)
            known[path] = {key: value for key, value in asdict(entry).items() if value is not None}
    found = []
    for path in paths:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        manifest = _manifest(path) | known.get(path, {})
        told = {key: manifest[key] for key in _TOLD if key in manifest}
        checked = manifest.get("sha256") == sha256
        one = {"file": path.name, "path": str(path), "bytes": path.stat().st_size, "sha256": sha256, "checked": checked}
        found.append(one | told)
    return found


def _manifest(path: Path) -> dict[str, Any]:
    """What the manifest of a weight file says; that of the landmarks has an entry a file."""
    beside = path.with_suffix(".json") if path.suffix == ".onnx" else path.with_name("landmarks.json")
    try:
        content: dict[str, Any] = json.loads(beside.read_text())
        return content if "sha256" in content else dict(content[path.name])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
