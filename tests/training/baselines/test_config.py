"""Configurations of the rivals: the published ones, equal budget, and one line for what is refused."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.models.baselines.registry import RIVALS
from mien.training.baselines.config import BaselineConfig, from_dict
from mien.training.paper.config import PaperConfig
from mien.training.run import read

FOLDER = Path(__file__).parents[3] / "configs" / "baselines"
SAME = ("seed", "size", "categories", "data", "log")
UNPAIRED = ("stargan", "ganimation")


def test_all_are_published_at_equal_budget():
    files = {path.stem: read(path) for path in FOLDER.glob("*.toml")}
    assert set(files) == {*RIVALS, "uc_gan_64"}
    ours = files["uc_gan_64"]
    assert isinstance(ours, PaperConfig) and ours.pairs.other_generated and ours.loss.triplet_weight > 0
    for name, config in files.items():
        assert all(getattr(config, key) == getattr(ours, key) for key in SAME), name
        assert replace(config.optimiser, rate=ours.optimiser.rate) == ours.optimiser, name  # as many faces
        if name in RIVALS:
            assert isinstance(config, BaselineConfig) and config.model == name
            own = {"g2gan": ("neutral",), **dict.fromkeys(UNPAIRED, ())}
            assert config.sources == own.get(name, ours.pairs.sources)
            assert from_dict(json.loads(json.dumps(config.as_dict()))) == config


@pytest.mark.parametrize("name", RIVALS)
def test_a_configuration_names_every_option(name):
    """So that a reader sees what there is to change."""
    told = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    whole = read(FOLDER / f"{name}.toml").as_dict()
    assert told.keys() == whole.keys() and told["loss"].keys() == whole["loss"].keys()


@pytest.mark.parametrize(
    ("model", "settings", "says"),
    [
        ("gan", (), "model is one of warp, unet, pix2pix, .*, not 'gan'"),
        ("stargan", ("widht=3",), "unknown key 'widht'; the keys here are .*width"),
        ("stargan", ("loss.l1_weight=3",), r"unknown key 'loss\.l1_weight'; the keys here are adversarial, .*"),
        ("pix2pix", ("loss.l1_weight=-1",), r"loss\.l1_weight must not be negative"),
        ("pix2pix", ("size=100",), "size is one of"),
        ("pix2pix", ("width=0",), "width starts at 1"),
        ("pix2pix", ('sources=["bored"]',), "sources must be of the categories"),
        ("pix2pix", ("optimiser.steps=0",), "start at 1"),
        ("cdaae", ("loss.path=5",), r"loss\.path is 1 or 2"),
        ("stargan", ("loss.adversarial=hinge",), r'loss\.adversarial is "wasserstein" or "least-squares", not \'hinge'),
        ("ganimation", ("loss.critic_steps=0",), r"loss\.critic_steps starts at 1"),
        ("exprgan", (), r"needs loss\.embedder"),
        ("exprgan", ("loss.identity_weight=0", "loss.block=0"), r"loss\.block start"),
        ("g2gan", ("loss.identity_weight=0", 'sources=["happy"]'), r'sources = \["neutral"\]'),
        ("g2gan", ("loss.identity_weight=0", "data.prepared=x"), "needs landmarks"),
    ],
)
def test_what_is_refused(model, settings, says, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(f'model = "{model}"\n')
    with pytest.raises(MienError, match=says) as refused:
        read(path, settings)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)
