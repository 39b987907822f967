"""The outside judges of bench/judges, run by node: pictures in, JSON lines out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

import mien
from mien.errors import MienError
from mien.evaluation.seen import Seen
from mien.expression import ALL_NAMES, SYNONYMS

SCRIPT = "judge.mjs"
LEAST = 0.05
"""Confidence below which there is no face. A crop is known to hold one, so it is judged even where it is hard to
detect; whether it is detected (0.5) is counted apart."""

PARTS = {
    "face-api": ("expression", "expression net of npm @vladmandic/face-api, behind SSD MobileNet", (), "MIT"),
    "faceres": ("identity", "HSE FaceRes of npm @vladmandic/human, 1024 numbers", ("faceres",), "MIT"),
}  # fmt: skip
"""Name -> kind, what it is, what losses call it, licence."""

FILES = {
    "face-api": ("@vladmandic/face-api/model", ("ssd_mobilenetv1", "face_landmark_68_model", "face_expression_model")),
    "faceres": ("@vladmandic/human/models", ("faceres",)),
}
"""Name -> where in node_modules its models lie, and how their files begin."""


def judges_folder(folder: Path | None) -> Path:
    """The folder with judge.mjs: as given, else that of the clone which mien runs from, or of the current folder."""
    clone = Path(mien.__file__).parents[2] / "bench" / "judges"
    places = [folder] if folder is not None else [clone, Path("bench") / "judges"]
    for place in places:
        if (place / SCRIPT).is_file():
            return place
    where = f"in {folder}" if folder is not None else "here"
    raise MienError(f"no {SCRIPT} {where}: give --judges-dir, the folder bench/judges of a clone of mien")


def check(folder: Path, name: str) -> str:
    """SHA-256 of the judge's model files; a `MienError` says how to get what is missing."""
    if shutil.which("node") is None:
        raise MienError(f"the judge {name} needs Node 20 or newer (nodejs.org): no node here")
    place, begins = FILES[name]
    models = folder / "node_modules" / place
    files = [p for begin in begins for p in sorted(models.glob(f"{begin}*")) if p.suffix in (".bin", ".json")]
    if len(files) < 2 * len(begins):
        raise MienError(
            f"the judge {name} needs its packages: npm ci --prefix {folder} --omit=dev --ignore-scripts --no-audit"
        )
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@cache
def version(folder: Path) -> str:
    """Changes with the script and its packages."""
    lock = folder / "package-lock.json"
    parts = [folder / SCRIPT, *([lock] if lock.is_file() else [])]
    return hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()


def ask(folder: Path, pictures: Sequence[np.ndarray]) -> list[dict[str, Seen]]:
    """What both judges say of pictures (S, S, 3) uint8 RGB, in one process."""
    with tempfile.TemporaryDirectory(prefix="mien-judge-") as place:
        items = []
        for number, image in enumerate(pictures):
            path = Path(place) / f"{number}.png"
            cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 1])
            items.append({"path": str(path)})
        asked, out = Path(place) / "list.json", Path(place) / "out.jsonl"
        asked.write_text(json.dumps(items))
        largest = max(len(image) for image in pictures)
        command = ["node", str(folder / SCRIPT), str(asked), str(out), "--size", str(largest)]
        done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or "no word").splitlines()[-1][:300]
            raise MienError(f"the judges under node failed: {last}")
        return [_seen(json.loads(line)) for line in out.read_text().splitlines()]


def _seen(told: dict[str, object]) -> dict[str, Seen]:
    score = float(str(told.get("score", 0.0))) if told.get("detected") else 0.0
    if score < LEAST:
        return {name: Seen(score) for name in PARTS}
    said = told["probabilities"]
    assert isinstance(said, dict)
    names = {SYNONYMS.get(str(name), str(name)): float(value) for name, value in said.items()}
    assert set(names) <= set(ALL_NAMES)
    return {"face-api": Seen(score, names), "faceres": Seen(score, {}, np.array(told["faceres"], np.float64))}
