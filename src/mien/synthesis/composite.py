"""Maps of a 256x256 crop -> the photo at its own resolution.

Flow, shading and alpha are enlarged and applied to the photo's own pixels; only paint is enlarged itself, and the teeth
before it are drawn at the photo's resolution. What is slighter than can be seen is taken as nothing, and where there is
nothing no pixel is written: it stays bit-identical.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from mien.synthesis.dentition import Teeth, lay
from mien.synthesis.lips import close
from mien.synthesis.maps import Maps

MOTION = (0.02, 0.15)
"""Flow shorter than the first (crop px) is nothing, longer than the second is itself; smooth between."""

SHADING = (1 / 512, 1 / 128)
"""The same for |shading| (log ratio): half a grey level and two of them, near white."""

ALPHA = (1 / 512, 1 / 64)
"""The same for alpha."""

NOSE = 118
"""Row of the aligned 256 px crop above which no mouth lies, and so no teeth."""

LEAP = 0.75
"""Flow that differs by more crop px from that of the nearest pixel of the maps leaps there."""

TILE = 512  # px: bounds the memory, and OpenCV's remap takes no picture beyond 32767 px
_MARGIN = 5  # px around a tile's sources that Lanczos reads


def composite(
    pixels: np.ndarray, maps: Maps, transform: np.ndarray, lips: np.ndarray | None = None, meant: float = 1.0
) -> np.ndarray:
    """Apply maps to a photo; returns a new array of the same shape and type.

    pixels: (H, W, 3) uint8 or uint16 RGB. transform: (2, 3) similarity, photo px -> crop px (pixel centres at
    integers in both); the crop may reach beyond the photo. lips: (8, 2) landmarks 60 to 67 in photo px, for maps whose
    flow does not break between lips that close, or None. meant: see `lips.close`.
    """
    result = pixels.copy()
    flow, shading, alpha = _quiet(maps)
    if not (flow.any() or shading.any() or alpha.any()):
        return result
    transform = np.asarray(transform, np.float64)
    to_photo = np.linalg.inv(transform[:, :2])
    behind = maps.paint if maps.teeth is None else np.dstack([maps.paint, *vars(maps.teeth).values()])
    layers = [np.dstack([flow, shading, alpha]), behind]
    zoom = 1 / float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))  # photo px a crop px
    aligned = _to_aligned(transform, len(flow))
    (motion, paint), transform = _smooth(layers, transform, zoom)
    closed = False
    if lips is not None:
        k = np.float32(256 / len(flow))
        before = motion[..., 2]
        moved, shade = close(
            motion[..., :2] * k, before, motion[..., 3], lips @ aligned[:, :2].T + aligned[:, 2], meant
        )
        closed = shade is not before
        motion = np.dstack([moved / k, shade, motion[..., 3]])
    motion[..., :2] = motion[..., :2] @ to_photo.T.astype(np.float32)
    for x0, y0, x1, y1 in _tiles(_footprint(pixels.shape[:2], transform, len(motion))):
        here = np.column_stack([transform[:, :2], transform @ (x0, y0, 1)])
        size = (x1 - x0, y1 - y0)
        dx, dy, shade, cover = cv2.split(_sample(motion, here, size))
        if closed:
            dx, dy = _unblurred(dx, dy, motion, here, zoom)
        edited = (dx != 0) | (dy != 0) | (shade != 0) | (cover > 0)
        if edited.any():
            # only as far as it reaches
            left, top, width, height = cv2.boundingRect(edited.astype(np.uint8))
            part = slice(top, top + height), slice(left, left + width)
            dx, dy, shade, cover, edited = (np.ascontiguousarray(one[part]) for one in (dx, dy, shade, cover, edited))
            here = np.column_stack([here[:, :2], here @ (left, top, 1)])
            x0, y0, x1, y1 = x0 + left, y0 + top, x0 + left + width, y0 + top + height
            tile = _warp(pixels, dx, dy, x0, y0)
            tile *= (np.exp(shade) * (1 - cover))[..., None]
            if cover.any():
                left, top, width, height = cv2.boundingRect((cover > 0).astype(np.uint8))
                there = np.column_stack([here[:, :2], here @ (left, top, 1)])
                colours = _sample(paint, there, (width, height))
                painted = _painted(colours, aligned, (x0 + left, y0 + top), len(flow), zoom)
                covered = cover[top : top + height, left : left + width, None] * float(np.iinfo(pixels.dtype).max)
                tile[top : top + height, left : left + width] += painted * covered
            np.copyto(result[y0:y1, x0:x1], _rounded(tile, pixels.dtype), where=edited[..., None])
    return result


def _to_aligned(transform: np.ndarray, size: int) -> np.ndarray:
    """(2, 3): photo px -> px of the aligned 256 px crop, where `transform` goes to the same crop at `size` px."""
    k = 256 / size
    return np.column_stack([transform[:, :2] * k, transform[:, 2] * k + (k - 1) / 2])


def _painted(layers: np.ndarray, aligned: np.ndarray, corner: tuple[int, int], size: int, zoom: float) -> np.ndarray:
    """(h, w, 3) paint of a tile, with the teeth before it if the layers (h, w, 3 or 10) tell where they lie.

    aligned: photo px -> px of the aligned crop. size: px of the maps' crop. zoom: photo px a px of it.
    """
    paint = layers[..., :3]
    if layers.shape[2] == 3:
        return paint
    height, width = layers.shape[:2]
    x = np.arange(corner[0], corner[0] + width, dtype=np.float32)
    y = np.arange(corner[1], corner[1] + height, dtype=np.float32)[:, None]
    at = np.dstack([np.float32(aligned[k, 0]) * x + (aligned[k, 1] * y + aligned[k, 2]) for k in (0, 1)])
    mouth: np.ndarray = np.any(at[..., 1] > NOSE, axis=1)
    if not mouth.any():
        return paint
    rows = slice(int(mouth.argmax()), height - int(mouth[::-1].argmax()))
    layers, k = layers[rows], np.float32(256 / size)
    teeth = Teeth(layers[..., 3:5] * k, layers[..., 5:7] * k, layers[..., 7:10])
    paint = np.ascontiguousarray(paint)
    paint[rows] = lay(paint[rows], at[rows].astype(np.float32), teeth, zoom / float(k))
    return paint


def _quiet(maps: Maps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flow (256, 256, 2), shading and alpha (256, 256) with all that cannot be seen set to exactly zero."""
    flow = maps.flow * _gate(np.linalg.norm(maps.flow, axis=2), *MOTION)[..., None]
    return flow, maps.shading * _gate(np.abs(maps.shading), *SHADING), maps.alpha * _gate(maps.alpha, *ALPHA)


