"""What is written by hand: configs, expressions, keyframes, output patterns."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from mutate import SEAM

from targets.base import ROOT, Run, Target


def _configs() -> list[bytes]:
    files = [path.read_bytes() for path in sorted((ROOT / "configs").glob("*.toml"))]
    return [one + SEAM + b"seed=2\nloss.triplet_weight=0.5\nwidths=[1,2]" for one in files]


def _config(folder: Path) -> Run:
    from mien import MienError
    from mien.training import config
    from mien.training.classifier import config as classifier
    from mien.training.paper import config as paper

    folder.mkdir(parents=True)
    path = folder / "x.toml"

    def run(data: bytes) -> None:
        table, _, settings = data.partition(SEAM)
        path.write_bytes(table)
        words = settings.decode("utf-8", "surrogateescape").split("\n")[:8] if settings else []
        for read in (config.read_config, paper.read_config, classifier.read_config):
            for given, more in ((path, []), (path, words)):
                with suppress(MienError):
                    told = read(given, more)
                    json.dumps(told.as_dict())

    return run


def _expression(folder: Path) -> Run:
    from mien.expression import parse

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        found = parse(data.decode("utf-8", "surrogateescape"))
        assert parse(str(found)) == found and 0 <= found.amount <= 1.3
        assert found.weights.min() >= -1 and found.weights.max() <= 2

    return run


def _keyframes(folder: Path) -> Run:
    from mien.surfaces.clips.keyframes import parse_track

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        track = parse_track(data.decode("utf-8", "surrogateescape"))
        assert parse_track(str(track)).keyframes[-1].time <= 86_400
        for time in (0.0, 1e-9, track.end / 2, track.end, 1e300):
            expression, amount = track.at(time)
            assert 0 <= amount <= 1.3 and abs(expression.weights).max() <= 2, (str(expression), amount)
        track.asked()

    return run


OUTPUTS = (
    SEAM.join((b"anna.jpg", b"{expression}/out.png", b"happy\nsad:0.6\njawOpen=0.4,AU12=-0.5")),
    SEAM.join((b"a b.png", b"out.png", b"happy")),
    SEAM.join((b"\xffx.png", b"o{expression}.webp", b"anger:0.5\nanger:1")),
)


def _outputs(folder: Path) -> Run:
    """`mien edit` as a terminal has it: a photo, a pattern and expressions, all of odd names. No pixel is edited."""
    import io
    import os
    import shutil
    import sys

    import numpy as np
    from PIL import Image

    from mien import face
    from mien.cli import main
    from mien.editor import Portrait
    from support import placed, write_stand_in

    (folder / "weights").mkdir(parents=True)
    weights = write_stand_in(folder / "weights" / "x.onnx")
    face.find_faces = lambda rgb: [placed(20, 20, 0.2)]
    edit = Portrait.edit
    Portrait.edit = lambda self, what, strength, which: edit(self, what, 0.0, which)  # type: ignore[method-assign]
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(buffer, "PNG")
    photos, out = folder / "photos", folder / "out"

    def run(data: bytes) -> None:
        name, pattern, words = ((data + SEAM * 2).split(SEAM))[:3]
        for one in (photos, out):
            shutil.rmtree(one, ignore_errors=True)
            one.mkdir()
        (out / "happy").mkdir()
        photo = photos / os.fsdecode(name.replace(b"\0", b"").replace(b"/", b"") or b"x")
        there = False
        with suppress(OSError):
            there = photo.write_bytes(buffer.getvalue()) > 0
        # the user may write wherever he likes; here it stays below one folder
        parts = [part for part in os.fsdecode(pattern.replace(b"\0", b"")).split("/") if part not in ("", "..")]
        asked = [word for one in words.split(b"\n")[:4] for word in ("-e", os.fsdecode(one.replace(b"\0", b"")))]
        arguments = ["edit", str(photo), *asked, "-o", "/".join((str(out), *parts)), "--model", str(weights)]
        said, wrong = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        before, sys.stdout, sys.stderr = (sys.stdout, sys.stderr), said, wrong  # type: ignore[assignment]
        wrong.reconfigure(errors="backslashreplace")
        try:
            main(arguments)
        except SystemExit as leaving:
            code = leaving.code or 0
        finally:
            sys.stdout, sys.stderr = before
        wrong.flush()
        told = wrong.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert code in (0, 2) and "Traceback" not in told, told
        assert not told.startswith("mien:") or told.count("\n") == 1, told
        assert sorted(os.listdir(folder)) == ["out", "photos", "weights"]
        assert len(os.listdir(photos)) == there and (not there or photo.read_bytes() == buffer.getvalue())
        if not code:
            assert sum(len(files) for _, _, files in os.walk(out)) == len(asked) // 2

    return run


TARGETS = {
    "config": Target("parts", _configs, _config),
    "expression": Target("text", lambda: [b"happy:0.6", b"jawOpen=0.4,AU12=-.5,browInnerUp_L=0.8"], _expression),
    "keyframes": Target("text", lambda: [b"0:neutral 1.5:happy 4:surprise:0.5", b".5:AU12=1.2;7:sad:0"], _keyframes),
    "outputs": Target("parts", lambda: list(OUTPUTS), _outputs),
}
