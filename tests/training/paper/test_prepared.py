"""From a database's folder to a trained network: each published configuration, as its own comment says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data import trees
from mien.cli import main
from mien.data.manifest import read_manifest
from mien.data.prepared import read_prepared
from mien.errors import MienError
from mien.expression import NAMES
from mien.training.paper import faces as faces_of
from mien.training.paper.config import DataOptions, LogOptions, PaperConfig, from_dict, read_config
from mien.training.paper.data import Batches
from support import needs_sample
from training.paper.tiny import train

CONFIGS = Path(__file__).parents[3] / "configs"
SMALL = (
    "size=64", "width=4", "discriminator.width=4", "discriminator.layers=1", "loss.triplet_weight=0",
    "optimiser.steps=1", "optimiser.batch=2",
)  # fmt: skip


def command(*words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


def make(name: str, root: Path) -> Path:
    """Three people with faces that are found, one of them kept for testing."""
    if name == "rafd":
        return trees.rafd(root, (1, 2, 3), ("090",))
    if name == "kdef":
        return trees.kdef(root, ("F01", "M02", "F03"), "AB")
    return trees.oulu(root, (1, 2, 73), cameras=("VL",), lights=("Strong",), frames=4)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Prepares a database's generated tree by the line in its configuration; once each."""
    done: dict[str, Path] = {}
    base = tmp_path_factory.mktemp("prepared")

    def call(name: str) -> Path:
        if name not in done:
            noise, trees.picture = trees.picture, lambda path, **how: trees.face(path, 120)
            try:
                root = trees.litter(make(name, base / name / "in"))
            finally:
                trees.picture = noise
            line = re.search(rf"mien (data prepare {name} .*)", (CONFIGS / f"uc_gan_{name}.toml").read_text())
            words = [
                {"DIR": str(root), f"prepared/{name}": str(base / name / "out")}.get(w, w) for w in shlex.split(line[1])
            ]
            assert command(*words, "--workers", "1") == 0
            done[name] = base / name / "out"
        return done[name]

    return call


