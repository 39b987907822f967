"""A file of weights as one ONNX Runtime session, checked against its manifest: what every network of use shares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort

from mien.errors import MienError
from mien.processes import cores


@dataclass(frozen=True)
class Weights:
    """An open .onnx file. inputs, outputs: names -> shapes, a free size by its name. told: what the file says of itself
    (ONNX metadata)."""

    path: Path
    sha256: str
    manifest: dict[str, Any]
    session: ort.InferenceSession
    inputs: dict[str, list[int | str | None]]
    outputs: dict[str, list[int | str | None]]
    told: dict[str, str]


def open_weights(
    path: Path, providers: Sequence[str] | None = None, manifest: bool = False, threads: int | None = None
) -> Weights:
    """Open `path`; a `MienError` if it is no model. Its manifest (.json beside it) is checked where there is one, and
    must be there if `manifest` is True. providers: of ONNX Runtime, the CPU by default. threads: of the session, by
    default as `threads_here` says."""
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    said = _manifest(path, sha256, manifest)
    session = _session(data, path, providers, threads)
    try:
        inputs, outputs = ({v.name: v.shape for v in side} for side in (session.get_inputs(), session.get_outputs()))
        told = session.get_modelmeta().custom_metadata_map
    except UnicodeDecodeError:
        raise MienError(f"the weights {path} are damaged: a name in them is not UTF-8") from None
    return Weights(path, sha256, said, session, inputs, outputs, told)


def threads_here() -> int:
    """Threads for a session: the cores this process may use, at most 4."""
    return min(4, cores())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MienError(f"cannot read the weights {path}: {error.strerror or error}") from None


def _manifest(path: Path, sha256: str, needed: bool) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    if not beside.exists() and not needed:
        return {}
    try:
        manifest: dict[str, Any] = json.loads(_read(beside))
        expected = str(manifest["sha256"])
    except (ValueError, KeyError, TypeError):
        raise MienError(f"the manifest {beside} is damaged") from None
    if expected != sha256:
        raise MienError(f"the weights {path} are not those of their manifest (SHA-256 differs): damaged or exchanged")
    return manifest


def _session(data: bytes, path: Path, providers: Sequence[str] | None, threads: int | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or threads_here()
    options.log_severity_level = 4  # what goes wrong comes as an exception
    wanted = list(providers or ["CPUExecutionProvider"])
    for provider in wanted:
        if provider not in ort.get_available_providers():
            raise MienError(f"no provider {provider} here; there are: {', '.join(ort.get_available_providers())}")
    try:
        return ort.InferenceSession(data, options, providers=wanted)
    except Exception as error:  # ONNX Runtime has no common class for its exceptions
        raise MienError(f"the weights {path} are not a model that ONNX Runtime reads: {error}") from None
