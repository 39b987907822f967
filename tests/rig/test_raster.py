"""The rasteriser and normals: answers that can be worked out by hand, and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.rig.raster import interpolate, rasterise, vertex_normals

NEAR_AND_FAR = np.float32(
    [(0, 0, 5), (20, 0, 5), (0, 20, 5)]  # far, over the upper left half
    + [(4, 4, 9), (8, 4, 9), (4, 8, 9)]  # near, a small one within
)
BOTH = np.int32([(0, 1, 2), (3, 4, 5)])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_triangle_is_seen_whichever_is_drawn_first(order):
    triangles = BOTH[list(order)]
    index, depth = rasterise(NEAR_AND_FAR, triangles, 24)
    drawn = np.where(index >= 0, np.array(order)[index], -1)
    y, x = np.mgrid[:24, :24]
    far, near = x + y <= 20, (x >= 4) & (y >= 4) & (x + y <= 12)
    np.testing.assert_array_equal(drawn, np.where(near, 1, np.where(far, 0, -1)))
    assert set(depth[near]) == {9} and set(depth[far & ~near]) == {5} and (depth[~far] < -1e29).all()


def test_depth_is_that_of_each_pixel():
    """Two planes that cross: x = 10 is where the one that rises overtakes the flat one."""
    points = np.float32(
        [(0, 0, 0), (20, 0, 20), (0, 20, 0), (20, 20, 20)] + [(0, 0, 10), (20, 0, 10), (0, 20, 10), (20, 20, 10)]
    )
    triangles = np.int32([(0, 1, 2), (1, 3, 2), (4, 5, 6), (5, 7, 6)])
    index, depth = rasterise(points, triangles, 21)
    assert (index[:, :10] >= 2).all() and (index[:, 11:] < 2).all()
    np.testing.assert_allclose(depth, np.maximum(np.arange(21), 10)[None].repeat(21, 0), atol=1e-5)


def test_values_are_barycentric():
    values = np.float32([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (0, 0, 0), (0, 0, 0)])
    index, _ = rasterise(NEAR_AND_FAR[:3].repeat(2, 0)[[0, 2, 4, 1, 3, 5]], BOTH[:1], 24)
    drawn = interpolate(index, NEAR_AND_FAR, BOTH, values)
    np.testing.assert_allclose(drawn[0, 0], (1, 0, 0), atol=1e-6)
    np.testing.assert_allclose(drawn[0, 20], (0, 1, 0), atol=1e-6)
    np.testing.assert_allclose(drawn[5, 10], (0.25, 0.5, 0.25), atol=1e-6)
    assert not drawn[20, 20].any()  # nothing is drawn there


def test_what_cannot_be_seen_is_no_trouble():
    points = np.float32([(-9, -9, 0), (-2, -9, 0), (-9, -2, 0), (3, 3, 0), (6, 6, 0), (9, 9, 0), (30, 30, 0)])
    index, _ = rasterise(points, np.int32([(0, 1, 2), (3, 4, 5), (3, 3, 6)]), 12)
    assert (index == -1).all()  # outside; on a line; a line again
    partly, _ = rasterise(np.float32([(-50, -50, 0), (50, 0, 0), (0, 50, 0)]), np.int32([(0, 1, 2)]), 12)
    assert (partly == 0).all()


coordinate = st.floats(-10, 40, width=32)


@given(st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=3, max_size=12))
def test_a_pixel_of_a_triangle_knows_where_it_is(corners):
    points = np.float32(corners)
    triangles = np.int32([(i, i + 1, i + 2) for i in range(len(points) - 2)])
    sides = points[triangles][:, 1:, :2] - points[triangles][:, :1, :2]
    triangles = triangles[np.abs(np.linalg.det(sides.astype(np.float64))) > 1]  # slivers have no exact inside
    index, depth = rasterise(points, triangles, 32)
    seen = index >= 0
    at = interpolate(index, points, triangles, points)[seen]
    y, x = np.nonzero(seen)
    np.testing.assert_allclose(at, np.column_stack([x, y, depth[seen]]), atol=2e-2)


def test_normals_of_a_plane():
    """A sheet z = 0.5 x + 0.25 y, in a frame with y down and z to the viewer: its normals face the viewer."""
    x, y = (a.ravel().astype(np.float32) for a in np.meshgrid(np.arange(5), np.arange(5)))
    points = np.column_stack([x, y, 0.5 * x + 0.25 * y]).astype(np.float32)
    corner = np.arange(25).reshape(5, 5)
    quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], -1).reshape(-1, 4)
    # anticlockwise as the viewer sees them, as the face model has them
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    wanted = np.array([-0.5, -0.25, 1]) / np.linalg.norm([-0.5, -0.25, 1])
    np.testing.assert_allclose(vertex_normals(points, triangles), np.tile(wanted, (25, 1)), atol=1e-5)
    np.testing.assert_allclose(vertex_normals(points, triangles[:, ::-1].copy()), np.tile(-wanted, (25, 1)), atol=1e-5)


def test_normals_of_the_face_look_at_the_camera(rig):
    normals = vertex_normals(rig.fit.points, rig.triangles)
    face = np.unique(rig.triangles[rig.triangle_part == 0])
    assert (normals[face, 2] > 0).mean() > 0.98
    np.testing.assert_allclose(np.linalg.norm(normals[face], axis=1), 1, atol=1e-4)