@needs_sample
@pytest.mark.parametrize(("name", "pictures"), [("rafd", 24), ("kdef", 42), ("oulu", 72)])
def test_a_dry_run_of_each_configuration(name, pictures, prepared, fabric, tmp_path):
    folder = prepared(name)
    table = read_manifest(folder)
    assert len(table) == pictures and set(table["found"]) == {""}
    config = read_config(CONFIGS / f"uc_gan_{name}.toml", [*SMALL, f"data.prepared={folder}"])
    made = faces_of.prepare(config, None, None, tmp_path, lambda rgb: rgb)
    assert made.images.shape == (pictures * 2 // 3, 64, 64, 3) and set(made.categories) == set(config.categories)
    kept = set(table["identity"]) - set(made.identities)
    assert len(kept) == 1 and len(made.held_out) == 1  # a row of the sample sheet is of somebody else
    if name == "oulu":
        assert kept == {"P073"}
    if name == "kdef":  # both series of a person are one: kept together, and never each other's 'other'
        assert set(table["identity"]) == {"F01", "M02", "F03"} and set(table["session"]) == {"A", "B"}
    batch = Batches(config, made).at(0)
    assert (batch.label != batch.other_label).all()
    if name == "oulu":
        train(config, made, tmp_path / "run", fabric)
    else:  # as its comment says: without the open set
        told = [word for setting in (*SMALL, f"data.prepared={folder}") for word in ("--set", setting)]
        assert command("train", CONFIGS / f"uc_gan_{name}.toml", "--out", tmp_path / "run", *told) == 0
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    assert not list(tmp_path.glob("faces-*.npz"))


@needs_sample
def test_folds_people_and_sizes(prepared):
    folder = prepared("kdef")
    folds = [read_prepared(folder, ("neutral", "happy"), 64, fold) for fold in range(3)]
    assert [len(set(one.identities)) for one in folds] == [2, 2, 2] and len(folds[0].images) == 8
    assert set.intersection(*(set(one.identities) for one in folds)) == set()
    everybody = read_prepared(folder, ("neutral", "happy"), 64, -1)
    assert len(set(everybody.identities)) == 3 and len(everybody.held_out) == 0
    one = read_prepared(folder, ("happy",), 128, 0, people=1)
    assert set(one.identities) == {min(folds[0].identities)} and set(one.expressions) == {"happy"}
    crop = (
        read_manifest(folder)
        .query("expression == 'happy' and session == 'A'")
        .set_index("identity")
        .loc[one.identities[0], "crop"]
    )
    image = cv2.imread(str(folder / crop))[..., ::-1]
    assert np.array_equal(one.images[0], image)
    smaller = read_prepared(folder, ("happy",), 64, 0, people=1).images[0]
    assert np.abs(smaller.astype(int) - image.reshape(64, 2, 64, 2, 3).mean((1, 3))).max() <= 1


@needs_sample
def test_what_cannot_be_trained_on(prepared, tmp_path):
    folder = shutil.copytree(prepared("kdef"), tmp_path / "kdef")

    def refused(**data):
        config = PaperConfig(data=DataOptions(**({"prepared": str(folder)} | data)))
        with pytest.raises(MienError) as early:
            faces_of.check_sources(config, None, None)
        return str(early.value)

    assert "has no fold 3 (data.fold): its parts are fold0, fold1, fold2" in refused(fold=3)
    assert "no dataset.json" in refused(prepared=str(tmp_path))
    with pytest.raises(MienError, match=r"no picture of contempt, but categories asks for it: it has neutral, anger"):
        faces_of.check_sources(
            PaperConfig(categories=(*NAMES, "contempt"), data=DataOptions(prepared=str(folder))), None, None
        )
    with pytest.raises(MienError, match="prepare it with --size 256"):
        faces_of.check_sources(PaperConfig(size=256, data=DataOptions(prepared=str(folder))), None, None)
    with pytest.raises(MienError, match="has no picture to train on with contempt"):
        read_prepared(folder, ("contempt",), 64)
    next((folder / "crops").rglob("*HA*.png")).write_bytes(b"")
    with pytest.raises(MienError, match=r"HA.*\.png is gone or damaged: run 'mien data prepare'"):
        [read_prepared(folder, ("happy",), 64, fold) for fold in (0, 1)]
    told = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(told | {"fit_for": "classifiers only", "title": "RAF-DB"}))
    assert "nobody in RAF-DB is there twice, so it is fit for classifiers only" in refused()
    with pytest.raises(MienError, match="give --shared and --assets"):
        faces_of.check_sources(PaperConfig(), None, tmp_path)
    with pytest.raises(MienError, match="give --shared and --assets"):
        faces_of.prepare(PaperConfig(), None, None, tmp_path, lambda rgb: rgb)


def test_what_was_trained_before_goes_on(people):
    """The new options change neither the cache of the open set's faces nor what an older checkpoint says of itself."""
    config = PaperConfig(size=64, data=DataOptions(variants=2, smiles=1), log=LogOptions(faces=1))
    key = json.loads(faces_of._key(config, people))
    assert key.keys() == {"data", "size", "categories", "held_out", "people", "made"} and key["made"] == 1
    assert list(key["data"]) == ["seed", "people", "canada", "variants", "strength", "smiles"]
    older = config.as_dict()
    older["data"] = {name: value for name, value in older["data"].items() if name not in ("prepared", "fold")}
    assert from_dict(json.loads(json.dumps(older))) == config
    assert faces_of._key(replace(config, data=replace(config.data, fold=3)), people) == json.dumps(key)


def test_preparing_needs_no_torch(tmp_path):
    code = "import sys, mien.cli.data; from mien.data import prepare, open_faces, prepared; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"torch", "lightning_fabric", "pandas"}
