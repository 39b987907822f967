"""What the rivals are told of a face: the weights it was drawn with, landmarks in its crop, both mirrored with it."""

from __future__ import annotations

import shutil

import numpy as np

from mien.data.open_faces import render_weights
from mien.expression import SHAPES
from mien.rig.emotions import prototype
from mien.training.baselines.geometry import face_weights, measure, mirrored
from mien.training.paper.config import DataOptions, LogOptions, PaperConfig
from mien.training.paper.faces import render
from synthetic import paint
from training.paper.tiny import made_up


def test_mirrored_twice_is_the_face_itself():
    lots = np.random.default_rng(0)
    weights, points = lots.random((3, 57)), lots.random((3, 68, 2))
    once = mirrored(weights, points)
    twice = mirrored(*once)
    assert np.allclose(twice[0], weights) and np.allclose(twice[1], points)
    left, right = SHAPES.index("mouthSmile_L"), SHAPES.index("mouthSmile_R")
    assert np.array_equal(once[0][:, left], weights[:, right])
    assert np.allclose(once[1][:, 36], points[:, 45] * (-1, 1) + (1, 0))  # the outer corners of the eyes


def test_of_rendered_people(people, kit, kit_file, tmp_path):
    shared = shutil.copytree(people, tmp_path / "shared")
    smile = shared / "data" / "london" / "smiling" / "001.jpg"
    smile.parent.mkdir()
    shutil.copy(shared / "data" / "london" / "neutral" / "002.jpg", smile)
    config = PaperConfig(
        size=64, categories=("neutral", "happy"), data=DataOptions(variants=2), log=LogOptions(faces=1)
    )

    def find(rgb):
        return paint(400, seed=1)[1]

    faces = render(config, shared, kit, find)
    assert faces.categories.tolist() == ["neutral", "happy", "happy", "happy", "neutral", "happy", "happy"]
    found = measure(config, faces, True, shared, kit_file.parent, tmp_path, find)
    assert found.weights.shape == (7, 57) and found.points.shape == (7, 68, 2) and found.held_out.shape == (1, 68, 2)
    happy, still = prototype("happy"), np.zeros(57)
    first, second = (render_weights("happy", 1, 1, number, (0.8, 1.2)) for number in range(2))
    assert np.allclose(found.weights, [still, happy, first, happy, still, happy, second])
    corners = found.points[:, [48, 54]]
    assert corners.min() > 0.2 and corners.max() < 0.9
    assert found.points[1, 48, 0] < found.points[0, 48, 0] < found.points[0, 54, 0] < found.points[1, 54, 0]  # a smile
    # the smile is the second person's neutral photo here, found by the same landmarks: both lie where the crop does
    assert np.abs(found.points[3] - found.points[4])[17:].max() < 0.01  # a template's jaw is resampled
    again = measure(config, faces, True, shared, tmp_path, tmp_path, find)  # not measured: there is no model there
    assert np.array_equal(again.points, found.points)
    next(tmp_path.glob("points-*.npz")).write_bytes(b"x")
    assert np.allclose(measure(config, faces, True, shared, kit_file.parent, tmp_path, find).points, found.points)
    assert not measure(config, faces, False, None, None, tmp_path, find).points.any()


def test_a_database_is_told_of_by_its_labels():
    config = PaperConfig(data=DataOptions(prepared="somewhere"))
    faces = made_up(2)
    weights = face_weights(config, faces)
    assert np.allclose(weights[2], prototype("sad")) and not weights[0].any()
