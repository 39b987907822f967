import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.expression import ACTION_UNITS, ALL_NAMES, NAMES, PROTOTYPES, SHAPES, SYNONYMS, parse

PAIRED = sorted({name[:-2] for name in SHAPES if name.endswith("_L")})


def weight(text: str, shape: str) -> float:
    return float(parse(text).weights[SHAPES.index(shape)])


def test_the_vocabulary_is_whole():
    assert len(SHAPES) == len(set(SHAPES)) == 57
    assert len(NAMES) == 7 and set(PROTOTYPES) == set(ALL_NAMES)
    known = {*SHAPES, *PAIRED}
    assert all(shape in known for prototype in PROTOTYPES.values() for shape in prototype)
    assert all(shape in known for shapes in ACTION_UNITS.values() for shape in shapes)
    assert set(SYNONYMS.values()) <= set(ALL_NAMES) and not set(SYNONYMS) & set(ALL_NAMES)


@pytest.mark.parametrize("name", ALL_NAMES)
def test_a_name_is_its_prototype(name):
    expression = parse(name)
    assert str(expression) == name and expression.amount == 1
    assert expression.weights.shape == (57,) and expression.weights.dtype == np.float32
    assert np.allclose(parse(f"{name}:0.5").weights, 0.5 * expression.weights)
    with pytest.raises(ValueError):
        expression.weights[0] = 1


def test_sides():
    both = parse("browInnerUp=0.8").weights
    assert np.flatnonzero(both).tolist() == [SHAPES.index("browInnerUp_L"), SHAPES.index("browInnerUp_R")]
    assert weight("browInnerUp_L=0.8", "browInnerUp_R") == 0
    assert weight("contempt", "mouthSmile_R") == 0 < weight("contempt", "mouthSmile_L")


def test_everything_adds_up():
    mixture = parse("happy:0.5,surprise:0.5,jawOpen=0.2").weights
    apart = parse("happy:0.5").weights + parse("surprise:0.5").weights + parse("jawOpen=0.2").weights
    assert np.allclose(mixture, apart)
    assert str(parse("happy:0.1,happy:0.2")) == "happy:0.3"
    assert str(parse("AU12=0.5, AU28=0.25")) == "mouthSmile=0.5,mouthRollUpper=0.25,mouthRollLower=0.25"
    assert str(parse(" Joy : 0.60 , JAWOPEN = .4 ")) == "happy:0.6,jawOpen=0.4"


def test_the_amount():
    assert parse("neutral:0.4").amount == 0.4
    assert parse("neutral:0").amount == parse("happy:0").amount == parse("happy:0,sad:0").amount == 0
    assert parse("neutral:0.5,happy:0.5").amount == parse("happy:0.01").amount == 1


def test_equal_expressions_are_equal():
    assert parse("joy:0.50") == parse("happy:.5") and hash(parse("joy:0.50")) == hash(parse("happy:.5"))
    assert parse(parse("sad")) == parse("sad")


terms = st.one_of(
    st.tuples(st.sampled_from([*ALL_NAMES, *SYNONYMS]), st.just(":"), st.floats(0, 1.5)),
    st.tuples(st.sampled_from([*SHAPES, *PAIRED]), st.just("="), st.floats(-1, 2)),
)


@given(st.lists(terms, min_size=1, max_size=6, unique_by=lambda t: SYNONYMS.get(t[0], t[0])))
def test_what_is_printed_parses_back(parts):
    expression = parse(",".join(f"{key}{sign}{value!r}" for key, sign, value in parts))
    again = parse(str(expression))
    assert again == expression and str(again) == str(expression)
    assert np.array_equal(again.weights, expression.weights) and again.amount == expression.amount
    assert (expression.weights >= -1).all() and (expression.weights <= 2).all()


@given(st.text())
def test_any_text_parses_or_is_refused_in_one_line(text):
    try:
        assert parse(str(parse(text))) == parse(text)
    except MienError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hapy", "did you mean happy"),
        ("jawOpne=0.4", "did you mean jawOpen"),
        ("zzzz", "neutral, anger, disgust, fear, happy, sad, surprise, contempt"),
        ("", "names:"),
        ("happy:", "not a number"),
        ("happy:nan", "not a number"),
        ("happy:inf", "not a number"),
        ("happy:x", "not a number"),
        ("happy:1.6", "within 0 to 1.5"),
        ("happy:-0.1", "within 0 to 1.5"),
        ("jawOpen=2.1", "within -1 to 2"),
        ("happy:0.8,happy:0.8", "within 0 to 1.5"),
        ("jawOpen", "needs a weight"),
        ("AU99=1", "unknown expression"),
        ("happy,,sad", "cannot read"),
        ("happy 0.5", "cannot read"),
    ],
)
def test_what_is_wrong_is_said(text, says):
    with pytest.raises(MienError, match=says):
        parse(text)
