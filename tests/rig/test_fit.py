"""The fit: known cameras come back, landmarks are met exactly, and it does not depend on the photo's frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.data.people import read_people
from mien.data.templates import landmarks68, read_template
from mien.expression import SHAPES
from mien.face.align import apply
from mien.rig.facekit import LANDMARK_VERTICES, SKIN
from mien.rig.fit import ESTIMATED, LOWER_LIDS, UPPER_LIDS, fit
from support import SHARED, needs_shared
from synthetic import camera, landmarks_in, similarity


def seen_by(kit, linear: np.ndarray, shapes: np.ndarray | None = None) -> np.ndarray:
    """(68, 2) landmarks of the mean face through a camera."""
    model = kit.vertices[LANDMARK_VERTICES].astype(np.float64)
    if shapes is not None:
        model = model + np.tensordot(shapes, kit.expressions[:, LANDMARK_VERTICES], 1)
    return (model @ linear.T)[:, :2] + (300, 280)


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (0.3, 0, 0), (-0.25, 0.1, 0.4), (0, -0.2, -2.5)])
def test_a_known_camera_is_found(kit, yaw, pitch, roll):
    truth = camera(20.0, yaw, pitch, roll)
    found = fit(kit, seen_by(kit, truth))
    np.testing.assert_allclose(found.linear, truth, atol=0.03 * 20)
    assert found.scale == pytest.approx(20, rel=0.01) and found.error < 0.01
    assert np.linalg.det(found.linear) < 0  # the picture's y runs down
    nose, ear = found.points[LANDMARK_VERTICES[30]], found.points[LANDMARK_VERTICES[0]]
    assert nose[2] > ear[2]


def test_landmarks_are_met(kit, painted):
    _, marks = painted
    found = fit(kit, marks)
    distance = np.linalg.norm(found.points[LANDMARK_VERTICES, :2] - marks, axis=1)
    ocular = np.linalg.norm(marks[45] - marks[36])
    others = [i for i in range(68) if i not in UPPER_LIDS]
    assert distance[others].max() < 0.002 * ocular
    opening = np.linalg.norm(marks[LOWER_LIDS] - marks[UPPER_LIDS], axis=1)
    lashes = np.minimum(0.008 * ocular, 0.3 * opening)  # they belong to the lid; but a narrow eye stays open
    np.testing.assert_allclose(distance[UPPER_LIDS], lashes, rtol=0.2)
    assert not found.weights.any() and found.identity.shape == (100,) and found.error < 0.05


frames = st.tuples(st.floats(0.1, 8), st.floats(-3.1, 3.1), st.floats(-900, 900), st.floats(-900, 900))


@settings(max_examples=5)
@given(frames, st.integers(0, 50))
def test_moving_a_fit_is_fitting_what_moved(kit, parts, seed):
    marks, move = landmarks_in(400, seed), similarity(*parts)
    moved, again = fit(kit, marks).moved(move), fit(kit, apply(move, marks))
    ocular = np.linalg.norm(marks[45] - marks[36]) * parts[0]
    shown = kit.part == 0
    np.testing.assert_allclose(moved.points[shown], again.points[shown], atol=0.005 * ocular)
    np.testing.assert_allclose(moved.linear, again.linear, atol=2e-3 * moved.scale)
    np.testing.assert_allclose(moved.identity, again.identity, atol=2e-3)
    assert moved.scale == pytest.approx(again.scale, rel=1e-3) and moved.error == pytest.approx(again.error, abs=1e-4)


def test_an_expression_is_estimated(kit):
    shapes = np.zeros(57)
    for name, value in (("jawOpen", 0.6), ("browOuterUp_L", 0.7), ("mouthSmile_L", 0.6), ("mouthSmile_R", 0.6)):
        shapes[SHAPES.index(name)] = value
    found = fit(kit, seen_by(kit, camera(20.0), shapes), estimate_expression=True, identity=np.zeros(100))
    np.testing.assert_allclose(found.weights, shapes, atol=0.2)
    assert found.weights.min() >= 0 and found.weights.max() <= 1 and not found.identity.any()
    assert not np.delete(found.weights, ESTIMATED).any()


def test_the_lips_of_an_open_mouth_do_not_wear_its_teeth(kit):
    """Skin that lies within the inner ring of the lips is moved to its edge; a closed mouth is left alone."""
    shapes = np.zeros(57)
    shapes[SHAPES.index("jawOpen")] = 0.5
    marks = seen_by(kit, camera(20.0), shapes)
    ring = marks[60:68].astype(np.float32)
    found = fit(kit, marks, estimate_expression=True)
    skin = found.points[kit.part == SKIN, :2]
    depth = np.array([cv2.pointPolygonTest(ring, (float(x), float(y)), True) for x, y in skin])
    assert depth.max() < 0.1 and (np.abs(depth) < 0.1).sum() > 8  # px inside, and those upon the edge


def test_a_neutral_face_is_taken_as_neutral(kit):
    found = fit(kit, seen_by(kit, camera(20.0, 0.1)), estimate_expression=True)
    assert found.weights.max() < 0.25


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.zeros((68, 3)), np.full((68, 2), np.nan)])
def test_other_landmarks_are_refused(kit, landmarks):
    with pytest.raises(ValueError, match="68 finite"):
        fit(kit, landmarks)


@needs_shared
def test_everybody_kept_aside_is_fitted(real_kit):
    people = [p for p in read_people(SHARED) if p.split == "val"]
    assert len(people) == 14
    for person in people:
        marks = landmarks68(read_template(person.template))
        found = fit(real_kit, marks)
        assert found.error < 0.05, person.key
        ocular = np.linalg.norm(marks[45] - marks[36])
        assert np.abs(found.points[LANDMARK_VERTICES[48:60], :2] - marks[48:60]).max() < 0.01 * ocular, person.key
        assert 0.5 < np.abs(found.identity).max() < 5, person.key
