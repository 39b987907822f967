"""A face that talks and blinks with an expression on. The clip is the bundled sample, acted by the rig
(`bench/acting.py`), so what lips and lids truly do is known."""

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.editor import Editor
from mien.expression import SHAPES, parse
from mien.face import align
from mien.face.landmarks import refine
from mien.surfaces.clips.keyframes import constant
from mien.surfaces.clips.liveliness import CALM, JAW, Doing, Liveliness
from mien.surfaces.clips.take import Take
from support import needs_sample, needs_weights

CLIP = Path(__file__).with_name("acting.mp4")
SAID = (27, 48)  # frames of two syllables and a blink, from lips that are closed
EYES = (slice(80, 112), slice(76, 180))  # of the aligned crop of 256 px


def weight(expression, name: str) -> float:
    return float(expression.weights[SHAPES.index(name)])


def test_a_still_face_does_nothing_at_all():
    lively, happy = Liveliness(), parse("happy")
    for i in range(200):
        doing = lively.step(0.031, 0.27, i / 25)
        assert doing == Doing() and doing.upon(happy) is happy


def test_lips_that_part_open_the_jaw_and_close_again():
    lively = Liveliness()
    seen = [lively.step(lips, 0.3, i / 25).talk for i, lips in enumerate([0.0] * 5 + [0.1] * 3 + [0.0] * 3)]
    assert seen[:5] == [0.0] * 5
    assert seen[7] == pytest.approx((0.1 - CALM) / JAW, rel=0.15)
    assert seen[8] < 0.05 and seen[-1] < 0.01


def test_a_clip_may_begin_with_an_open_mouth():
    """Open lips are its rest until they close; then they were talk."""
    lively = Liveliness()
    assert lively.step(0.1, 0.3, 0.0).talk == 0
    for i in range(1, 5):
        lively.step(0.0, 0.3, i / 25)
    assert lively.step(0.1, 0.3, 0.2).talk > 0.2


def test_a_mouth_that_stays_open_is_at_rest_in_the_end():
    lively = Liveliness()
    lively.step(0.0, 0.3, 0.0)
    seen = [lively.step(0.1, 0.3, i / 25).talk for i in range(1, 150)]
    assert seen[2] > 0.25 and seen[-1] < 0.02 and np.all(np.diff(seen[3:]) <= 1e-9)


def test_a_blink_closes_the_target_s_eyes_and_nothing_stays():
    lively, wide = Liveliness(), parse("surprise")
    closed = [lively.step(0.0, iris, i / 25).closed for i, iris in enumerate([0.3] * 5 + [0.02] * 3 + [0.3] * 3)]
    assert closed[4] == 0 and closed[7] > 0.9 and closed[-1] < 0.02
    shut = Doing(closed=1.0).upon(wide)
    assert weight(shut, "eyeBlink_L") == weight(shut, "eyeBlink_R") == 1.0
    assert weight(shut, "eyeWide_L") == pytest.approx(0, abs=1e-6)
    assert weight(shut, "browInnerUp_L") == weight(wide, "browInnerUp_L")
    half = Doing(closed=0.5).upon(wide)
    assert weight(half, "eyeWide_R") == pytest.approx(0.5 * weight(wide, "eyeWide_R"))


def test_talk_adds_less_to_a_mouth_that_is_open_already():
    added = [
        weight(Doing(talk=0.4).upon(parse(name)), "jawOpen") - weight(parse(name), "jawOpen")
        for name in ("neutral", "happy", "surprise", "jawOpen=1.2")
    ]
    assert added[0] == pytest.approx(0.4) and added[0] > added[1] > added[2] > 0 == added[3]


@lru_cache
def clip() -> tuple[list[np.ndarray], list[dict]]:
    """(frames (H, W, 3), what is known of each)."""
    av = pytest.importorskip("av")
    with av.open(str(CLIP)) as container:
        frames = [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
    return frames, json.loads(CLIP.with_suffix(".json").read_text())


@lru_cache
def edited(expression: str, start: int, end: int) -> list[np.ndarray]:
    take = Take(Editor(), constant(expression))
    return [take.plan(one, i / 25).carry_out(one) for i, one in enumerate(clip()[0][start:end])]


def parting(frame: np.ndarray, told: dict) -> float:
    """How far the lips are apart by the landmarks of a face that lies where it is known to lie."""
    points = refine(frame, align.crop_transform(np.array(told["corners"])))
    return float((points[[67, 66, 65], 1] - points[[61, 62, 63], 1]).mean() / np.linalg.norm(points[45] - points[36]))


def leaps(frames: list[np.ndarray], told: list[dict]) -> np.ndarray:
    """Second differences in time about the eyes, a value for every frame but the first and the last."""
    eyes = np.stack(
        [
            cv2.GaussianBlur(
                align.crop(one, align.crop_transform(np.array(what["corners"]))).astype(np.float32), (0, 0), 1.5
            )[EYES]
            for one, what in zip(frames, told, strict=True)
        ]
    )
    return np.abs(np.diff(eyes, 2, axis=0)).mean(axis=(1, 2, 3))


@needs_weights
@needs_sample
@pytest.mark.parametrize(("expression", "least", "gain"), [("happy", 0.9, 0.4), ("neutral", 0.85, 0.4)])
def test_lips_move_with_what_is_said(expression, least, gain):
    """Once an edit went to its target whatever the frame showed: a correlation of 0.0 to 0.6 and a gain below 0.1."""
    made, told = edited(expression, *SAID), clip()[1][slice(*SAID)]
    lips = [parting(one, what) for one, what in zip(made, told, strict=True)]
    true = [what["lips"] for what in told]
    assert np.corrcoef(lips, true)[0, 1] > least
    assert np.polyfit(true, lips, 1)[0] > gain


@needs_weights
@needs_sample
@pytest.mark.parametrize("expression", ["happy", "neutral"])
def test_brows_and_eyes_do_not_bounce_with_what_is_said(expression):
    """Once an open mouth was taken for surprise, and brows went down with every syllable: 1.6 times the clip's own."""
    frames, told = (one[slice(*SAID)] for one in clip())
    assert leaps(edited(expression, *SAID), told).mean() < 1.15 * leaps(frames, told).mean()


@needs_weights
@needs_sample
def test_a_blink_stays_a_blink():
    """Wide eyes have further to go, but they do not pop."""
    frames, told = (one[4:17] for one in clip())
    own, made = leaps(frames, told), leaps(edited("surprise", 4, 17), told)
    assert made.max() < 1.7 * own.max()
