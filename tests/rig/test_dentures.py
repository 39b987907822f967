"""Where rows of teeth lie in a view: known poses give the flows that can be worked out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.data.pairs import turn
from mien.data.rigs import neutral_rigs
from mien.expression import SHAPES
from mien.rig.dentures import Dentures
from mien.rig.emotions import prototype
from mien.rig.facekit import LANDMARK_VERTICES, LOWER_TEETH, UPPER_TEETH
from mien.rig.flowfield import grid, sample
from mien.rig.render import Rig
from mien.rig.stage import canvas_to_crop
from mien.rig.teeth_atlas import canonical
from mien.synthesis.dentition import LEFT, LOWER, REACH, UPPER, WIDTH, atlas
from support import SHARED, needs_shared

MOUTH = slice(140, 190), slice(90, 166)  # rows and columns of an aligned 256 px crop
ROWS = (UPPER_TEETH, LOWER_TEETH)


@pytest.fixture(scope="module")
def dentures(kit) -> Dentures:
    return Dentures(kit)


@pytest.fixture(scope="module")
def real_rig(real_kit) -> Rig:
    return list(neutral_rigs(real_kit, SHARED, "val", limit=2).values())[1]


def jaw_open(kit, amount: float) -> np.ndarray:
    """The model's points in its crop with the jaw open."""
    moved = canonical(kit)
    drop = amount * kit.expressions[SHAPES.index("jawOpen")]
    moved[:, :2] += drop[:, :2] * (1, -1) * crop_scale(kit)
    return moved


def crop_scale(kit) -> float:
    """Crop px a model unit: the eyes' outer corners tell."""
    marks = LANDMARK_VERTICES[[36, 45]]
    apart = [np.linalg.norm(np.diff(points[marks, :2], axis=0)) for points in (canonical(kit), kit.vertices)]
    return float(apart[0] / apart[1])


def test_the_model_s_own_pose_needs_no_flow(kit, dentures):
    for flow in dentures.flows(canonical(kit), 256):
        assert flow.shape == (256, 256, 2) and flow.dtype == np.float32
        assert np.abs(flow[MOUTH]).max() < 0.05


@pytest.mark.parametrize(
    ("zoom", "shift"), [(1, (7, -4)), (1, (-30.5, 20.25)), (1.15, (0, 0)), (0.85, (5, -3)), (1.05, (-8, 6.5))]
)
def test_shifts_and_zooms_are_undone_exactly(kit, dentures, zoom, shift):
    """The field leads back: p is the drawing's (p - middle - shift) / zoom + middle."""
    middle = np.array([127.5, 165.0])
    points = canonical(kit)
    points[:, :2] = (points[:, :2] - middle) * zoom + middle + shift
    here = grid(256)
    wanted = (here - middle - shift) / zoom + middle - here
    for flow in dentures.flows(points, 256):
        inside = np.abs(wanted[MOUTH]).max(-1) < REACH
        assert inside.mean() > 0.9
        np.testing.assert_allclose(flow[MOUTH][inside], wanted[MOUTH][inside], atol=0.06)


def test_flows_reach_no_further_than_allowed(kit, dentures):
    points = canonical(kit)
    points[:, 0] += 200
    for flow in dentures.flows(points, 256):
        assert np.abs(flow).max() == REACH and (flow[MOUTH][..., 0] == -REACH).all()
    for flow in dentures.flows(points / 4, 64):
        assert np.abs(flow).max() == REACH / 4


