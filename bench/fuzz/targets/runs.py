"""What runs leave behind in OUT, to go on from."""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from mutate import SEAM

from targets.base import Run, Target


def _journal(folder: Path) -> Run:
    """What runs leave behind to go on from: journals of prepare, batch and evaluate, and judgements."""
    from mien import MienError
    from mien.data.journal import Journal as Preparing
    from mien.evaluation.methods import Identity
    from mien.evaluation.pictures import Pictures
    from mien.evaluation.seen import Store
    from mien.surfaces.folders.journal import Journal

    folder.mkdir(parents=True)
    head = {"format": 1, "size": 64}

    def run(data: bytes) -> None:
        for name in (".progress.jsonl", "journal", "p-v.jsonl", "made.jsonl"):
            (folder / name).write_bytes(data)
        with suppress(MienError), Preparing(folder, head) as journal:
            for name in list(journal.entries):
                journal.row(name)
        with suppress(MienError), Journal(folder / "journal", head) as other:
            for name in list(other.entries):
                other.read(name)
        with suppress(MienError):
            Store(folder, "p", "v")
        Pictures(folder, Identity("i"), 64).make([])

    return run


LINES = (
    b'{"format": 1, "size": 64}\n{"name": "a", "digest": "d", "trouble": "", "stamp": "s", "row": {"found": ""}}\n',
    b'{"format": 1, "size": 64}\n{"input": "a", "stamp": "s", "rows": []}\n',
    b'{"key": "k", "seen": {"p": {"score": 0.5, "probabilities": {"happy": 1}, "descriptor": "AAAAAA=="}}}\n',
    b'{"file": "a.png", "key": "k", "seconds": 0.1, "file_sha256": "d", "error": ""}\n',
)


TIME = 10**18
"""ns: of all files that a run left behind."""

RUNS = ("batch", "stimuli")

HERE = b"@HERE@"
"""In a seed, the folder of the process that runs it."""


def _inline(tasks: Any, make: Any, start: Any, told: Any, lost: Any, workers: int) -> Iterator[tuple[Any, Any]]:
    """`workers.work` in this process."""
    start(*told)
    for task in tasks:
        yield task, make(task)


def _stage(folder: Path) -> Any:
    """Photos in FOLDER/photos and what `mien batch` and `mien stimuli` made of them; gives what runs one again."""
    import numpy as np
    from PIL import Image

    from mien import face
    from mien.surfaces.folders import batch as batches
    from mien.surfaces.folders import workers
    from mien.surfaces.stimuli import make, stimuli
    from mien.surfaces.stimuli.framing import Framing
    from support import placed, write_stand_in

    (folder / "photos" / "sub").mkdir(parents=True)
    weights = write_stand_in(folder / "x.onnx")
    rng = np.random.default_rng(0)
    for name in ("a.png", "sub/b.png"):
        Image.fromarray(rng.integers(0, 256, (48, 48, 3), np.uint8)).save(folder / "photos" / name)
    face.find_faces = lambda rgb: [placed(24, 24, 0.18)]
    make.detect = lambda rgb: []
    workers.work = _inline
    one = ("happy",)

    def again(which: str) -> None:
        if which == "batch":
            batches.batch(folder / "photos", folder / which, batches.Options(one), weights)
        else:
            options = make.Options(one, (0.5,), Framing(64, 64))
            stimuli.stimuli(folder / "photos", folder / which, options, weights)

    for which in RUNS:
        again(which)
    for path in folder.rglob("*"):
        os.utime(path, ns=(TIME, TIME))
    for path in folder.glob("*/.mien-*.jsonl"):
        path.write_text(re.sub(r'(\d+) \d{18,19}"', rf'\1 {TIME}"', path.read_text()))
    return again


@cache
def _folders() -> list[bytes]:
    """Journals of batch and stimuli, and which of the files in their folders are links, to what."""
    import subprocess
    import sys

    code = "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from targets import runs\n"
    code += "f = Path(sys.argv[1]); runs._stage(f); print('=' * 9)\n"
    code += "for n in ('batch', 'stimuli'): print((f / n / f'.mien-{n}.jsonl').read_text() + '=' * 9)"
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code, str(Path(folder) / "f"), str(Path(__file__).parents[1])]
        said = subprocess.run(command, capture_output=True, check=True).stdout
        journals = [one.strip() + b"\n" for one in said.split(b"=" * 9)[1:3]]
        journals = [one.replace(str(Path(folder) / "f").encode(), HERE) for one in journals]
    links = (
        b"batch/sub victim\nstimuli/.crops victim\nbatch/manifest.csv victim/file\nbatch/a_happy_1.png victim/file\n"
    )
    more = (
        b"batch/.mien-batch.jsonl victim/file\nstimuli/.mien-stimuli.jsonl victim/new\nstimuli/sheet.png victim/new\n"
    )
    return [SEAM.join((*journals, one)) for one in (b"", links, more)]


