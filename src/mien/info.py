"""What is installed: versions, weights, licences, providers."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import mien
from mien.expression import ACTION_UNITS, ALL_NAMES, SHAPES

WEIGHTS = Path(__file__).parent / "weights"
_PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "dlib-bin", "pillow", "typer", "rich")
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
    """The weight files that come with mien: file, bytes, SHA-256, whether it is the manifest's, and what that says."""
    entries = _manifests()
    found = []
    for path in sorted(WEIGHTS.iterdir()) if WEIGHTS.is_dir() else []:
        if path.suffix not in (".onnx", ".dat"):
            continue
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        manifest = entries.get(path.name, {})
        told = {key: manifest[key] for key in _TOLD if key in manifest}
        checked = manifest.get("sha256") == sha256
        found.append({"file": path.name, "bytes": path.stat().st_size, "sha256": sha256, "checked": checked, **told})
    return found


def _manifests() -> dict[str, dict[str, Any]]:
    """What the manifests say of each weight file; landmarks.json has one entry a file, others are of one file."""
    entries: dict[str, dict[str, Any]] = {}
    for path in sorted(WEIGHTS.glob("*.json")):
        try:
            content = json.loads(path.read_text())
        except ValueError:
            continue
        if "sha256" in content:
            entries[path.with_suffix(".onnx").name] = content
            continue
        entries |= {name: entry for name, entry in content.items() if isinstance(entry, dict)}
    return entries


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
