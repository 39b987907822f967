"""Keyframes: how they are written, and that what lies between is smooth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.expression import ALL_NAMES, MAX_AMOUNT, SHAPES, parse
from mien.surfaces.clips.keyframes import Keyframe, Track, between, constant, parse_track

names = st.sampled_from(ALL_NAMES)
strengths = st.integers(0, 150).map(lambda n: n / 100)
words = st.one_of(
    names,
    st.builds(lambda n, s: f"{n}:{s}", names, strengths),
    st.builds(lambda n, w: f"{n}={w}", st.sampled_from(SHAPES), st.integers(-100, 200).map(lambda n: n / 100)),
    st.builds(lambda a, b: f"{a}:0.4,{b}=0.3", names, st.sampled_from(SHAPES)),
)
tracks = st.lists(st.tuples(st.integers(1, 4000), words), min_size=1, max_size=6).map(
    lambda parts: " ".join(
        f"{t / 1000}:{w}" for t, w in zip(np.cumsum([t for t, _ in parts]), [w for _, w in parts], strict=True)
    )
)


def change(track: Track, time: float) -> np.ndarray:
    """(58,) how far the face is moved: amount * (target - own), the own expression's factor last."""
    expression, amount = track.at(time)
    return np.append(expression.weights.astype(np.float64) * amount, -amount)


def test_the_example():
    track = parse_track("0:neutral 1.5:happy 4:surprise:0.5")
    assert [(key.time, str(key.expression)) for key in track.keyframes] == [
        (0, "neutral"), (1.5, "happy"), (4, "surprise:0.5"),
    ]  # fmt: skip
    assert track.end == 4
    assert str(track.at(0.75)[0]) == "happy:0.5" and track.at(0.75)[1] == 1
    assert track.at(-1) == track.at(0) == (parse("neutral"), 1.0) and track.at(9) == (parse("surprise:0.5"), 1.0)
    assert track.at(2.75)[0].weights == pytest.approx(0.5 * parse("happy").weights + 0.25 * parse("surprise").weights)


def test_from_the_clips_own_expression_a_face_sets_out_at_once():
    track = parse_track("0:neutral:0 2:happy")
    assert track.at(0)[1] == 0 and track.at(1) == (parse("happy"), 0.5)


@given(tracks)
def test_what_is_written_is_read_again(text):
    track = parse_track(text)
    assert parse_track(str(track)) == track


@given(tracks, st.floats(0, 20), st.sampled_from([0.5, 1.0, 1.3]))
def test_between_keyframes_all_is_legal_and_smooth(text, time, strength):
    track = parse_track(text, strength)
    expression, amount = track.at(time)
    assert 0 <= amount <= MAX_AMOUNT
    assert parse(str(expression)).weights == pytest.approx(expression.weights, abs=1e-5)  # within all ranges
    step = 1e-4
    # the fastest change there can be: a whole target (2 a shape) within the shortest stretch, 1.5 times as fast midway
    gaps = [b.time - a.time for a, b in zip(track.keyframes, track.keyframes[1:], strict=False)] or [1.0]
    assert np.abs(change(track, time + step) - change(track, time)).max() <= step / min(gaps) * 1.5 * 5.3 + 1e-5


@given(names, names, st.floats(0, 1))
def test_the_change_of_the_face_goes_straight(a, b, t):
    one, two = Keyframe(0, parse(a), 1.0), Keyframe(1, parse(b), 1.0)
    expression, amount = between(one, two, t)
    assert expression.weights * amount == pytest.approx(
        parse(a).weights * (1 - t) + parse(b).weights * t, abs=1e-6
    )  # fmt: skip


BAD = [
    "", " ; ", "happy", "0", "0:", "0: happy", "x:happy", "-1:happy", "nan:happy", "1e3:happy", "inf:happy", "0:hapy",
    "1:happy 1:sad", "2:happy 1:sad", "0:happy,", "0:happy:2", "0:jawOpen", "99999999:happy", "0:happy:0.5:0.5", "0:=1",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_bad_keyframes_are_one_line(text):
    with pytest.raises(MienError) as wrong:
        parse_track(text)
    assert "\n" not in str(wrong.value)


@given(st.text(alphabet=st.sampled_from("0123456789.:;,= hapysdNI-_\n\tx\u0661"), max_size=30))
def test_any_text_is_keyframes_or_one_line(text):
    try:
        track = parse_track(text)
    except MienError as wrong:
        assert "\n" not in str(wrong)
    else:
        assert track.keyframes and math.isfinite(track.end)


@pytest.mark.parametrize("strength", [-0.1, 1.4, math.nan, math.inf])
def test_a_bad_strength(strength):
    with pytest.raises(MienError, match="strength"):
        constant("happy", strength)
