"""The in-house classifier from a prepared folder to a file with its card: whom it learns from, that a break changes
nothing, that the card says what is so."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from made_prepared import PEOPLE, change_rows, change_told, write_prepared
from mien.cli import main
from mien.data.labelled import Row
from mien.data.prepared import read_crops
from mien.errors import MienError
from mien.evaluation.card import KEYS
from mien.evaluation.classifier import Classifier, measure, tallied
from mien.evaluation.network import fed, softmax
from mien.expression import NAMES
from mien.training.checkpoint import load_checkpoint
from mien.training.classifier import batches as batches_of
from mien.training.classifier.config import ClassifierConfig, from_dict, read_config
from mien.training.classifier.export import card_of
from mien.training.classifier.learner import Learner, train
from mien.training.classifier.pictures import Pictures, lesson, read_pictures
from mien.training.devices import launch

TINY = ClassifierConfig(
    size=32, widths=(4, 8, 16), blocks=(1, 1, 1), dropout=0.1, steps=30, batch=8, warmup=3, rate=5e-3, save_every=7,
    values_every=5, flips=False,
)  # fmt: skip
SET = [word for key in ("size=32", "widths=[4,8,16]", "blocks=[1,1,1]", "steps=60", "batch=12", "warmup=3", "rate=2e-2",
                        "dropout=0", "colour=0", "save_every=20") for word in ("--set", key)]  # fmt: skip


def call(*words: object, capsys: pytest.CaptureFixture) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    return write_prepared(tmp_path_factory.mktemp("prepared") / "made")


@pytest.fixture(scope="module")
def fabric():
    fabric = launch(TINY.batch, "fp32")
    torch.set_num_threads(1)
    return fabric


def learner(folder: Path, config: ClassifierConfig = TINY, **more) -> Learner:
    learnt = lesson(folder, config)
    return Learner(config, read_pictures(folder, learnt.rows, learnt.labels, config.size), learnt.labels, **more)


def test_the_command_from_a_folder_to_a_file_and_back(prepared, tmp_path, capsys):
    out = tmp_path / "judge.onnx"
    code, said, _ = call("classifier", "train", prepared, "-o", out, *SET, capsys=capsys)
    assert code == 0 and "learnt from 18 photographs of 3 people" in said
    assert "val: 100.0%" in said and "12 photographs, 2 people" in said and "no interval: one person" in said
    card = json.loads((tmp_path / "judge.json").read_text())
    assert list(card) == [*KEYS, "about"] and card["labels"] == ["neutral", "happy", "sad"] and card["losses_of"] == []
    assert card["trained_on"] == {"database": "folder", "split": "train", "people": ["anna", "bert", "cleo"]}
    assert card["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest() and card["size"] == 32
    assert "pictures of nobody" in card["licence"]
    # read back as anybody would, by what the card says alone
    crops = read_crops(prepared, [f"crops/dora/{name}0.png" for name in card["labels"]], 32)
    values = (crops / 255 - card["normalise"]["mean"]) / card["normalise"]["std"]
    session = onnxruntime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: values.transpose(0, 3, 1, 2).astype(np.float32)}
    (logits,) = session.run(None, feed)
    assert logits.argmax(1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(Classifier(out).probabilities(crops), softmax(logits), atol=1e-5)
    # and it is the network of the run
    tensors, state = load_checkpoint(tmp_path / "judge.run")
    assert state["step"] == 60 and from_dict(state["config"]).size == 32 and "network.score.weight" in tensors
    # once more it is refused, and gone on with if asked: nothing is left to do, and the bytes are the same
    code, _, err = call("classifier", "train", prepared, "-o", out, *SET, capsys=capsys)
    assert code == 2 and "add --resume" in err
    before = out.read_bytes()
    assert call("classifier", "train", prepared, "-o", out, *SET, "--resume", capsys=capsys)[0] == 0
    assert out.read_bytes() == before
    # measured by a command of its own, which leaves the training people out
    code, said, _ = call("classifier", "measure", out, prepared, "--json", capsys=capsys)
    found = json.loads(said)
    assert code == 0 and set(found) == {"val", "test"} and set(found["val"]["accuracy"]["people"]) == {"dora", "emil"}
    code, _, err = call("classifier", "measure", out, prepared, "--split", "train", capsys=capsys)
    assert code == 2 and "was trained on everybody in train" in err
    assert "has no part 'tset'" in call("classifier", "measure", out, prepared, "--split", "tset", capsys=capsys)[2]


def test_broken_off_and_gone_on_with_it_ends_the_same(prepared, fabric, tmp_path):
    whole = train(learner(prepared), fabric).state_dict()

    def stop(step: int, loss: float) -> None:
        if step == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(learner(prepared), fabric, tmp_path, stop)
    assert load_checkpoint(tmp_path)[1]["step"] == 14
    (tmp_path / "checkpoint.safetensors.part").write_bytes(b"half")
    torch.manual_seed(99)  # whatever was drawn meanwhile
    again = train(learner(prepared), fabric, tmp_path).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    other = train(learner(prepared, replace(TINY, seed=2)), fabric).state_dict()
    assert not torch.equal(other["stem.0.weight"], whole["stem.0.weight"])


def test_a_run_is_gone_on_with_as_it_was(prepared, fabric, tmp_path):
    short = replace(TINY, steps=2, save_every=1)
    train(learner(prepared, short), fabric, tmp_path / "run")
    with pytest.raises(MienError, match="a run with other rate"):
        learner(prepared, replace(short, rate=1e-3)).restore(tmp_path / "run")
    folder = shutil.copytree(prepared, tmp_path / "prepared")
    shutil.copy(folder / "crops/anna/sad0.png", folder / "crops/anna/happy0.png")
    with pytest.raises(MienError, match="a run on other pictures"):
        learner(folder, short).restore(tmp_path / "run")


def test_what_the_rig_rendered_is_no_photograph(tmp_path):
    folder = write_prepared(tmp_path, expressions=("neutral", "happy"), renders=("happy", "sad"), database="open")
    real = lesson(folder, TINY)
    assert real.labels == ("neutral", "happy") and len(real.rows) == 12 and not any(r.rendered for r in real.rows)
    assert not any("rig" in row.crop for row in real.rows)
    asked = lesson(folder, replace(TINY, renders=True))
    assert asked.labels == ("neutral", "happy", "sad") and len(asked.rows) == 18
    assert "on 12 photographs and 6 renders of the rig" in card_of(TINY, asked, "x")["about"]
    assert card_of(TINY, real, "a judge, of ours")["name"] == "a_judge_of_ours"
    assert real.trained_on == asked.trained_on and real.trained_on["database"] == "open"
    assert not any(row.rendered for rows in asked.held.values() for row in rows)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["train", "val", "test"]), min_size=3, max_size=8), st.data())
def test_nobody_of_another_part_is_ever_learnt_from(parts, data):
    people = {f"p{number}": part for number, part in enumerate(parts)}
    if parts.count("train") < 2:
        people |= {"q1": "train", "q2": "train"}
    order = data.draw(st.permutations(sorted(people)))
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        folder = write_prepared(Path(place), {who: people[who] for who in order}, ("neutral", "sad"), size=32, takes=1)
        learnt = lesson(folder, TINY)
        train_people = {who for who, part in people.items() if part == "train"}
        assert {row.identity for row in learnt.rows} == train_people == set(learnt.trained_on["people"])
        held = {row.identity for rows in learnt.held.values() for row in rows}
        assert held == set(people) - train_people
        pictures = read_pictures(folder, learnt.rows, learnt.labels, 32)
        rng = np.random.default_rng(0)
        assert set(pictures.people[batches_of.Draws(pictures).draw(rng, 64)]) <= train_people


def test_who_shows_one_expression_alone_is_left_out(tmp_path):
    folder = write_prepared(tmp_path, takes=1)
    rows_of = {"cleo": ("happy",), "anna": ("happy", "sad", "neutral"), "bert": ("happy", "sad")}

    def gone(row):
        return (
            row | {"expression": "compound"}
            if row["expression"] not in rows_of.get(row["identity"], (*NAMES,))
            else row
        )

    change_rows(folder, gone)
    paired = replace(TINY, paired=True)
    learnt = lesson(folder, paired)
    assert learnt.trained_on["people"] == ["anna", "bert"] and (learnt.alone, learnt.left_out) == (1, 3)
    assert lesson(folder, TINY).trained_on["people"] == ["anna", "bert", "cleo"]
    change_rows(folder, lambda row: row | {"expression": "sad"} if row["identity"] == "anna" else row)
    assert lesson(folder, paired).trained_on["people"] == ["anna", "bert", "cleo"]  # or bert would be alone


def test_folds_of_a_k_fold_split(tmp_path):
    folder = write_prepared(tmp_path, {who: f"fold{n % 3}" for n, who in enumerate(PEOPLE)}, takes=1)
    for fold in range(3):
        learnt = lesson(folder, replace(TINY, fold=fold))
        assert set(learnt.held) == {f"fold{fold}"} and len(learnt.trained_on["people"]) == 4
        assert f"fold{fold}" not in learnt.trained_on["split"]
    with pytest.raises(MienError, match="no fold 3"):
        lesson(folder, replace(TINY, fold=3))


def test_where_nobody_is_told_apart_pictures_count(tmp_path):
    folder = write_prepared(tmp_path, takes=1, fit_for="classifiers only")
    change_rows(folder, lambda row: row | {"identity": ""})
    learnt = lesson(folder, TINY)
    assert learnt.trained_on["people"] is None and len(learnt.rows) == 9
    assert len({row.person for row in learnt.held["val"]}) == 6


def bad(tmp_path: Path, name: str) -> Path:
    """Folders that cannot be learnt from."""
    folder = tmp_path / "in"
    if name == "one category":
        return write_prepared(folder, expressions=("happy",))
    if name == "one person":
        return write_prepared(folder, {"anna": "train", "bert": "val"})
    if name == "empty":
        folder.mkdir()
        return folder
    if name == "absent":
        return folder
    write_prepared(folder, takes=1)
    if name == "twice":
        change_rows(folder, lambda r: r | {"split": "val" if r["crop"].endswith("anna/happy0.png") else r["split"]})
    if name == "outside":
        change_rows(folder, lambda r: r | {"crop": "../secret.png"})
    if name == "no crop":
        (folder / "crops/anna/happy0.png").unlink()
    if name == "damaged":
        change_told(folder, format=99)
    if name == "no table":
        (folder / "manifest.csv").write_bytes(b"\xff\xfe\0\0")
    return folder


@pytest.mark.parametrize(
    ("folder", "settings", "says"),
    [
        ("one category", [], "show only happy: a classifier tells two apart"),
        ("one person", [], "anna is the only training person"),
        ("empty", [], "no dataset.json"),
        ("absent", [], "no dataset.json"),
        ("twice", [], "anna is in train and in val"),
        ("outside", [], "is not a manifest of mien"),
        ("no crop", [], "is gone or damaged"),
        ("damaged", [], "is not the description of a prepared folder"),
        ("no table", [], "is not a manifest of mien"),
        ("", ["size=128"], "has crops of 64 px, but size is 128"),
        ("", ["sice=64"], "unknown key 'sice'"),
        ("", ["steps=0"], "start at 1"),
        ("", ["expressions=['happy']"], "two or more"),
        ("", ["expressions=['happy','glee']"], "expressions are of neutral"),
        ("", ["expressions=['happy','fear']"], "shows fear"),
        ("", ["widths=[4]"], "equal length"),
        ("", ["batch=1"], "batch starts at 2"),
    ],
)
def test_what_is_refused(folder, settings, says, tmp_path, capsys):
    source, out = bad(tmp_path, folder), tmp_path / "judge.onnx"
    words = [word for setting in ("size=32", *settings) for word in ("--set", setting)]
    code, _, err = call("classifier", "train", source, "-o", out, *words, capsys=capsys)
    assert code == 2 and says in err and err.count("\n") == 1 and "Traceback" not in err, err
    assert not list(tmp_path.glob("judge*"))


def test_outputs_that_cannot_be(prepared, tmp_path, capsys):
    (tmp_path / "x.json").mkdir()
    for name, says in (("a.bin", "must end in .onnx"), ("no/a.onnx", "no folder"), ("x.onnx", "it is a folder")):
        code, _, err = call("classifier", "train", prepared, "-o", tmp_path / name, capsys=capsys)
        assert code == 2 and says in err
    (tmp_path / "bad.toml").write_text("steps = ")
    for name in ("bad.toml", "absent.toml"):
        words = ["classifier", "train", prepared, "-o", tmp_path / "a.onnx", "--config", tmp_path / name]
        assert call(*words, capsys=capsys)[0] == 2
    assert not (tmp_path / "a.run").exists()


def test_the_published_configuration():
    config = read_config(Path(__file__).parents[3] / "configs" / "classifier.toml")
    assert config == ClassifierConfig()


@pytest.fixture(scope="module")
def judge(prepared, tmp_path_factory) -> Path:
    from mien.training.classifier.run import run

    out = tmp_path_factory.mktemp("judge") / "judge.onnx"
    run(prepared, out, replace(TINY, steps=2))
    return out


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "identity", "output": "descriptor"}, "its kind is 'expression'"),
        ({"channels": "BGR"}, "channels are 'RGB'"),
        ({"labels": ["happy"]}, "two or more"),
        ({"labels": ["happy", "sad"]}, "not one score for each of the 2 labels"),
        ({"labels": ["happy", "sad", "glee"]}, "labels are two or more different names out of"),
        ({"size": 64}, "not pictures"),
        ({"size": "big"}, "size is px"),
        ({"normalise": {"mean": [0.5], "std": [1]}}, "mean must be three numbers"),
        ({"output": "guess"}, "logits or probabilities"),
        ({"normalise": {"mean": [0.5] * 3}}, "does not say its normalise.std"),
        ({"channels": None}, "does not say its channels"),
        ({"normalise": None}, "does not say its normalise"),
        ({"output": None}, "does not say its output"),
        ({"losses_of": None}, "does not say its losses_of"),
        ({"sha256": "0" * 64}, "SHA-256 differs"),
        ({"trained_on": None}, "'trained_on' is missing"),
        ({"trained_on": {"database": "open", "split": "train"}}, "does not say its trained_on.people"),
        ({"trained_on": {"database": 1, "split": "train", "people": []}}, "trained_on says"),
    ],
)
def test_cards_that_are_wrong(changes, says, judge, tmp_path):
    out = Path(shutil.copy(judge, tmp_path / "j.onnx"))
    card = json.loads(judge.with_suffix(".json").read_text()) | changes
    (tmp_path / "j.json").write_text(json.dumps({k: v for k, v in card.items() if v is not None}))
    with pytest.raises(MienError, match=says):
        Classifier(out)


def test_a_card_must_be_there(judge, tmp_path):
    with pytest.raises(MienError):
        Classifier(Path(shutil.copy(judge, tmp_path / "alone.onnx")))


def test_what_the_network_is_fed(judge, prepared):
    card = Classifier(judge).card
    crops = read_crops(prepared, ["crops/anna/sad0.png"], 64)
    small = crops.reshape(1, 32, 2, 32, 2, 3).mean((2, 4))
    expected = (small.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.25
    np.testing.assert_allclose(fed(crops, card), expected, atol=0.01)
    photos = torch.from_numpy(crops.transpose(0, 3, 1, 2) / np.float32(255))
    np.testing.assert_allclose(batches_of.normalised(photos).numpy(), fed(crops, replace(card, size=64)), atol=1e-5)


def test_people_count_the_same_however_many_pictures():
    rows = [Row(f"{who}{n}", who, "happy", "val") for who, count in (("a", 3), ("b", 1)) for n in range(count)]
    found = tallied(rows, ["happy", "sad", "sad", "happy"], ("happy", "sad"), unknown=2)
    assert found.accuracy.value == pytest.approx((1 / 3 + 1) / 2) and found.accuracy.n == 4 and found.unknown == 2
    assert found.confusion == {"happy": {"happy": 2, "sad": 2}} and set(found.by_expression) == {"happy"}
    assert tallied([], [], ("happy", "sad")).accuracy is None


def test_expressions_that_it_does_not_know_are_counted(judge, prepared):
    rows = [Row("crops/dora/happy0.png", "dora", "happy", "val"), Row("x.png", "dora", "fear", "val")]
    found = measure(Classifier(judge), prepared, rows)
    assert found.unknown == 1 and found.accuracy.n == 1


def test_draws_are_even_and_variations_small():
    people = np.array(["a"] * 40 + ["b"] * 2 + ["c"] * 2)
    labels = np.array([0] * 42 + [1] * 2)
    pictures = Pictures(np.zeros((44, 32, 32, 3), np.uint8), labels, people)
    drawn = batches_of.Draws(pictures).draw(np.random.default_rng(0), 4000)
    counts = np.bincount(labels[drawn])
    assert counts.tolist() == [2000, 2000] and abs((people[drawn] == "b").sum() - 1000) < 120
    photos = torch.from_numpy(np.random.default_rng(1).random((6, 3, 4, 4), np.float32))
    photos = torch.nn.functional.interpolate(photos, 32, mode="bicubic").clamp(0, 1)
    still = replace(TINY, turn=0, zoom=0, shift=0, colour=0, blur=0, flips=False)
    lots = torch.Generator().manual_seed(0)
    torch.testing.assert_close(batches_of.varied(photos, still, lots), photos.clamp(1e-4, 1), atol=2e-4, rtol=0)
    mirrored = batches_of.varied(photos, replace(still, flips=True), torch.Generator().manual_seed(3))
    for one, photo in zip(mirrored, photos, strict=True):
        assert min((one - photo).abs().max(), (one - photo.flip(2)).abs().max()) < 1e-3
    changed = batches_of.varied(photos, TINY, lots)
    assert 0.01 < (changed - photos).abs().mean() < 0.3 and changed.min() >= 0 and changed.max() <= 1


def test_shares_of_a_batch(prepared):
    one = learner(prepared)
    learnt = lesson(prepared, TINY)
    real = read_pictures(prepared, learnt.rows, learnt.labels, 32)
    other = real._replace(images=np.full_like(real.images, 255))
    still = replace(TINY, turn=0, zoom=0, shift=0, colour=0, blur=0)
    both = Learner(still, real, learnt.labels, other, share=0.25).batches.at(3, torch.Generator().manual_seed(0))
    white = (both.photos.flatten(1) > 1.99).all(1)
    assert white.sum() == 2 and len(both.labels) == 8
    assert set(one.batches.at(0, torch.Generator()).labels.tolist()) == {0, 1, 2}


def test_extras_are_named(prepared, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mien.cli.needs.import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    code, _, err = call("classifier", "train", prepared, "-o", tmp_path / "a.onnx", capsys=capsys)
    assert code == 2 and "pip install 'mien[train]'" in err