def _folder(folder: Path) -> Run:
    """Batch and stimuli into folders of somebody else's, with his journals and links: nothing changes elsewhere."""
    again = _stage(folder)
    kept, victim = folder / "kept", folder / "victim"
    kept.mkdir()
    for name in RUNS:
        shutil.copytree(folder / name, kept / name)
    victim.mkdir()
    (victim / "file").write_bytes(b"mine\n")
    (victim / "a.part").write_bytes(b"mine")

    def state() -> list[tuple[str, int, bytes]]:
        places = [*victim.rglob("*"), *(folder / "photos").rglob("*"), folder / "x.onnx"]
        return sorted((str(p), p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in places)

    before = state()

    def run(data: bytes) -> None:
        *journals, links = (data.replace(HERE, str(folder).encode()).split(SEAM) + [b""] * 3)[:3]
        for name, journal in zip(RUNS, journals, strict=True):
            shutil.rmtree(folder / name)
            shutil.copytree(kept / name, folder / name)
            (folder / name / f".mien-{name}.jsonl").write_bytes(journal)
        for line in links.split(b"\n")[:8]:
            name, _, to = line.partition(b" ")
            parts = [
                os.fsdecode(part) for part in name.replace(b"\0", b"").split(b"/") if part not in (b"", b"..", b".")
            ]
            if len(parts) < 2 or parts[0] not in RUNS:
                continue
            link = folder.joinpath(*parts)
            with suppress(OSError):
                if link.is_dir() and not link.is_symlink():
                    shutil.rmtree(link)
                link.unlink(missing_ok=True)
                link.symlink_to({b"victim": victim, b"victim/file": victim / "file"}.get(to, victim / "new"))
        try:
            again(RUNS[zlib.crc32(data) % 2])
        finally:
            assert state() == before, "something outside of OUT was changed"

    return run


@cache
def _reported() -> list[bytes]:
    import tempfile

    from evaluation.small import prepared

    with tempfile.TemporaryDirectory() as folder:
        told = prepared(Path(folder) / "p")
        parts = ((told / "manifest.csv").read_bytes(), (told / "dataset.json").read_bytes(), b"happy,anger\n0,1\na,b\n")
    return [SEAM.join(parts)]


def _report(folder: Path) -> Run:
    """`mien evaluate` of a stranger's prepared folder, with its report, and `--export-inputs`."""
    from contextlib import nullcontext

    from evaluation.small import expression_judge, identity_judge, prepared
    from mien import MienError
    from mien.cli.evaluate import _numbers, _words
    from mien.evaluation import run as evaluation
    from mien.evaluation.pictures import export_inputs
    from mien.evaluation.report import report
    from mien.evaluation.results import write_results

    data = prepared(folder / "data")
    judges = (f"onnx:{expression_judge(folder / 'e.onnx')}", f"onnx:{identity_judge(folder / 'i.onnx')}")
    out, inputs = folder / "out", folder / "inputs"

    def run(given: bytes) -> None:
        manifest, told, words = (given.split(SEAM) + [b""] * 3)[:3]
        (data / "manifest.csv").write_bytes(manifest)
        (data / "dataset.json").write_bytes(told)
        for one in (out, inputs):
            shutil.rmtree(one, ignore_errors=True)
        targets, strengths, show = (words.decode("utf-8", "surrogateescape").split("\n") + [""] * 3)[:3]
        options = evaluation.Options(
            data, "val", ("identity",), out, judges, targets=_words(targets), strengths=_numbers(strengths)
        )
        try:
            asked = evaluation.protocol_of(options)
            export_inputs(inputs, [*asked.cases, *asked.curves])
            if len(manifest) % 8 == 0:  # drawing takes its time
                made, asked = evaluation.evaluate(options, lambda title: nullcontext(lambda done, of: None))
                write_results(out, made)
                report(out, made, asked, _words(show))
        except MienError:
            raise
        finally:
            assert set(os.listdir(folder)) <= {"data", "e.onnx", "e.json", "i.onnx", "i.json", "out", "inputs"}

    return run


TARGETS = {
    "journal": Target("text", lambda: list(LINES), _journal),
    "folder": Target("parts", _folders, _folder),
    "report": Target("parts", _reported, _report),
}