def _gate(size: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smoothstep between."""
    t = np.clip((size - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _smooth(layers: list[np.ndarray], transform: np.ndarray, zoom: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Make (n, n, c) layers fit to be sampled linearly by the photo's pixels; returns them and photo px -> their px.

    Where the photo is finer than the crop they are enlarged as a quadratic B-spline: smooth slopes, no ringing, a
    straight ramp stays straight. Where it is coarser they are blurred to its pixels.
    """
    if zoom < 0.8:
        sigma = 0.5 * float(np.sqrt(1 / zoom**2 - 1))
        return [cv2.GaussianBlur(layer, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for layer in layers], transform
    factor = 1 if zoom <= 1.25 else 2 if zoom <= 3 else 4
    if factor == 1:
        return layers, transform
    ramp = np.r_[1 : factor + 1, factor - 1 : 0 : -1].astype(np.float32) / factor**2
    fine = [cv2.resize(layer, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST) for layer in layers]
    fine = [cv2.sepFilter2D(layer, -1, ramp, ramp, borderType=cv2.BORDER_REPLICATE) for layer in fine]
    return fine, np.column_stack([transform[:, :2] * factor, (transform[:, 2] + 0.5) * factor - 0.5])


def _sample(layers: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Layers at the pixels of a tile of `size` (width, height); zero beyond their edge."""
    return cv2.warpAffine(layers, transform, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _unblurred(
    dx: np.ndarray, dy: np.ndarray, motion: np.ndarray, transform: np.ndarray, zoom: float
) -> tuple[np.ndarray, np.ndarray]:
    """(dx, dy) with the nearest flow where it leaps: between closed lips, half the way leads into the open mouth."""
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    near = cv2.warpAffine(motion[..., :2], transform, dx.shape[::-1], flags=flags)
    leap = np.hypot(near[..., 0] - dx, near[..., 1] - dy) > LEAP * zoom
    return np.where(leap, near[..., 0], dx), np.where(leap, near[..., 1], dy)


def _rounded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Float values as the nearest whole ones that `dtype` (uint8 or uint16) holds."""
    top = float(np.iinfo(dtype).max)
    np.clip(values, 0, top, out=values)
    return np.rint(values, out=values).astype(dtype)


def _warp(pixels: np.ndarray, dx: np.ndarray, dy: np.ndarray, x0: int, y0: int) -> np.ndarray:
    """(h, w, 3) float32: the photo sampled at its own pixels plus (dx, dy), for the tile at (x0, y0)."""
    height, width = dx.shape
    left, right = _reach(dx, x0, width, pixels.shape[1])
    above, below = _reach(dy, y0, height, pixels.shape[0])
    part = pixels[above:below, left:right].astype(np.float32)
    x = dx + np.arange(x0 - left, x0 - left + width, dtype=np.float32)
    y = dy + np.arange(y0 - above, y0 - above + height, dtype=np.float32)[:, None]
    return cv2.remap(part, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)


def _reach(shift: np.ndarray, start: int, length: int, limit: int) -> tuple[int, int]:
    """The stretch of an axis (limit px long) that a tile's shifted pixels read; never empty."""
    low = int(np.floor(start + min(0.0, float(shift.min())))) - _MARGIN
    high = int(np.ceil(start + length + max(0.0, float(shift.max())))) + _MARGIN
    return min(max(low, 0), limit - 1), max(min(high, limit), 1)


def _footprint(shape: tuple[int, int], transform: np.ndarray, size: int) -> tuple[int, int, int, int]:
    """The part (x0, y0, x1, y1) of a photo (height, width) that layers of `size` cover."""
    edge = size - 0.5
    corners = np.array([(-0.5, -0.5), (edge, -0.5), (-0.5, edge), (edge, edge)])
    there = (corners - transform[:, 2]) @ np.linalg.inv(transform[:, :2]).T
    low = np.clip(np.floor(there.min(axis=0)), 0, shape[::-1]).astype(int)
    high = np.clip(np.ceil(there.max(axis=0)) + 1, 0, shape[::-1]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _tiles(box: tuple[int, int, int, int]) -> Iterator[tuple[int, int, int, int]]:
    x0, y0, x1, y1 = box
    for y in range(y0, y1, TILE):
        for x in range(x0, x1, TILE):
            yield x, y, min(x + TILE, x1), min(y + TILE, y1)
