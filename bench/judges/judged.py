"""Pictures in, judgements out: runs both judges on what the cache does not hold yet."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np

HERE = Path(__file__).parent
DETECTED = 0.5
"""The confidence from which the detector's package itself takes a face for found."""
CHUNK = 60
"""Pictures judged before the cache is written: what an interruption may cost."""
CLASSES = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
VERIFIERS = ("face-api", "dlib", "faceres")


@dataclass
class Judgement:
    """What the judges said of one picture.

    ``probabilities`` is empty where the face was not detected; ``descriptors`` holds the verifiers that found one.
    ``score`` is the detector's confidence, 0 to 1.
    """

    probabilities: dict[str, float] = field(default_factory=dict)
    descriptors: dict[str, np.ndarray] = field(default_factory=dict)
    score: float = 0.0

    @property
    def called(self) -> str:
        """The most probable class, or "none" where no face was detected."""
        return max(self.probabilities, key=lambda k: self.probabilities[k]) if self.probabilities else "none"


def stop(message: str) -> NoReturn:
    """One line and exit code 2."""
    print(message, file=sys.stderr)
    sys.exit(2)


def judge(
    paths: Sequence[Path], size: int, python: str = sys.executable, with_dlib: bool = True, least: float = DETECTED
) -> dict[Path, Judgement]:
    """Judgements of ``paths``, each picture's longer side reduced to ``size`` px first; a face counts from a confidence
    of ``least`` on, at most down to 0.05."""
    node = _run("judge.mjs", ["node"], paths, size)
    dlib = _run("verify.py", [python], paths, size) if with_dlib else {path: {"detected": False} for path in paths}
    found = {}
    for path in paths:
        a, b = node[path], dlib[path]
        one = Judgement()
        one.score = a.get("score", 0.0)
        if a["detected"] and one.score >= least:
            one.probabilities = a["probabilities"]
            one.descriptors |= {"face-api": np.array(a["descriptor"]), "faceres": np.array(a["faceres"])}
        if b["detected"]:
            one.descriptors["dlib"] = np.array(b["dlib"])
        found[path] = one
    return found


def _run(script: str, program: list[str], paths: Sequence[Path], size: int) -> dict[Path, dict]:
    """Lines of ``script`` by path; the cache is by the pictures' contents, the script's text and the size."""
    cache = HERE / ".cache"
    cache.mkdir(exist_ok=True)
    version = hashlib.sha256((HERE / script).read_bytes() + (HERE / "package.json").read_bytes()).hexdigest()[:12]
    store = cache / f"{script}-{version}-{size}.jsonl"
    known = {r["key"]: r for r in map(json.loads, store.read_text().splitlines())} if store.exists() else {}
    keys = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    todo = {key: path for path, key in keys.items() if key not in known}
    for start in range(0, len(todo), CHUNK):
        items, lines = cache / f"list-{os.getpid()}.json", cache / f"out-{os.getpid()}.jsonl"
        chunk = list(todo.items())[start : start + CHUNK]
        items.write_text(json.dumps([{"key": key, "path": str(path.resolve())} for key, path in chunk]))
        command = [*program, str(HERE / script), str(items), str(lines), "--size", str(size)]
        print(f"{script}: {start} of {len(todo)} pictures judged", file=sys.stderr)
        try:
            if subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False).returncode:
                stop(f"{script} failed")
            new = lines.read_text()
        finally:
            items.unlink()
            lines.unlink(missing_ok=True)
        with store.open("a") as out:
            out.write(new)
        known |= {r["key"]: r for r in map(json.loads, new.splitlines())}
    return {path: known[key] for path, key in keys.items()}
