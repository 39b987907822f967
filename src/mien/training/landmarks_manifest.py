"""`landmarks.json` beside the predictors: what each is, where it comes from and what it measured."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

OURS = {
    "what": "68 landmarks in Multi-PIE order, dlib shape predictor, read in the crop frame",
    "licence": "CC-BY-4.0",
    "attribution": "Trained by the mien project on the Face Research Lab London Set (DeBruine & Jones 2017, figshare "
    "5047666) and Young Adult White Faces (DeBruine & Jones 2016, figshare 4220517), both CC BY 4.0, and on renders of "
    "them with ICT-FaceKit (MIT).",
    "source": "python -m mien.training.landmarks --shared DIR --assets DIR --out FILE",
}
FIVE = {
    "what": "5 landmarks (eye corners, nose base), dlib shape predictor",
    "licence": "CC0-1.0",
    "attribution": "Davis King, dlib-models.",
    "source": "shape_predictor_5_face_landmarks.dat of the package face_recognition_models 0.3.0 (PyPI), unchanged; "
    "also github.com/davisking/dlib-models",
}


def record(file: Path, facts: dict[str, Any]) -> None:
    """Set `facts`, the size and the SHA-256 of a predictor in its folder's `landmarks.json`; keep other entries."""
    path = file.parent / "landmarks.json"
    entries = json.loads(path.read_text()) if path.exists() else {}
    data = file.read_bytes()
    entries[file.name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), **facts}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dict(sorted(entries.items())), indent=2) + "\n")
    part.replace(path)
