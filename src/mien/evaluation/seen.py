"""What a judge said of a picture, and the store that keeps it: a picture is judged once, whatever run asks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.evaluation.protocol import digest
from mien.inside import own

CHUNK = 48
"""Pictures between two writes: what an interruption may cost."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Seen:
    """score: the detector's confidence that there is a face, 0 to 1; 0: none found. probabilities: by our names, empty
    where no face was found. descriptor (d,), None likewise."""

    score: float = 0.0
    probabilities: dict[str, float] = field(default_factory=dict)
    descriptor: np.ndarray | None = None


Ask = Callable[[Sequence[np.ndarray]], list[dict[str, Seen]]]
"""Pictures (S, S, 3) uint8 RGB -> of each what every part of the program said, part -> Seen."""


class Store:
    """Judgements by the content of the picture, in a file for each program and version."""

    def __init__(self, folder: Path, program: str, version: str) -> None:
        self.path = folder / f"{program}-{version[:16]}.jsonl"
        self._known: dict[str, dict[str, Seen]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if own(self.path).is_file():
                self._load(self.path.read_bytes())
        except OSError as error:
            raise MienError(f"cannot use {self.path}: {error.strerror or error}") from None

    def _load(self, data: bytes) -> None:
        whole = 0
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break  # cut off by a kill
            try:
                told = json.loads(line)
                self._known[told["key"]] = {name: _read(one) for name, one in told["seen"].items()}
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                break
            whole += len(line)
        if whole < len(data):
            with self.path.open("r+b") as file:
                file.truncate(whole)

    def missing(self, pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Key -> picture of those that are not judged yet."""
        return {key: image for image in pictures if (key := digest(image)) not in self._known}

    def judge(self, pictures: Sequence[np.ndarray], ask: Ask, tell: Tell | None = None) -> list[dict[str, Seen]]:
        """What was said of each picture; only what is not known costs time."""
        todo = list(self.missing(pictures).items())
        for start in range(0, len(todo), CHUNK):
            part = todo[start : start + CHUNK]
            said = ask([image for _, image in part])
            lines = []
            for (key, _), one in zip(part, said, strict=True):
                self._known[key] = one
                lines.append(json.dumps({"key": key, "seen": {name: _write(s) for name, s in one.items()}}) + "\n")
            try:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write("".join(lines))
            except OSError as error:
                raise MienError(f"cannot write {self.path}: {error.strerror or error}") from None
            if tell:
                tell(min(start + CHUNK, len(todo)), len(todo))
        return [self._known[digest(image)] for image in pictures]


def _write(seen: Seen) -> dict[str, object]:
    out: dict[str, object] = {"score": round(seen.score, 6)}
    if seen.probabilities:
        out["probabilities"] = {name: round(value, 6) for name, value in seen.probabilities.items()}
    if seen.descriptor is not None:
        out["descriptor"] = base64.b64encode(np.asarray(seen.descriptor, "<f4").tobytes()).decode()
    return out


def _read(told: dict[str, object]) -> Seen:
    packed = told.get("descriptor")
    descriptor = np.frombuffer(base64.b64decode(str(packed)), "<f4").astype(np.float64) if packed else None
    probabilities = told.get("probabilities", {})
    if not isinstance(probabilities, dict):
        raise ValueError("probabilities")
    return Seen(float(str(told["score"])), dict(probabilities), descriptor)
