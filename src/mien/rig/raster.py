"""A z-buffer rasteriser for the mesh, compiled by numba."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, fastmath=True)
def rasterise(points: np.ndarray, triangles: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw triangles into a size x size image: (index of the nearest triangle or -1, its depth).

    points (N, 3) float32: x, y in pixels (centres at integers), z towards the viewer (larger is nearer).
    """
    index = np.full((size, size), -1, np.int32)
    depth = np.full((size, size), -1e30, np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        x0, x1 = min(ax, bx, cx), max(ax, bx, cx)
        y0, y1 = min(ay, by, cy), max(ay, by, cy)
        if x1 < 0 or y1 < 0 or x0 > size - 1 or y0 > size - 1:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        inverse = 1.0 / area
        for y in range(max(0, int(np.ceil(y0))), min(size - 1, int(np.floor(y1))) + 1):
            for x in range(max(0, int(np.ceil(x0))), min(size - 1, int(np.floor(x1))) + 1):
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
                w = 1.0 - u - v
                if u < -1e-5 or v < -1e-5 or w < -1e-5:
                    continue
                z = u * points[a, 2] + v * points[b, 2] + w * points[c, 2]
                if z > depth[y, x]:
                    depth[y, x] = z
                    index[y, x] = t
    return index, depth


@numba.njit(cache=True, fastmath=True)
def interpolate(index: np.ndarray, points: np.ndarray, triangles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Barycentric interpolation of per-vertex values (N, K) over an index image: (H, W, K), zero where nothing is."""
    height, width = index.shape
    count = values.shape[1]
    out = np.zeros((height, width, count), np.float32)
    for y in range(height):
        for x in range(width):
            t = index[y, x]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            ax, ay, bx, by, cx, cy = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
            inverse = 1.0 / ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
            u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
            v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
            w = 1.0 - u - v
            for k in range(count):
                out[y, x, k] = u * values[a, k] + v * values[b, k] + w * values[c, k]
    return out


@numba.njit(cache=True, fastmath=True)
def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (N, 3) that face the viewer's side of the surface."""
    normals = np.zeros_like(points)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        e0x, e0y, e0z = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        e1x, e1y, e1z = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = e0y * e1z - e0z * e1y, e0z * e1x - e0x * e1z, e0x * e1y - e0y * e1x
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(points.shape[0]):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) + 1e-12
        # the frame is left-handed (y down, z to the viewer), so the outward normal is the negative cross product
        normals[v, 0] = -normals[v, 0] / length
        normals[v, 1] = -normals[v, 1] / length
        normals[v, 2] = -normals[v, 2] / length
    return normals
