"""Every command and every Python block of the documentation: run on the sample, or named with the reason why not."""

from __future__ import annotations

import ast
import os
import re
import shlex

import cv2
import numpy as np
import pytest

from docs.made import MADE
from docs.shown import PAGES, ROOT, Shown, blocks, commands, python_blocks, unknown
from mien.cli import main
from mien.face import align, find_faces
from support import SAMPLE, needs_sample, needs_weights

NOT_RUN = (
    (
        r"mien data prepare open ",
        "needs the open set's photographs; tests/data/test_fetch.py does it with painted people",
    ),
    (r"mien data (fetch|prepare NAME) ", "half a gigabyte from the network, or a synopsis"),
    (r"mien train .* --shared ", "needs the photographs, and hours; tests/training runs small ones on painted people"),
    (
        r"mien export runs/ship ",
        "needs the folder of a run that is not published; tests/test_export_uc_gan.py makes one",
    ),
    (r"mien evaluate .* --judge", "needs judges of npm; tests/evaluation has judges of its own"),
    (r"mien .* --embedder dlib.dat", "needs dlib's network from a package, which mien does not depend on"),
    (
        r"mien .* --engine ray",
        "needs the extra `ray` and a cluster; tests/surfaces/test_ray.py runs it where it is there",
    ),
    (r"mien camera", "serves until it is stopped; tests/surfaces/test_camera.py starts it with a clip for a camera"),
    (r"mien ui", "serves until it is stopped; tests/surfaces/ui opens it in a browser"),
    (r"python3? -m venv ", "installs"),
    (r"pip (install|download) ", "installs, or needs the network"),
    (r"npm ", "needs npm and the network"),
    (r"(tar|cp|git|make) ", "of the shell, no part of mien"),
    (r"pytest ", "a test does not start the tests"),
    (r"python -m mien\.", "needs photographs, or dlib's network"),
    (r"python bench/", "a measurement: minutes, and photographs or a network of others"),
    (r"(for|done)\b", "a loop of the shell around commands that are checked by themselves"),
)
"""Pattern of a command, and why it is not run; its name and its options are checked all the same. The first that fits
counts."""

ALL = [shown for page in PAGES for shown in commands(page)]


def reason(shown: Shown) -> str | None:
    if not shown.complete:
        return "within a sentence, or a synopsis"
    if any(made.fits(shown) for made in MADE):
        return "run by test_commands_made.py"
    return next((why for pattern, why in NOT_RUN if re.match(pattern, " ".join(shown.words))), None)


def test_every_command_and_option_shown_exists():
    wrong = [f"{shown.page}: {shown}: {what}" for shown in ALL if (what := unknown(shown))]
    assert not wrong, "\n".join(wrong)
    assert len(ALL) > 100 and {s.page for s in ALL} > {
        "README.md",
        "docs/usage.md",
        "docs/tutorial.md",
        "docs/batch.md",
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("mien edit photo.jpg -e happy", "output"),
        ("mien edit photo.jpg -e happy -o out.png --strenght 1", "--strenght"),
        ("mien edit photo.jpg -e happy -o out.png --strength much", "much"),
        ("mien edit a.jpg b.jpg -e happy -o out.png", "b.jpg"),
        ("mien edti photo.jpg", "edti"),
        ("mien data chekc kdef DIR", "chekc"),
        ("python bench/pictures.py --sharde DIR", "--sharde"),
        ("python bench/none.py", "none.py"),
        ("python -m mien.training.landmarks --sharde DIR", "--sharde"),
    ],
)
def test_a_wrong_command_would_be_noticed(line, says):
    assert says in str(unknown(Shown("", tuple(shlex.split(line)), complete=True)))
    assert unknown(Shown("", ("mien", "edit", "--strenght"), complete=False))


