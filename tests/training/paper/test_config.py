"""Configurations of the paper's system: defaults, the published one with its ablations, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.training.paper.config import PaperConfig, from_dict, read_config

PUBLISHED = sorted((Path(__file__).parents[3] / "configs").glob("uc_gan*.toml"))
WITHOUT = ("loss.triplet_weight=0",)


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("")
    return path


def test_defaults_are_the_papers_reading(empty):
    config = read_config(empty, ["triplet.embedder=e.safetensors"])
    assert (config.width, config.size, config.loss.l1_weight, config.triplet.margin) == (64, 128, 100, 0.2)
    assert (config.optimiser.rate, config.optimiser.beta1) == (2e-4, 0.5)
    assert config.pairs.other_generated and not config.pairs.other_real
    assert config.generator_net().categories == config.discriminator_net().categories == 7
    assert config.pair_rules().sources == (0,)
    assert config.triplet_rules().mining == "batch-hard"


def test_sections_settings_and_the_way_through_json(empty):
    empty.write_text('seed = 2\n[pairs]\nsources = []\n[pairs.aliases]\nBF01 = "AF01"\n[data]\nstrength = [1, 1]\n')
    told = ["loss.triplet_weight = 0", "loss.adversarial=least-squares", "pairs.aliases.BM01=AM01", "skips=false"]
    config = read_config(empty, [*told, 'categories=["neutral", "happy"]', "optimiser.rate=1"])
    assert config.pairs.aliases == {"BF01": "AF01", "BM01": "AM01"} and config.pairs.sources == ()
    assert config.loss.adversarial == "least-squares" and not config.skips and config.seed == 2
    assert type(config.optimiser.rate) is float and config.data.strength == (1.0, 1.0)
    assert from_dict(json.loads(json.dumps(config.as_dict()))) == config


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_the_published_one_and_its_ablations(path):
    """The lines of the file's comment are what they say they are."""
    lines = re.findall(r"^#   (\S.+?)\s{2,}(--set .*|nothing more)$", path.read_text(), re.MULTILINE)
    runs = {name: read_config(path, re.findall(r"--set (\S+)", told)) for name, told in lines}
    terms = {n: (c.pairs.other_generated, c.loss.triplet_weight > 0, c.skips) for n, c in runs.items()}
    assert terms == {
        "base (ICMR 2018)": (False, False, True),
        "+ pairs": (True, False, True),
        "+ triplet": (False, True, True),
        "both (TOMM 2019)": (True, True, True),
        "no skips": (True, True, False),
    }
    assert len({(c.optimiser, c.width, c.data, c.seed) for c in runs.values()}) == 1  # at equal budget


def test_it_is_published():
    assert PUBLISHED


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        ("widht = 5", WITHOUT, "unknown key 'widht'; the keys here are .*width"),
        ("[loss]\nl1 = 5", WITHOUT, r"unknown key 'loss\.l1'; the keys here are .*l1_weight"),
        ("[lose]\nl1 = 5", WITHOUT, "unknown key 'lose'"),
        ("", (*WITHOUT, "data.peopel=3"), r"unknown key 'data\.peopel'"),
        ("", ("seed",), "--set takes key=value"),
        ("", ("=3",), "--set takes key=value"),
        ("seed = 1", ("seed.x=3",), "'seed' is not a section"),
        ("", (*WITHOUT, "seed=one"), "seed must be a whole number, not 'one'"),
        ("", (*WITHOUT, "skips=1"), "skips must be true or false, not 1"),
        ("", (*WITHOUT, "norm=5"), "norm must be a word in quotes"),
        ("", (*WITHOUT, "loss=5"), "loss must be a section"),
        ("", (*WITHOUT, "categories=7"), "categories must be a list of words"),
        ("", (*WITHOUT, 'data.strength=["a"]'), r"data\.strength must be a list of numbers"),
        ("", (*WITHOUT, "data.strength=[2, 1]"), "the smaller first"),
        ("", (*WITHOUT, "pairs.aliases=3"), r"pairs\.aliases must be a section"),
        ("", (*WITHOUT, 'categories=["neutral", "bored"]'), "categories are of neutral"),
        ("", (*WITHOUT, 'categories=["happy", "happy"]'), "different names"),
        ("", (*WITHOUT, 'categories=["sad", "happy"]'), r"pairs\.sources must be of the categories"),
        ("", (*WITHOUT, "norm=layer"), 'norm is "batch"'),
        ("", (*WITHOUT, "size=100"), "size is one of"),
        ("", (*WITHOUT, "discriminator.condition=x"), "discriminator: condition"),
        ("", (*WITHOUT, "triplet.mining=hard"), "triplet loss: mining"),
        ("", (*WITHOUT, "loss.adversarial=hinge"), r"loss\.adversarial is"),
        ("", (*WITHOUT, "loss.l1_weight=-1"), "must not be negative"),
        ("", (*WITHOUT, "optimiser.batch=0"), "start at 1"),
        ("", (*WITHOUT, "optimiser.precision=fp16"), r"optimiser\.precision"),
        ("", (*WITHOUT, "model=gan"), 'model is "unet"'),
        ("", (), r"needs triplet\.embedder"),
        ("seed = ", WITHOUT, "not valid TOML"),
    ],
)
def test_what_is_refused(text, settings, says, empty):
    empty.write_text(text)
    with pytest.raises(MienError, match=says) as refused:
        read_config(empty, settings)
    assert "\n" not in str(refused.value)


def test_no_file(tmp_path):
    with pytest.raises(MienError, match="cannot read the configuration"):
        read_config(tmp_path / "missing.toml")
    assert PaperConfig().as_dict()["data"]["people"] == 0
