"""Each rival trains, goes on as if it had never stopped, and is put to use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mien.cli import main
from mien.errors import MienError
from mien.expression import NAMES as ALL
from mien.face.align import apply, crop, crop_transform
from mien.models.baselines.registry import RIVALS
from mien.training.baselines.apply import load_maker
from mien.training.baselines.config import from_dict
from mien.training.baselines.export import main as export
from mien.training.baselines.learner import KIND
from mien.training.checkpoint import load_checkpoint, save_checkpoint
from mien.training.paper.config import LogOptions
from mien.training.paper.config import from_dict as paper_from_dict
from training.baselines.rivals import CONFIGS, tiny, train
from training.paper import tiny as paper
from training.paper.tiny import NAMES, made_up

FILE = "checkpoint.safetensors"
SHIPPED = sorted(path.parent for path in (Path(__file__).parents[3] / "checkpoints" / "baselines").glob(f"*/{FILE}"))


def run_config(folder: Path):
    """The configuration of a rival's run, or of one of the paper's system."""
    state = load_checkpoint(folder)[1]
    return (from_dict if state["kind"] == KIND else paper_from_dict)(state["config"])


@pytest.fixture(scope="module")
def fabric():
    made = paper.launch(paper.TINY)
    torch.set_num_threads(1)
    return made


@pytest.fixture(scope="module")
def runs(tmp_path_factory, fabric, embedder_file):
    """Each rival's folder after two steps without a break."""
    folders = {}
    for name in RIVALS:
        folders[name] = tmp_path_factory.mktemp(name)
        train(tiny(name, str(embedder_file)), folders[name], fabric)
    return folders


@pytest.mark.parametrize("name", RIVALS)
def test_it_trains_and_resumes_exactly(name, runs, fabric, embedder_file, tmp_path):
    config = tiny(name, str(embedder_file))
    one = replace(config, optimiser=replace(config.optimiser, steps=1))
    train(one, tmp_path, fabric)
    first = load_file(tmp_path / FILE)
    torch.seed()  # whatever was drawn in between
    train(config, tmp_path, fabric)
    whole, again = load_file(runs[name] / FILE), load_file(tmp_path / FILE)
    assert whole.keys() == again.keys() and all(torch.equal(whole[key], again[key]) for key in whole)
    for net in ("generator", "discriminator", "average"):
        mine = [key for key in whole if key.startswith(f"{net}.")]
        assert mine and any(not torch.equal(first[key], whole[key]) for key in mine)
    sheet = cv2.imread(str(runs[name] / "samples" / "0000002.png"))
    assert sheet.shape == (2 * 64, (1 + len(NAMES)) * 64, 3)
    with pytest.raises(MienError, match=r"a run with other width"):
        train(replace(config, width=8), tmp_path, fabric)


@pytest.mark.parametrize("name", RIVALS)
def test_it_is_put_to_use(name, runs):
    maker = load_maker(runs[name])
    assert (maker.size, maker.expressions) == (64, NAMES) and len(maker.sha256) == 64
    crops = made_up().images[:18:3]
    landmarks = np.random.default_rng(0).uniform(10, 50, (len(crops), 68, 2))
    made = maker.make(crops, landmarks, "happy")
    assert made.shape == crops.shape and made.dtype == np.uint8
    assert np.array_equal(made, maker.make(crops, landmarks, "happy"))
    if maker.steady:
        with pytest.raises(MienError, match=r"no strength but 1, not 0\.5"):
            maker.make(crops, landmarks, "happy", 0.5)
    else:
        assert maker.make(crops, landmarks, "happy", 0.5).shape == crops.shape
    for arguments, says in (
        ((crops[:, :32], landmarks, "happy"), "expected crops"),
        ((crops, landmarks[:1], "happy"), "expected landmarks"),
        ((crops, landmarks, "anger"), "knows neutral, happy, sad, not 'anger'"),
    ):
        with pytest.raises(MienError, match=says):
            maker.make(*arguments)


def test_the_sheet_is_what_the_maker_makes(runs):
    """The averaged weights, by both ways."""
    sheet = cv2.imread(str(runs["stargan"] / "samples" / "0000002.png"))[..., ::-1]
    crops = made_up().held_out
    made = load_maker(runs["stargan"]).make(crops, np.zeros((2, 68, 2)), "sad")
    assert np.array_equal(sheet[:, -64:], np.concatenate(list(made)))


