"""One target in this process: `python one.py NAME CORPUS FOLDER [options of libFuzzer]`, or NAME --replay FILE."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import atheris  # noqa: E402

MODULES = (
    "mien.augment.make", "mien.cli", "mien.credentials", "mien.data.check", "mien.data.databases", "mien.data.journal",
    "mien.data.labelled", "mien.evaluation.classifier", "mien.evaluation.judges", "mien.evaluation.pictures",
    "mien.evaluation.protocol", "mien.evaluation.report", "mien.evaluation.run", "mien.formats", "mien.picture",
    "mien.provenance", "mien.surfaces.camera", "mien.surfaces.clips.video", "mien.surfaces.folders.batch",
    "mien.surfaces.folders.journal", "mien.surfaces.stimuli.stimuli", "mien.surfaces.ui.guard",
    "mien.training.checkpoint", "mien.training.classifier.pictures", "mien.training.config",
    "mien.training.paper.config",
)  # fmt: skip
"""What coverage guides: loaded before anything else of ours."""

with atheris.instrument_imports(include=["mien", "PIL", "tomllib"]):
    for name in MODULES:
        import_module(name)

from mutate import mutated  # noqa: E402
from targets import TARGETS  # noqa: E402

from mien.errors import MienError  # noqa: E402

HERE = Path(__file__).parents[2] / "src"


def main() -> None:
    name, target = sys.argv[1], TARGETS[sys.argv[1]]
    scratch = Path(tempfile.mkdtemp(prefix="mien-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    run = target.prepare(scratch / "in")
    if sys.argv[2] == "--replay":
        _once(run, Path(sys.argv[3]).read_bytes(), scratch)
        print("a result, or a MienError")
        return
    corpus, folder = Path(sys.argv[2]), Path(sys.argv[3])
    for seed in target.seeds():
        path = folder / hashlib.sha1(seed).hexdigest()
        if not path.exists():
            path.write_bytes(seed)
    seen: set[str] = set()

    def test(data: bytes) -> None:
        try:
            _once(run, data, scratch)
        except Exception as error:
            _keep(corpus / "findings", name, data, error, seen)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        lots = random.Random(seed)
        if lots.random() < 0.4:
            return bytes(atheris.Mutate(data, most))
        return mutated(data, target.kind, lots)[:most]

    atheris.Setup([sys.argv[0], *sys.argv[3:]], test, custom_mutator=mutate)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _once(run, data: bytes, scratch: Path) -> None:
    """A result or a `MienError`, one line of it; and nothing beside the folder that it may write to."""
    try:
        run(data)
    except MienError as error:
        if os.environ.get("MIEN_FUZZ_TELL"):
            print(error)
        if "\n" in str(error) or "Traceback" in str(error):
            raise AssertionError(f"not one line: {error}") from None
    if os.listdir(scratch) != ["in"]:
        raise AssertionError(f"written outside: {os.listdir(scratch)}")


def _keep(findings: Path, name: str, data: bytes, error: Exception, seen: set[str]) -> None:
    """One of a kind: by the exception's class, where it was raised and which line of ours led there."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(str(HERE))]
    last, our = frames[-1], ours[-1] if ours else frames[0]
    kind = f"{type(error).__name__} {last.filename}:{last.lineno} {our.filename}:{our.lineno}"
    mark = hashlib.sha1(kind.encode()).hexdigest()[:8]
    if mark in seen:
        return
    seen.add(mark)
    path = findings / f"{name}-{mark}.bin"
    if not path.exists():
        path.write_bytes(data)
        path.with_suffix(".txt").write_text("".join(traceback.format_exception(error))[-8000:])


if __name__ == "__main__":
    main()
