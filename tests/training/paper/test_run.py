"""From painted people to a trained run by the command; the faces' cache; and one line for what is wrong."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.cli import main
from mien.errors import MienError
from mien.training.checkpoint import save_checkpoint
from mien.training.paper import faces as faces_of
from mien.training.paper.config import DataOptions, LossOptions, PaperConfig, read_config
from mien.training.paper.run import main as old_main
from synthetic import paint

TEXT = """
model = "unet"
size = 64
width = 4
categories = ["neutral", "happy", "sad"]
[discriminator]
width = 4
layers = 1
[loss]
triplet_weight = 0
[optimiser]
steps = 2
batch = 2
[data]
variants = 2
smiles = 0
[log]
faces = 1
"""


@pytest.fixture(scope="module")
def config_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def run(config_file, people, kit_file, tmp_path_factory):
    """Calls the command with further arguments; gives its exit code."""
    shared_faces = tmp_path_factory.mktemp("faces")

    def call(out, *more, **instead):
        told = {"config": config_file, "shared": people, "assets": kit_file.parent, "faces": shared_faces, **instead}
        options = [word for name, value in told.items() if name != "config" for word in (f"--{name}", str(value))]
        with pytest.raises(SystemExit) as left:
            main(["train", str(told["config"]), "--out", str(out), *options, *more])
        return left.value.code

    call.faces = shared_faces
    return call


def test_the_command_trains_resumes_and_shares_its_faces(run, tmp_path, capsys):
    assert run(tmp_path / "a") == 0
    (cache,) = run.faces.iterdir()
    made = cache.stat().st_mtime_ns
    assert (tmp_path / "a" / "samples" / "0000002.png").is_file()
    capsys.readouterr()
    assert run(tmp_path / "a") == 2
    assert "holds a run at step 2: add --resume" in capsys.readouterr().err
    assert run(tmp_path / "a", "--resume", "--set", "optimiser.steps=3") == 0
    assert (tmp_path / "a" / "samples" / "0000003.png").is_file()
    assert run(tmp_path / "b", "--resume", "--set", "seed=2") == 0  # nothing to go on from: from the start
    assert [path.stat().st_mtime_ns for path in run.faces.iterdir()] == [made]


def test_the_way_of_old_is_the_same_command(run, config_file, people, kit_file, tmp_path, capsys):
    words = ["--config", str(config_file), "--out", str(tmp_path), "--faces", str(run.faces), "--set", "seed=x"]
    with pytest.raises(SystemExit) as left:
        old_main([*words, "--shared", str(people), "--assets", str(kit_file)])
    assert left.value.code == 2 and "seed must be a whole number, not 'x'" in capsys.readouterr().err


def test_people_become_faces(people, kit, tmp_path):
    """Neutral, renders of each category in its frame, and a smile that counts as often as asked."""
    shared = shutil.copytree(people, tmp_path / "shared")
    smile = shared / "data" / "london" / "smiling" / "001.jpg"
    smile.parent.mkdir()
    shutil.copy(shared / "data" / "london" / "neutral" / "002.jpg", smile)
    config = PaperConfig(size=64, categories=("neutral", "happy", "sad"), data=DataOptions(variants=2, smiles=3))
    told = []
    faces = faces_of.render(config, shared, kit, lambda rgb: paint(400, seed=1)[1], lambda *n: told.append(n))
    names = ["neutral", "happy", "happy", "sad", "sad"]
    assert faces.categories.tolist() == [*names, "happy", *names]
    assert faces.identities.tolist() == ["london-001"] * 6 + ["london-002"] * 5
    assert faces.listed.tolist() == [0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9, 10]
    assert faces.images.shape == (11, 64, 64, 3) and faces.held_out.shape == (1, 64, 64, 3)
    assert told == [(1, 2), (2, 2)]
    neutral, others = faces.images[0].astype(int), faces.images[1:5].astype(int)
    assert np.abs(others - neutral)[:, :6].max() <= 3  # one frame: the background is where it was
    assert all(np.abs(other - neutral)[32:].max() > 20 for other in others)  # and the mouth is not
    # the smile is the second person's neutral photo here, and its crop is as that photo's own
    assert np.abs(faces.images[5].astype(int) - faces.images[6]).mean() < 3
    with pytest.raises(MienError, match=r"001\.jpg: no face"):
        faces_of.render(config, shared, kit, lambda rgb: (_ for _ in ()).throw(MienError("no face")))


def test_the_cache_knows_what_it_is_of(config_file, people, kit_file, tmp_path):
    config = read_config(config_file)

    def prepare(assets=kit_file.parent, **changes):
        return faces_of.prepare(replace(config, **changes), people, assets, tmp_path, lambda rgb: rgb)

    first = prepare()
    (path,) = tmp_path.iterdir()
    again = prepare(assets=tmp_path, seed=9, loss=LossOptions())  # not made: there is no model there
    assert all(np.array_equal(a, b) for a, b in zip(vars(first).values(), vars(again).values(), strict=True))
    with pytest.raises(MienError, match=r"ict-facekit"):
        prepare(assets=tmp_path, data=replace(config.data, seed=2))
    path.write_bytes(path.read_bytes()[:-5000])
    assert np.array_equal(prepare().images, first.images)


@pytest.mark.parametrize(
    ("more", "instead", "says"),
    [
        (["--set", "widht=3"], {}, "unknown key 'widht'"),
        ([], {"config": "missing.toml"}, "cannot read the configuration"),
        ([], {"shared": "nowhere"}, "people.csv"),
        ([], {"assets": "nowhere"}, "no ict-facekit.npz"),
        (["--set", "data.people=1"], {}, "photos of two people, but there are 1"),
        (["--set", "loss.triplet_weight=1"], {}, "needs triplet.embedder"),
        (["--set", "loss.triplet_weight=1", "--set", "triplet.embedder=none"], {}, "no face embedder none"),
        (["--set", "optimiser.batch=3", "--devices", "2"], {}, "shared evenly"),
        (["--accelerator", "tpu"], {}, "cpu or cuda"),
        (["--workers", "2"], {}, '--workers means nothing for model = "unet"'),
        (["--init", "elsewhere"], {}, '--init means nothing for model = "unet"'),
        (["--set", "model=gan"], {}, "model is"),
    ],
)
def test_one_line_for_what_is_wrong(run, tmp_path, capsys, more, instead, says):
    assert run(tmp_path / "out", *more, **instead) == 2
    error = capsys.readouterr().err.strip()
    assert says in error and error.startswith("mien: ") and "\n" not in error
    assert not (tmp_path / "out" / "checkpoint.safetensors").exists()


def test_a_wrong_embedder_and_a_run_of_another_kind(run, config_file, tmp_path, capsys):
    settings = ["--set", "loss.triplet_weight=1", "--set", f"triplet.embedder={config_file}"]
    assert run(tmp_path / "out", *settings) == 2
    assert "is not a face embedder" in capsys.readouterr().err
    save_checkpoint(tmp_path / "other", {"x": torch.zeros(1)}, {"step": 1, "config": {}})
    assert run(tmp_path / "other", "--resume") == 2
    assert "a run of another kind" in capsys.readouterr().err
    assert torch.get_num_threads() == 1
