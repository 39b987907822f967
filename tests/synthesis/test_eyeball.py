"""Eyes completed behind their lids, from what a photo shows of them."""

from __future__ import annotations

import cv2
import numpy as np

from mien.rig.facekit import IRIS, LANDMARK_VERTICES, SCLERA
from mien.synthesis.eyeball import eye_plate, skin_colour

SKIN = np.array([0.75, 0.6, 0.5])


def test_the_skin_s_colour_is_that_of_the_cheeks(rig):
    """Painted halves give the mean of the five places, and the nose's tip is one of them."""
    marks = rig.fit.points[LANDMARK_VERTICES, :2]
    plain = np.broadcast_to(np.float32(SKIN), (rig.size, rig.size, 3)).copy()
    np.testing.assert_allclose(skin_colour(plain, marks), SKIN, rtol=1e-5)
    halves = plain.copy()
    halves[:, : round(float(marks[30, 0])) - 30] = 0  # the left cheeks, two of the five
    np.testing.assert_allclose(skin_colour(halves, marks), 0.6 * SKIN, rtol=0.03)


def test_the_plate_keeps_what_is_seen_and_completes_what_is_not(rig):
    """A painted disc of an iris, half under a lid: beneath the lid it goes on."""
    marks = rig.fit.points[LANDMARK_VERTICES, :2]
    span = float(np.linalg.norm(marks[45] - marks[36]))
    size = rig.size
    truth = np.full((size, size, 3), 0.7, np.float32)  # the whites of the eyes
    centres = [marks[36:42].mean(0), marks[42:48].mean(0)]
    y, x = np.mgrid[:size, :size]
    iris = np.zeros((size, size), bool)
    for c in centres:
        iris |= np.hypot(x - c[0], y - c[1]) < 0.066 * span
    truth[iris] = (0.3, 0.2, 0.1)
    visible = np.zeros((size, size), np.uint8)
    for eye, c in ((marks[36:42], centres[0]), (marks[42:48], centres[1])):
        half = np.ptp(eye[:, 0]) / 2
        cv2.ellipse(visible, (int(c[0]), int(c[1])), (int(half), int(0.045 * span)), 0, 0, 360, 1, -1)
    visible = visible.astype(bool)
    photo = np.where(visible[..., None], truth, np.float32([0.8, 0.5, 0.5]))
    plate = eye_plate(photo, marks, visible, SKIN)
    assert plate.shape == photo.shape and plate.dtype == np.float32
    near = np.zeros((size, size), bool)
    for c in centres:
        near |= (np.abs(x - c[0]) < 0.25 * span) & (np.abs(y - c[1]) < 0.25 * span)
    np.testing.assert_array_equal(plate[~near], photo[~near])
    for c in centres:
        column = round(c[0])
        row = round(c[1] - 0.058 * span)  # iris, but under the upper lid
        assert not visible[row, column] and np.abs(plate[row, column] - (0.3, 0.2, 0.1)).max() < 0.12
        aside = (round(c[1] - 0.09 * span), round(c[0] + 0.1 * span))  # white, under the lid
        assert not visible[aside] and plate[aside].min() > 0.45 and np.ptp(plate[aside]) < 0.12
        np.testing.assert_allclose(plate[int(c[1]), int(c[0])], truth[int(c[1]), int(c[0])], atol=0.02)


def test_closed_eyes_are_left_alone(rig):
    photo = np.random.default_rng(0).random((rig.size, rig.size, 3)).astype(np.float32)
    closed = np.zeros((rig.size, rig.size), bool)
    np.testing.assert_array_equal(eye_plate(photo, rig.fit.points[LANDMARK_VERTICES, :2], closed, SKIN), photo)


def test_irises_and_whites_are_told_apart_in_a_rig(rig):
    eyes = np.isin(rig.triangle_part, (SCLERA, IRIS))
    assert eyes.any() and rig.plate.shape == rig.canvas.shape and rig.plate.min() >= 0 and rig.plate.max() < 1.2
