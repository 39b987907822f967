"""Configurations: defaults, the shipped one, and what is refused in one line."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.training.config import TrainConfig, read_config
from mien.training.paper.config import PaperConfig
from mien.training.run import read


def test_defaults_and_changes(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("")
    assert read_config(path) == TrainConfig()
    path.write_text("steps = 20\nrate = 1\nwidths = [8, 16]\nsize = 128\n")
    config = read_config(str(path))
    assert (config.steps, config.rate, config.widths, config.size) == (20, 1.0, (8, 16), 128)
    assert type(config.rate) is float
    assert set(config.as_dict()) == {f.name for f in fields(TrainConfig)}


@pytest.mark.parametrize("word", ["auto", "bf16", "fp32"])
def test_precision_is_one_of_three_words(word, tmp_path):
    assert TrainConfig().precision == "auto"
    path = tmp_path / "c.toml"
    path.write_text(f'precision = "{word}"')
    assert read_config(path).precision == word == read_config(path).as_dict()["precision"]


PUBLISHED = sorted(
    path
    for path in (Path(__file__).parents[2] / "configs").glob("*.toml")
    if tomllib.loads(path.read_text()).get("model") == "warp"
)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda p: p.name)
def test_published_configurations(path):
    assert read_config(path).steps > 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stepps = 5", "unknown key 'stepps'; the keys here are .*steps"),
        ("steps = ", "not valid TOML"),
        ("steps = 'many'", "steps must be a whole number, not 'many'"),
        ("steps = 1.5", "steps must be a whole number"),
        ("steps = true", "steps must be a whole number"),
        ("rate = 'fast'", "rate must be a number"),
        ("rate = 1" + 400 * "0", "rate must be a finite number, not inf"),
        ("widths = 5", "widths must be a list of whole numbers"),
        ("widths = [8, 'x']", "widths must be a list of whole numbers"),
        ("widths = []", "must be positive"),
        ("widths = [16, 56]", "multiples of 16"),
        ("size = 250", "multiple of 32"),
        ("size = 0", "multiple of 32"),
        ("batch = 0", "start at 1"),
        ("batch = 500", "at least one batch"),
        ("seed = -1", "negative"),
        ("real_share = 2", "within 0 to 1"),
        ("rate = inf", "rate must be a finite number"),
        ("model = 'unet'", 'model is "warp" or "unet", not \'unet\''),
        ("model = 5", "model must be a word in quotes, not 5"),
        ("triplet_weight = 1", "needs triplet_embedder, a file of"),
        ("save_every = 0", "every so many steps is >= 1"),
        ("triplet_weight = -1", "must not be negative"),
        ("triplet_mining = 'easy'", "mining is 'batch-hard' or 'random', not 'easy'"),
        ("triplet_margin = -0.1", "margin must not be negative"),
        ("other_pairs = 1", "other_pairs must be true or false"),
        ("batch = 1\nadversarial_from = 0", "a batch of two or more"),
        ("precision = 'fp16'", 'precision is "auto", "bf16" or "fp32"'),
        ("precision = ''", 'precision is "auto"'),
        ("precision = 16", "precision must be a word in quotes, not 16"),
        ("precision = true", "precision must be a word in quotes"),
        ("precision = ['bf16']", "precision must be a word in quotes"),
    ],
)
def test_what_is_refused(text, says, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(MienError, match=says) as refused:
        read_config(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_settings_change_the_file(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("steps = 20\nrate = 1e-3\n")
    config = read_config(path, ["rate=2e-3", "precision=fp32", "widths=[8, 16]", "size=64"])
    assert (config.steps, config.rate, config.precision, config.widths) == (20, 2e-3, "fp32", (8, 16))
    for setting, says in (("rat=1", "unknown key 'rat'"), ("rate=fast", "must be a number"), ("rate", "key=value")):
        with pytest.raises(MienError, match=says):
            read_config(path, [setting])


def test_the_key_model_says_of_what_a_configuration_is(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("size = 64")
    without = ["loss.triplet_weight=0"]
    assert isinstance(read(path), TrainConfig) and isinstance(read(path, ["model=warp"]), TrainConfig)
    assert isinstance(read(path, ["model=unet", *without]), PaperConfig)
    for setting, says in (
        ("model=gan", "not 'gan'"),
        ("model=3", "not 3"),
        ("loss.l1_weight=1", "key 'loss'"),
    ):
        with pytest.raises(MienError, match=says):
            read(path, [setting])


def test_when_people_are_compared():
    """Only then must there be two of them."""
    assert not TrainConfig().compares()  # the discriminator never joins
    assert TrainConfig(adversarial_from=0).compares()
    assert not TrainConfig(adversarial_from=0, other_pairs=False).compares()
    assert TrainConfig(triplet_weight=1, other_pairs=False).compares()
    rules = TrainConfig(triplet_margin=0.3, triplet_mining="random", triplet_normalise=False).triplet_rules()
    assert (rules.margin, rules.mining, rules.normalise, rules.distance) == (0.3, "random", False, "squared")


def test_what_is_no_file(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "missing.toml"):
        with pytest.raises(MienError, match="cannot read the configuration"):
            read_config(path)
    with pytest.raises(MienError, match="not valid TOML"):
        read_config(tmp_path / "c.toml")