@pytest.mark.parametrize("size", [64, 128, 192, 512])
def test_another_size_is_the_same_field_in_its_pixels(kit, dentures, size):
    """Outer edges of the crops coincide."""
    k = size / 256
    points = jaw_open(kit, 0.4)
    placed = points * k
    placed[:, :2] += (k - 1) / 2
    for flow, full in zip(dentures.flows(placed.astype(np.float32), size), dentures.flows(points, 256), strict=True):
        assert flow.shape == (size, size, 2)
        at = (grid(size) + 0.5) / k - 0.5
        # a bilinear sample of a smooth field; its edge is clipped
        inner = slice(size // 4, -size // 8)
        np.testing.assert_allclose(flow[inner, inner] / k, sample(full, at)[inner, inner], atol=0.05)


@pytest.mark.parametrize("amount", [0.2, 0.5, 1.0])
def test_the_lower_row_follows_the_jaw_and_the_upper_does_not(kit, dentures, amount):
    """The made-up jaw takes the lower teeth straight down, all alike."""
    points = jaw_open(kit, amount)
    upper, lower = dentures.flows(points, 256)
    drop = (points - canonical(kit))[kit.part == LOWER_TEETH, 1]
    np.testing.assert_allclose(drop, 2.25 * amount * crop_scale(kit), rtol=1e-3)
    assert np.abs(upper[MOUTH]).max() < 0.05
    np.testing.assert_allclose(lower[MOUTH][..., 0], 0, atol=0.05)
    np.testing.assert_allclose(lower[MOUTH][..., 1], -drop.mean(), atol=0.05)


def check_front(kit, dentures: Dentures, points: np.ndarray, mean: float, most: float) -> None:
    """The front teeth's vertices are led back to their places in the drawing: on average within `mean` crop px, 95 of
    100 within `most`."""
    places = canonical(kit)
    for label, flow in zip(ROWS, dentures.flows(points, 256), strict=True):
        row = np.flatnonzero(kit.part == label)
        front = row[places[row, 2] > places[row, 2].max() - 8]
        assert len(front) > 50
        seen = points[front, :2]
        back = seen + sample(flow, seen[None].astype(np.float32))[0]
        away = np.linalg.norm(back - places[front, :2], axis=1)
        assert away.mean() < mean and np.percentile(away, 95) < most


@pytest.mark.parametrize("angles", [(15, 0, 0), (-15, 5, 0), (0, -10, 8), (10, 8, -6)])
def test_a_turned_head_keeps_its_teeth(kit, dentures, angles):
    points = canonical(kit)
    centre = np.array([127.5, 120, -20], np.float32)
    turned = (points - centre) @ turn(*angles).T.astype(np.float32) + centre
    assert np.linalg.norm((turned - points)[kit.part == UPPER_TEETH, :2], axis=1).mean() > 8
    check_front(kit, dentures, turned, 0.25, 0.6)


@pytest.mark.parametrize("name", ["neutral", "happy", "surprise", "fear"])
def test_views_tell_where_their_teeth_lie(rig, name):
    view = rig.view(prototype(name), canvas_to_crop())
    upper, lower = rig.dentures.flows(view.points, 256)
    np.testing.assert_array_equal(view.teeth.upper, upper)
    np.testing.assert_array_equal(view.teeth.lower, lower)
    check_front(rig.kit, rig.dentures, view.points, 1.0, 2.0)


@needs_shared
@pytest.mark.parametrize("angles", [(0, 0, 0), (15, 0, 0), (-12, 6, 3), (8, -8, -5)])
@pytest.mark.parametrize("name", ["neutral", "happy", "surprise"])
def test_real_front_teeth_lie_where_they_belong(real_rig, name, angles):
    pose = turn(*angles) if any(angles) else None
    view = real_rig.view(prototype(name), canvas_to_crop(), pose=pose, draw=False)
    check_front(real_rig.kit, real_rig.dentures, view.points, 1.25, 2.6)


@needs_shared
@pytest.mark.parametrize("jaw", [0.1, 0.4])
def test_real_teeth_are_drawn_where_the_model_has_them(real_rig, jaw):
    """What the rasteriser sees of either row of the front, the flows find in the drawing."""
    weights = np.zeros(57, np.float32)
    for name in ("mouthSmile", "mouthUpperUp", "mouthLowerDown"):
        weights[[SHAPES.index(f"{name}_{side}") for side in "LR"]] = 0.8
    weights[SHAPES.index("jawOpen")] = jaw
    view = real_rig.view(weights, canvas_to_crop(), draw=False)
    middle = np.abs(grid(256)[..., 0] - view.landmarks[[61, 62, 63], 0].mean()) < 16
    upper, lower = (_covered(flow, row) > 0.5 for row, flow in enumerate((view.teeth.upper, view.teeth.lower)))
    tooth, low = ((view.part == label) & middle for label in ROWS)
    assert tooth.sum() > 100 and upper[tooth].mean() > 0.95
    beside = cv2.dilate(lower.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # of these the lip leaves a mere strip
    assert low.sum() > 20 and beside[low].mean() > 0.85
    columns = np.flatnonzero(tooth.any(axis=0))
    ends = [255 - mask[::-1, columns].argmax(axis=0) for mask in (tooth, upper)]
    if jaw > 0.3:  # no lower tooth hides the upper ones: they end in the drawing where the model's end
        assert len(columns) > 20 and np.abs(ends[0] - ends[1]).mean() < 1.5


def _covered(flow: np.ndarray, row: int) -> np.ndarray:
    """(256, 256): how much of each pixel a row covers, gums included."""
    top, height = (UPPER, LOWER)[row]
    at = grid(256) + flow
    picture = np.zeros((256, 256), np.float32)
    picture[top : top + height, LEFT : LEFT + WIDTH] = atlas(1)[row][..., 3]
    return sample(picture, at)


@needs_shared
def test_the_real_jaw_takes_the_lower_row_along(real_kit):
    """Lower teeth turn about the jaw's hinge, so they go down nearly alike; the upper ones stay."""
    dentures, points = Dentures(real_kit), jaw_open(real_kit, 0.5)
    upper, lower = dentures.flows(points, 256)
    assert np.abs(upper[MOUTH]).max() < 0.05
    drop = points - canonical(real_kit)
    low, depth = real_kit.part == LOWER_TEETH, canonical(real_kit)[:, 2]
    fall = drop[low & (depth > depth[low].max() - 8), 1].mean()
    assert fall > 8
    check_front(real_kit, dentures, points, 0.5, 1.25)
    assert lower[round(165 + fall), 128, 1] == pytest.approx(-fall, abs=0.1 * float(fall))