def test_the_papers_system_is_put_to_use_too(tmp_path, fabric):
    config = paper.with_run(paper.TINY, steps=1)
    paper.train(replace(config, log=LogOptions(faces=0)), made_up(), tmp_path, fabric)
    maker = load_maker(tmp_path)
    crops = made_up().images[:2]
    assert maker.make(crops, np.zeros((2, 68, 2)), "sad").shape == (2, 64, 64, 3) and maker.steady


@pytest.mark.parametrize("name", RIVALS)
def test_half_of_it_ships(name, runs, tmp_path, capsys):
    """The exported average makes the same faces, to a grey level or two, and no run can go on from it."""
    export([str(runs[name]), str(tmp_path)])
    assert (tmp_path / FILE).stat().st_size < (runs[name] / FILE).stat().st_size / 4
    assert f"{(tmp_path / FILE).stat().st_size:,} bytes" in capsys.readouterr().out
    crops, landmarks = made_up().images[:2], np.full((2, 68, 2), 30.0)
    whole, half = (load_maker(folder).make(crops, landmarks, "sad").astype(int) for folder in (runs[name], tmp_path))
    assert np.abs(whole - half).max() <= 2
    with pytest.raises(SystemExit) as left:
        export([str(tmp_path / "nowhere"), str(tmp_path)])
    assert left.value.code == 2 and "no checkpoint.safetensors" in capsys.readouterr().err


@pytest.mark.skipif(not SHIPPED, reason="no checkpoints/baselines here")
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_ships(folder, painted):
    """Each is small, knows the seven, and makes seven different faces of a painted one."""
    assert (folder / FILE).stat().st_size < 8e6
    maker = load_maker(folder)
    assert (maker.size, maker.expressions) == (64, ALL)
    assert run_config(folder).optimiser.steps == run_config(SHIPPED[0]).optimiser.steps  # at equal budget
    photo, landmarks = painted
    transform = crop_transform(landmarks)
    points = (apply(transform, landmarks) + 0.5) / 4 - 0.5
    made = [maker.make(crop(photo, transform, 64)[None], points[None], name) for name in ALL]
    apart = [np.abs(a.astype(int) - b).mean() for i, a in enumerate(made) for b in made[:i]]
    assert min(apart) > 0.2, apart


def test_what_cannot_be_put_to_use(tmp_path):
    with pytest.raises(MienError, match=r"no checkpoint\.safetensors"):
        load_maker(tmp_path)
    save_checkpoint(tmp_path, {"x": torch.zeros(1)}, {"step": 1, "config": {}})
    with pytest.raises(MienError, match="makes no faces here"):
        load_maker(tmp_path)


SMALL = (
    "width=4", 'categories=["neutral", "happy"]', 'sources=["neutral"]', "optimiser.steps=1", "optimiser.batch=2",
    "data.variants=1", "data.smiles=0", "log.faces=1", "loss.identity_weight=0",
)  # fmt: skip


def test_the_command_from_painted_people(people, kit_file, tmp_path, capsys):
    """The guided one, whose landmarks are measured once and kept."""

    def call(*more: str) -> int:
        told = [word for setting in SMALL for word in ("--set", setting)]
        places = ["--shared", str(people), "--assets", str(kit_file.parent), "--faces", str(tmp_path / "faces")]
        with pytest.raises(SystemExit) as left:
            main(["train", str(CONFIGS / "g2gan.toml"), "--out", str(tmp_path / "run"), *places, *told, *more])
        return left.value.code

    assert call() == 0
    kept = sorted(path.name.split("-")[0] for path in (tmp_path / "faces").iterdir())
    assert kept == ["faces", "points"] and (tmp_path / "run" / "samples" / "0000001.png").is_file()
    times = [path.stat().st_mtime_ns for path in (tmp_path / "faces").iterdir()]
    assert call("--resume", "--set", "optimiser.steps=2") == 0
    assert times == [path.stat().st_mtime_ns for path in (tmp_path / "faces").iterdir()]
    capsys.readouterr()
    for more, says in (
        (("--devices", "2"), "trains on one device"),
        (("--workers", "2"), '--workers means nothing for model = "g2gan"'),
        ((), "holds a run at step 2: add --resume"),
    ):
        assert call(*more) == 2
        error = capsys.readouterr().err.strip()
        assert says in error and "\n" not in error
