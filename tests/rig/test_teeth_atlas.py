"""The drawing of the teeth: where the model stands, what belongs to which row, and that it is the one committed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mien.expression import SHAPES
from mien.face.align import CANONICAL, CORNERS
from mien.rig import teeth_atlas
from mien.rig.facekit import GUM, LANDMARK_VERTICES, LOWER_TEETH, UPPER_TEETH
from mien.rig.teeth_atlas import canonical, draw, lower_gum, with_tongue
from mien.synthesis.dentition import ATLAS, DENSITY, LOWER, UPPER, WIDTH
from support import SHARED, needs_shared


@pytest.fixture(scope="module")
def drawn(real_kit) -> np.ndarray:
    return draw(real_kit)


def check_canonical(kit) -> None:
    points = canonical(kit)
    assert points.shape == kit.vertices.shape and points.dtype == np.float32
    corners = points[LANDMARK_VERTICES[list(CORNERS)], :2]
    assert np.abs(corners - CANONICAL).max() < 12  # no face is the mean one
    assert points[kit.part == UPPER_TEETH, 0].mean() == pytest.approx(127.5, abs=0.01)
    upper, lower = (points[kit.part == label, 1].mean() for label in (UPPER_TEETH, LOWER_TEETH))
    assert 130 < upper < lower < 190
    # a similarity: x, y and z grow alike, y turns over
    a, b = np.random.default_rng(0).choice(len(points), (2, 500))
    scale = np.linalg.norm(points[a] - points[b], axis=1) / np.linalg.norm(kit.vertices[a] - kit.vertices[b], axis=1)
    np.testing.assert_allclose(scale[np.isfinite(scale)], np.nanmedian(scale), rtol=1e-3)
    nose, ear = points[LANDMARK_VERTICES[[30, 0]]]
    assert nose[2] > ear[2]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_the_made_up_model_stands_in_its_crop(kit):
    check_canonical(kit)


def test_gums_that_move_with_the_jaw(kit):
    """Of the made-up model none does; make the left half of them move, and that half is found."""
    assert not lower_gum(kit).any()
    moved = kit.expressions.copy()
    half = (kit.part == GUM) & (kit.vertices[:, 0] < 0)
    moved[SHAPES.index("jawOpen"), half, 1] = -2
    np.testing.assert_array_equal(lower_gum(replace(kit, expressions=moved)), half)


def test_the_tongue_lies_behind_the_teeth():
    """A mound about row 161 of the crop, symmetric; teeth keep their colour, and nothing is beyond its radius."""
    row = np.zeros((LOWER[1] * DENSITY, WIDTH * DENSITY, 4))
    row[200:260, 100:700] = (0.7, 0.6, 0.5, 1)
    out = with_tongue(row, LOWER[0])
    np.testing.assert_allclose(out[200:260, 100:700], row[200:260, 100:700])
    np.testing.assert_allclose(out[..., 3], out[:, ::-1, 3], atol=1e-12)
    top, bottom = (round((161 - LOWER[0] + side * 13) * DENSITY) for side in (-1, 1))
    assert not out[: top - 1].any() and not out[bottom + 2 :, :, 3].any()
    middle = out[round((161 - LOWER[0] - 4) * DENSITY), WIDTH * DENSITY // 2 + 20]
    assert middle[3] == pytest.approx(0.9, abs=0.02) and middle[0] > 1.5 * middle[1]
    assert (row[:200] == 0).all()  # a new picture


@needs_shared
def test_the_real_model_stands_in_its_crop(real_kit):
    check_canonical(real_kit)


@needs_shared
def test_real_gums_are_told_apart(real_kit):
    low = lower_gum(real_kit)
    high = (real_kit.part == GUM) & ~low
    points = canonical(real_kit)
    assert low.sum() > 500 and high.sum() > 500
    # triangles that span both are in neither row: few, and so far back that no mouth shows them
    gums = real_kit.triangles[(real_kit.part[real_kit.triangles] == GUM).all(axis=1)]
    torn = gums[low[gums].any(axis=1) & ~low[gums].all(axis=1)]
    assert len(torn) < 0.05 * len(gums)
    assert points[torn, 2].max() < points[real_kit.part == UPPER_TEETH, 2].max() - 40
    # of what lies before the throat the one half keeps still and lies above the other
    front = points[:, 2] > points[real_kit.part == UPPER_TEETH, 2].max() - 50
    drop = -real_kit.expressions[SHAPES.index("jawOpen"), :, 1]
    assert np.abs(drop[high & front]).max() < 1e-3 and drop[low & front].min() > 1
    near = points[:, 2] > points[real_kit.part == UPPER_TEETH, 2].max() - 15
    assert points[high & near, 1].max() < points[low & near, 1].min() - 2


@needs_shared
def test_the_committed_drawing_is_the_model_s(drawn):
    """Made again it is the same picture, but for the last bit of a byte that another machine may round."""
    committed = cv2.imread(str(ATLAS), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    assert drawn.shape == committed.shape == ((UPPER[1] + LOWER[1]) * DENSITY, WIDTH * DENSITY, 4)
    assert drawn.dtype == committed.dtype == np.uint8
    seen = committed[..., 3] > 0
    away = np.abs(drawn.astype(int) - committed)
    assert away[..., 3].max() <= 1 and away[seen].max() <= 1 and (away[seen] > 0).mean() < 0.01


@needs_shared
def test_rows_are_drawn_at_their_places(real_kit, drawn):
    """The lowest drawn point of the upper incisors is where the model's lowest vertex is; so above for the lower."""
    points = canonical(real_kit)
    for label, (top, height), first in ((UPPER_TEETH, UPPER, 0), (LOWER_TEETH, LOWER, UPPER[1] * DENSITY)):
        row = drawn[first : first + height * DENSITY, :, 3] > 127
        tooth = real_kit.part == label
        incisor = tooth & (np.abs(points[:, 0] - 130) < 2) & (points[:, 2] > points[tooth, 2].max() - 6)
        columns = row[:, round((128 - 77.5) * DENSITY) : round((132 - 77.5) * DENSITY)]
        if label == UPPER_TEETH:
            edge = (np.flatnonzero(columns.any(axis=1)).max() + 1) / DENSITY + top - 0.5
            assert edge == pytest.approx(points[incisor, 1].max(), abs=0.5)
        else:
            white = drawn[first : first + height * DENSITY, round((130 - 77.5) * DENSITY), 2] > 110
            edge = np.flatnonzero(white).min() / DENSITY + top - 0.5
            assert edge == pytest.approx(points[incisor, 1].min(), abs=1.0)


@needs_shared
def test_the_command_writes_it(tmp_path, monkeypatch, capsys):
    out = tmp_path / "teeth.png"
    monkeypatch.setattr("sys.argv", ["teeth_atlas", "--assets", str(SHARED / "assets"), "-o", str(out)])
    teeth_atlas.main()
    assert capsys.readouterr().out == f"{out}: {WIDTH * DENSITY}x{(UPPER[1] + LOWER[1]) * DENSITY}\n"
    made, committed = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (out, ATLAS))
    assert np.abs(made.astype(int) - committed)[committed[..., 3] > 0].max() <= 1