def test_blocks_are_found():
    text = "a\n\n    one \\\n    two\n\nb\n\n```python\nx\n```\n\n- c\n\n    ```sh\n    y\n    ```\n"
    assert list(blocks(text)) == [("", "one \\\ntwo"), ("python", "x"), ("sh", "y")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder as the pages speak of: photo.jpg (the sample, smaller), group.jpg (twice), photos/ with a folder."""
    folder = tmp_path_factory.mktemp("desk")
    small = cv2.resize(cv2.imread(str(SAMPLE)), (300, 300), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "photo.jpg"), small)
    (folder / "checkpoints").symlink_to(ROOT / "checkpoints")
    cv2.imwrite(str(folder / "group.jpg"), cv2.hconcat([small, small]))
    (folder / "photos" / "2024").mkdir(parents=True)
    cv2.imwrite(str(folder / "photos" / "2024" / "anna.jpg"), small)
    return folder


@needs_weights
@needs_sample
def test_the_commands_run(desk, monkeypatch, capsys):
    """All others, one after the other in one folder, each once, in this process: exit code 0."""
    monkeypatch.chdir(desk)
    failed, done = [], set()
    for shown in ALL:
        if (what := same(shown)) in done or reason(shown):
            continue
        done.add(what)
        code = run(shown.words)
        if code:
            failed.append(f"{shown.page}: {shown}: exit code {code}: {capsys.readouterr().err.strip()}")
    assert not failed, "\n".join(failed)
    assert len(done) > 30
    assert {"out.png", "out.jpg", "sheet.png", "edits", "set", "mien-demo.png", "happy.png"} <= set(os.listdir(desk))


READ = {word for shown in ALL for before, word in zip(shown.words, shown.words[1:], strict=False) if before != "-o"}


def same(shown: Shown) -> tuple[str, ...]:
    """The words without the name of the output, unless another command reads it: two of them do the same."""
    words = list(shown.words)
    for i, word in enumerate(words):
        if i and words[i - 1] == "-o" and word not in READ:
            words[i] = os.path.splitext(word)[1]
    return tuple(words)


def run(words: tuple[str, ...]) -> int | str | None:
    """Exit code of a command of mien."""
    assert words[0] == "mien", f"'{shlex.join(words)}' is neither run nor named in NOT_RUN"
    try:
        main(words[1:])
    except SystemExit as ended:
        return ended.code
    return 0


PYTHON_NOT_RUN = {
    "docs/python.md": "run by tests/surfaces/test_python.py",
    "docs/video.md": "fifty frames and more; tests/surfaces runs shorter clips",
}
"""Pages whose Python blocks are only compiled here, and their imports made; and why."""


@needs_weights
@needs_sample
@pytest.mark.parametrize("page", [p for p in PAGES if python_blocks(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_the_python_blocks_run(page, desk, monkeypatch):
    """Those of a page one after the other, in one namespace."""
    monkeypatch.chdir(desk)
    names: dict[str, object] = {"__name__": "example"}
    if page.name == "baselines.md":
        names |= given_crops()
    for number, block in enumerate(python_blocks(page), start=1):
        tree = ast.parse(block)
        if str(page.relative_to(ROOT)) in PYTHON_NOT_RUN:
            tree.body = [line for line in tree.body if isinstance(line, ast.Import | ast.ImportFrom)]
        exec(compile(tree, f"{page.name}, block {number}", "exec"), names)


def given_crops() -> dict[str, object]:
    """What docs/baselines.md takes as given: two crops of 64 px and their landmarks."""
    photo = cv2.cvtColor(cv2.imread("photo.jpg"), cv2.COLOR_BGR2RGB)
    face = find_faces(photo)[0]
    landmarks = (align.apply(face.transform, face.landmarks) + 0.5) / 4 - 0.5
    return {"crops": np.stack([align.crop(photo, face.transform, 64)] * 2), "landmarks": np.stack([landmarks] * 2)}


if __name__ == "__main__":  # which are not run, and why
    for one in ALL:
        print(f"{one.page}: {one}: {reason(one) or 'run'}")
