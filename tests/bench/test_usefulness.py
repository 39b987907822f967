"""bench/usefulness.py: that nobody is on both sides, what is kept, and its arithmetic."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from made_prepared import write_prepared

BENCH = Path(__file__).parents[2] / "bench"
SMALL = ("--size", "32", "--widths", "4,8", "--steps", "2", "--batch", "6", "--strengths", "1")


@pytest.fixture(scope="module")
def usefulness():
    sys.path.insert(0, str(BENCH))
    try:
        spec = importlib.util.spec_from_file_location("usefulness", BENCH / "usefulness.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture
def run(usefulness, monkeypatch):
    """Call the script in this process; its exit code."""

    def call(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["usefulness.py", *SMALL, *map(str, words)])
        try:
            usefulness.main()
        except SystemExit as leaving:
            return int(leaving.code or 0)
        return 0

    return call


def test_from_a_folder_to_a_page(run, tmp_path, stand_in):
    folder = write_prepared(tmp_path / "in", {f"p{n}": f"fold{n % 3}" for n in range(6)}, takes=1)
    words = ("--data", folder, "--work", tmp_path / "work", "--model", stand_in, "--seeds", 2, "--people", "2,0")
    assert run(*words, "--out", tmp_path / "page") == 0
    result = json.loads((tmp_path / "page.json").read_text())
    assert result["labels"] == ["neutral", "happy", "sad"] and result["folds"] == 3 and result["failed"] == 0
    for count, people in (("2", 2), ("0", 4)):
        found = result["results"][count]
        assert found["people"] == people and found["photographs"] == 3 * people
        assert all(found["all"][arm]["people"] == 6 for arm in ("real", "real + generated", "difference"))
    page = " ".join((tmp_path / "page.md").read_text().split())
    assert "of the people of fold0, fold1, fold2" in page and "| all 4 | 12 |" in page and "On the open set" not in page
    kept = json.loads((tmp_path / "work" / "runs.json").read_text())
    assert len(kept) == 2 * 2 * 3 * 2  # people, seeds, folds, arms
    assert run(*words, "--out", tmp_path / "again") == 0  # all of it is kept
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "page.json").read_bytes()


def test_seeds_are_averaged_for_each_person_first(usefulness):
    real = {"neutral": {"a": 1.0, "b": 0.0}, "happy": {"a": 1.0, "b": 1.0}}
    better = {"neutral": {"a": 1.0, "b": 1.0}, "happy": {"a": 1.0, "b": 1.0}}
    runs = [{"real": real, "real + generated": better}, {"real": real, "real + generated": real}]
    found = usefulness.summary(runs, ["neutral", "happy"])
    assert found["all"]["real"]["value"] == pytest.approx((1 + 0.5) / 2)
    assert found["all"]["real + generated"]["value"] == pytest.approx((1 + 0.75) / 2)
    assert found["all"]["difference"]["value"] == pytest.approx(0.125)
    assert (found["all"]["difference"]["low"], found["all"]["difference"]["high"]) == (0.0, 0.25)
    assert found["neutral"]["difference"]["value"] == pytest.approx(0.25)
    assert found["happy"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0, "people": 2}
    assert found["seeds"] == {"real": [0.75, 0.75], "real + generated": [1.0, 0.75]}


def test_the_reading_follows_the_interval(usefulness):
    from usefulness_page import reading

    def one(low, high, real=0.8):
        return {"all": {"difference": {"low": low, "high": high}, "real": {"low": real}}}

    results = {"4": one(0.01, 0.2), "16": one(-0.1, 0.1), "0": one(-0.2, -0.1), "2": one(None, None, None)}
    said = reading({"results": results, "labels": ["happy", "sad"]})
    weak = reading({"results": {"4": one(-0.1, 0.1, 0.5)}, "labels": ["happy", "sad"]})
    assert len(said) == 4 and len(weak) == 2 and "hardly better than guessing (50%)" in weak[1]
    assert ["help" in said[0], "no difference" in said[1], "do harm" in said[2], "too few" in said[3]] == [True] * 4


def test_who_is_drawn(usefulness):
    from mien.training.classifier.pictures import Pictures

    people = np.array(["a", "a", "b", "b", "c", "d", "d"])
    labels = np.array([0, 1, 0, 1, 0, 0, 1])
    pictures = Pictures(np.zeros((7, 1, 1, 3), np.uint8), labels, people)
    assert usefulness.drawn(pictures, ["neutral", "happy"], 0, 1) == ["a", "b", "c", "d"]
    drawn = {tuple(usefulness.drawn(pictures, ["neutral", "happy"], 2, seed)) for seed in range(20)}
    assert drawn == {("a", "b"), ("a", "d"), ("b", "d")}  # c shows one label alone
    with pytest.raises(Exception, match="only 3 people"):
        usefulness.drawn(pictures, ["neutral", "happy"], 4, 1)
    assert usefulness.of_people(pictures, ["b", "c"]).labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize(("people", "says"), [({"a": "train", "b": "train"}, "fewer than two expressions")])
def test_what_cannot_be_measured(people, says, run, tmp_path, stand_in, capsys):
    folder = write_prepared(tmp_path / "in", people, takes=1)
    words = ("--data", folder, "--work", tmp_path / "work", "--out", tmp_path / "page", "--model", stand_in)
    assert run(*words) == 2 and says in capsys.readouterr().err
    assert not (tmp_path / "work").exists() and not (tmp_path / "page.md").exists()
