"""Detection and landmarks on drawn faces, whose parts lie where they were drawn."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

import drawn
from mien.errors import MienError
from mien.face import Face, crop, find_faces
from mien.face import landmarks as predictors
from mien.face.align import CANONICAL, CORNERS, apply
from mien.face.detect import detect, overlap

EYES, MOUTH = np.array([(160, 262), (320, 262)]), np.array([(180, 424), (300, 424)])


def truth(points: np.ndarray, side: int) -> np.ndarray:
    """Where a point of the drawing lies in `drawn.face(side)`, px."""
    return (points + 0.5) * side / 480 - 0.5 + (side // 2, side * 3 // 8)


@pytest.mark.parametrize("side", [100, 240, 900])
def test_the_parts_of_a_face_are_found_at_any_size(side: int) -> None:
    (face,) = find_faces(drawn.face(side))
    assert isinstance(face, Face)
    assert face.landmarks.shape == (68, 2)
    assert face.transform.shape == (2, 3)
    eyes = [face.landmarks[36:42].mean(axis=0), face.landmarks[42:48].mean(axis=0)]
    np.testing.assert_allclose(eyes, truth(EYES, side), atol=0.03 * side)
    np.testing.assert_allclose(face.landmarks[[48, 54]], truth(MOUTH, side), atol=0.04 * side)
    x0, y0, x1, y1 = face.box
    assert x0 < truth(EYES, side)[0, 0] < truth(EYES, side)[1, 0] < x1
    assert y0 < truth(EYES, side)[0, 1] < truth(MOUTH, side)[0, 1] < y1


def test_the_crop_shows_the_face_where_the_contract_says() -> None:
    photo = drawn.face(500)
    (face,) = find_faces(photo)
    assert np.abs(apply(face.transform, face.landmarks)[list(CORNERS)] - CANONICAL).max() < 12
    again = find_faces(cv2.copyMakeBorder(crop(photo, face.transform), 60, 60, 60, 60, cv2.BORDER_REPLICATE))
    assert np.abs(again[0].transform - np.array([(1, 0, -60), (0, 1, -60)]))[:, :2].max() < 0.05


@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_turned_photo_turns_the_landmarks(degrees: int) -> None:
    photo = drawn.face(300)
    matrix = cv2.getRotationMatrix2D((300, 300), degrees, 1.0)
    turned = cv2.warpAffine(photo, matrix, (600, 600), borderMode=cv2.BORDER_REPLICATE)
    (still,), (moved,) = find_faces(photo), find_faces(turned)
    distance = np.linalg.norm(apply(matrix, still.landmarks) - moved.landmarks, axis=1)
    assert distance.mean() < 0.03 * 300


def test_all_faces_the_largest_first_and_small_ones_in_large_photos() -> None:
    photo = np.full((1500, 2400, 3), 205, np.uint8)
    for side, at in ((110, (200, 200)), (190, (900, 600)), (150, (1800, 300))):
        drawn.face(side, at, photo)
    faces = find_faces(photo)
    assert len(faces) == 3
    lefts = [face.box[0] for face in faces]
    assert lefts[0] == pytest.approx(930, abs=60)
    widths = [face.box[2] - face.box[0] for face in faces]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (90, 70), (800, 600)])
def test_a_photo_without_a_face_has_none(shape: tuple[int, int]) -> None:
    assert find_faces(np.full((*shape, 3), 127, np.uint8)) == []


@pytest.mark.parametrize(
    "photo", [np.zeros((50, 50)), np.zeros((50, 50, 4), np.uint8), np.zeros((50, 50, 3), np.uint16)]
)
def test_only_rgb_bytes_are_searched(photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        detect(photo)


def test_a_bad_box_is_refused() -> None:
    with pytest.raises(ValueError, match="not a box"):
        predictors.coarse(drawn.face(100), (10, 10, 10, 40))


def test_overlap() -> None:
    box = np.array([0.0, 0, 2, 2])
    assert overlap(box, box) == 1
    assert overlap(box, box + 2) == 0
    assert overlap(box, box + (1, 0, 1, 0)) == pytest.approx(1 / 3)


def test_damaged_weights_are_one_clear_line(tmp_path, monkeypatch) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(predictors, "files", lambda package: tmp_path)
    with pytest.raises(MienError, match="reinstall"):
        predictors.predictor.__wrapped__("landmarks68.dat")
    (tmp_path / "weights/landmarks.json").write_text('{"landmarks68.dat": {"sha256": "0"}}')
    (tmp_path / "weights/landmarks68.dat").write_bytes(b"not a predictor")
    with pytest.raises(MienError, match="damaged"):
        predictors.predictor.__wrapped__("landmarks68.dat")


def test_finding_faces_imports_no_torch() -> None:
    code = (
        "import sys, numpy, mien.face as f; f.find_faces(numpy.zeros((99, 99, 3), 'u1')); print('torch' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )
