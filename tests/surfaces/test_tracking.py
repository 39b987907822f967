"""Faces followed through frames: steady, numbered, leaving and returning. With the real detector and landmarks."""

import numpy as np
import pytest

from mien.face import align, find_faces
from mien.surfaces.clips.tracking import FADE, Tracker
from support import needs_sample
from surfaces.moving import frame

pytestmark = needs_sample


def follow(frames, fps=25.0):
    tracker = Tracker()
    return [tracker.step(one, i / fps) for i, one in enumerate(frames)]


def test_a_still_face_is_exactly_still():
    seen = follow([frame()] * 4)
    for one in seen:
        assert len(one) == 1 and one[0].number == 1 and one[0].presence == 1
        assert np.array_equal(one[0].face.landmarks, seen[0][0].face.landmarks)
    assert seen[0][0].face.landmarks == pytest.approx(find_faces(frame())[0].landmarks, abs=1e-6)


def test_noise_moves_landmarks_much_less_than_photo_by_photo():
    frames = [frame(noise=6, seed=i) for i in range(9)]
    smooth = np.array([one[0].face.landmarks for one in follow(frames)])[2:]
    raw = np.array([find_faces(one)[0].landmarks for one in frames])[2:]
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.3 * np.abs(np.diff(raw, axis=0)).mean()


def test_a_moving_face_is_followed_without_lag():
    steps = [2.0 * i for i in range(10)]
    seen = follow([frame(dx, zoom=0.8) for dx in steps])
    first = find_faces(frame(zoom=0.8))[0]
    k = align.scale(first.transform)
    for dx, one in list(zip(steps, seen, strict=True))[3:]:
        error = (one[0].face.landmarks - first.landmarks - (dx, 0)) * k
        assert np.abs(error.mean(axis=0)).max() < 1.5  # crop px of 256


def test_after_a_cut_a_face_is_another_and_whole_at_once():
    seen = follow([frame()] * 2 + [np.full((320, 320, 3), 20, np.uint8)] * 2 + [frame()] * 2, fps=10)
    assert [[(s.number, s.presence) for s in one] for one in seen] == [[(1, 1.0)]] * 2 + [[]] * 2 + [[(2, 1.0)]] * 2


def test_a_face_that_leaves_and_returns_fades_and_keeps_its_number():
    places = [0, -60, -160, -420, -420, -420, -420, -420, -160, -60, 0, 0, 0, 0]
    seen = follow([frame(dx=dx, size=(480, 240)) for dx in places], fps=10)
    shown = [one[0].presence if one else 0.0 for one in seen]
    assert shown[0] == 1 and 0.0 in shown[4:8] and shown[-1] == 1
    assert {s.number for one in seen for s in one} == {1}
    back = shown.index(0.0)
    assert all(
        b - a <= 0.1 / FADE + 1e-9 for a, b in zip(shown[back:], shown[back + 1 :], strict=False)
    )  # no jump back


def test_a_face_that_comes_within_a_shot_fades_in():
    places = (-420, -420, -420, -40, -38, -36, -34)
    seen = follow([frame(dx=dx, size=(640, 320), zoom=0.9) for dx in places], fps=20)
    shown = [one[0].presence if one else 0.0 for one in seen]
    step = 0.05 / FADE
    assert shown == pytest.approx([0, 0, 0, 0, step, 2 * step, 3 * step])  # counted once found twice


def test_two_faces_keep_their_numbers_when_they_cross_in_size():
    def two(a: float, b: float) -> np.ndarray:
        return np.hstack([frame(zoom=a), frame(zoom=b)])

    seen = follow([two(1.0 - 0.04 * i, 0.8 + 0.04 * i) for i in range(6)])
    assert [sorted(s.number for s in one) for one in seen] == [[1, 2]] * 6
    left = [{s.number: s.face.box[0] for s in one} for one in seen]
    assert all(one[1] < 320 <= one[2] + 20 for one in left)
    assert seen[0][0].number == 1 and seen[-1][0].number == 2  # the largest first


@pytest.mark.parametrize("speed", [60, 140])
def test_a_face_that_leaves_fast_is_followed_to_the_edge_and_fades_there(speed):
    """It keeps its number whatever its speed, shows whole while it is whole, and nothing shows once it is gone."""
    places = [-max(0, i - 3) * speed for i in range(3 + 420 // speed)]
    seen = follow([frame(dx=dx, size=(640, 360), zoom=0.9) for dx in places])
    assert {s.number for one in seen for s in one} == {1}
    for dx, one in zip(places, seen, strict=True):
        shown = one[0].presence if one else 0.0
        left, right = 245 + dx, 396 + dx  # of the face
        assert shown == 1 or left < 15, (dx, shown)
        assert shown == 0 or right > 60, (dx, shown)


def test_a_calm_face_is_searched_for_five_times_a_second(monkeypatch):
    """The detector is the dearest step: in between a face is followed by its landmarks, and none gets lost."""
    from mien.surfaces.clips import tracking

    looked = []
    monkeypatch.setattr(tracking, "detect", lambda rgb, own=tracking.detect: looked.append(1) or own(rgb))
    seen = follow([frame(dx=2 * i, size=(400, 320), noise=3, seed=i) for i in range(26)])
    assert [len(one) for one in seen] == [1] * 26 and 5 <= len(looked) <= 8
    follow([np.full((320, 320, 3), 90, np.uint8)] * 3)  # nobody there: every frame
    assert len(looked) <= 8 + 3
