"""Render a fitted photo in any expression, and the exact maps from one expression to another.

Pighin et al. 1998 for the textured model, Liu et al. 2001 (eq. 3) for the shading ratio. Two views of the same mesh,
the source's and the target's, give for every pixel of the target where it lies in the source (flow), how its light
changed (shading, a log ratio) and what the source cannot show (paint, where alpha says).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mien.rig.dentures import Dentures
from mien.rig.facekit import EYE_SOCKET, IRIS, LANDMARK_VERTICES, MOUTH, NECK, SCLERA, SKIN, FaceKit
from mien.rig.fit import Fit
from mien.rig.flowfield import extend, grid, sample, window
from mien.rig.interior import Mouth
from mien.rig.raster import interpolate, rasterise, vertex_normals
from mien.synthesis.creases import activations, crease_fields
from mien.synthesis.dentition import Teeth, with_teeth
from mien.synthesis.eyeball import eye_plate, skin_colour
from mien.synthesis.maps import Maps

AMBIENT = 0.45
RATIO = (np.log(0.66), np.log(1.10))
TOLERANCE = 0.12  # model units between a point and the visible surface that still count as the same
OPEN = 0.02  # area of the mouth's inside, in squared distances of the outer eye corners, below which lips are closed
REACH = 26.0  # how far beyond the mesh the flow fades, in crop pixels of 256


@dataclass(frozen=True)
class View:
    """One expression of the face on the crop: an image and what it takes to map another view onto it.

    image (S, S, 3) float32 RGB in [0, 1], or None if it was not asked for.
    landmarks (68, 2) and points (N, 3) in crop pixels, z to the camera.
    index (S, S) int32: the triangle that is seen, or -1; depth (S, S) float32: its z.
    part (S, S) uint8: as `FaceKit.part`, 255 where nothing is.
    shade, crease (S, S) float32: log change of the photo's light.
    colour (S, S, 3) float32 in [0, 1]: eyes, and the mouth behind the teeth; teeth: where the rows lie.
    """

    image: np.ndarray | None
    landmarks: np.ndarray
    points: np.ndarray
    index: np.ndarray
    depth: np.ndarray
    part: np.ndarray
    shade: np.ndarray
    colour: np.ndarray
    teeth: Teeth
    crease: np.ndarray


class Rig:
    """A photo on the model. `canvas` (C, C, 3) uint8 RGB is a square picture of the face; `fit` is in its frame."""

    def __init__(
        self,
        kit: FaceKit,
        canvas: np.ndarray,
        fit: Fit,
        seed: int = 0,
        age: float = 1.0,
    ) -> None:
        self.kit, self.fit = kit, fit
        self.canvas = canvas.astype(np.float32) / 255.0
        rng = np.random.default_rng(seed)
        self.size = canvas.shape[0]
        drawn = kit.part[kit.triangles[:, 0]] != NECK
        self.triangles = np.ascontiguousarray(kit.triangles[drawn])
        self.triangle_part = kit.part[self.triangles[:, 0]]
        index, depth = rasterise(fit.points, self.triangles, self.size)
        part = np.where(index >= 0, self.triangle_part[index], 255)
        eyes = np.isin(part, (SCLERA, IRIS, EYE_SOCKET))
        self.photo_depth = depth
        mouth = (part != SKIN) & (part != 255) & ~eyes
        landmarks = fit.points[LANDMARK_VERTICES, :2]
        ocular = float(np.linalg.norm(landmarks[45] - landmarks[36]))
        opened = fit.weights.any() and mouth.sum() > OPEN * ocular**2
        self.photo_mouth = mouth.astype(np.float32) if opened else None
        skin = skin_colour(self.canvas, landmarks)
        self.plate = eye_plate(self.canvas, landmarks, eyes, skin)
        self.light = np.array([rng.normal(0, 0.12), -0.22 + rng.normal(0, 0.06), 1.0])
        self.light /= np.linalg.norm(self.light)
        self.mouth = Mouth.of(skin, rng)
        self.dentures = Dentures(kit)
        self.creases = crease_fields(landmarks, self.size, rng, age)
        self.neutral_light = self._lambert(fit.points)
        self.photo_crease = activations(fit.weights)

    def _lambert(self, points: np.ndarray) -> np.ndarray:
        normals = vertex_normals(points, self.triangles)
        return AMBIENT + (1 - AMBIENT) * np.maximum(normals @ self.light.astype(np.float32), 0)

    def landmarks(self, weights: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """(68, 2) landmarks on the canvas for (57,) weights and a further turn of the head."""
        return self._turn(self._points(weights, LANDMARK_VERTICES), pose)[:, :2]

    def _points(self, weights: np.ndarray, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Vertices on the canvas at (57,) weights."""
        change = weights - self.fit.weights
        return self.fit.points[chosen] + np.tensordot(change, self.kit.expressions[:, chosen], 1) @ self.fit.linear.T

    def _turn(self, points: np.ndarray, pose: np.ndarray | None) -> np.ndarray:
        if pose is None:
            return points
        centre = self.fit.points[LANDMARK_VERTICES[27:31]].mean(0)
        centre[2] -= 9.0 * self.fit.scale  # the neck's axis lies behind the nose
        return (points - centre) @ pose.T.astype(np.float32) + centre

    def view(
        self,
        weights: np.ndarray,
        transform: np.ndarray,
        size: int = 256,
        pose: np.ndarray | None = None,
        draw: bool = True,
    ) -> View:
        """Render (57,) shape weights. transform (2, 3): canvas to crop. pose (3, 3): a further turn of the head.

        draw False leaves out the image, for a target of which only the maps are wanted.
        """
        points = self._points(weights)
        ratio = np.clip(np.log(self._lambert(points) / self.neutral_light), *RATIO)
        placed = _place(self._turn(points, pose), transform)
        index, depth = rasterise(placed, self.triangles, size)
        values = np.concatenate([self.fit.points, ratio[:, None]], axis=1).astype(np.float32)
        drawn = interpolate(index, placed, self.triangles, values)
        part = np.where(index >= 0, self.triangle_part[index], 255).astype(np.uint8)
        own = np.array_equal(weights, self.fit.weights)
        if own and self.photo_mouth is None:  # a slit between closed lips is the fit's error, not a mouth's inside
            part[np.isin(part, MOUTH)] = SKIN
        inverse = cv2.invertAffineTransform(transform)
        here = grid(size) @ inverse[:, :2].T.astype(np.float32) + inverse[:, 2].astype(np.float32)
        skin = part == SKIN
        # where each pixel lies in the photo, carried on beyond the mesh
        reach = REACH * size / 256 if pose is None else None
        offset = extend(drawn[..., :2] - here, skin, reach)
        if pose is None:
            offset *= window(size)[..., None]
        photo_at = here + offset
        shade = extend(drawn[..., 3:4], skin, 0.25 * REACH * size / 256)[..., 0]
        shade = cv2.GaussianBlur(shade, (0, 0), 1.4 * size / 256) * window(size)
        calls = activations(weights) - self.photo_crease
        drawing = np.zeros((self.size, self.size), np.float32)
        for k in np.flatnonzero(np.abs(calls) > 0.01):
            drawing += calls[k] * self.creases[k]
        crease = sample(drawing, photo_at) * window(size) * skin
        eyes = np.isin(part, (SCLERA, IRIS, EYE_SOCKET))
        mouth = ~skin & (part != 255) & ~eyes
        opening = cv2.GaussianBlur(mouth.astype(np.float32), (0, 0), 3.0 * size / 256)
        colour = self._hidden(drawn, eyes, mouth, opening)
        teeth = Teeth(*self.dentures.flows(placed, size), self.mouth.enamel(opening))
        image = None
        if draw and pose is None and own:
            image = cv2.warpAffine(self.canvas, transform, (size, size), borderMode=cv2.BORDER_REPLICATE)
        elif draw:
            inside = np.where(mouth[..., None], with_teeth(colour, teeth), colour)
            if self.photo_mouth is not None:
                inside = self._own_mouth(inside, drawn, mouth)
            image = self._draw(photo_at, shade + crease, inside, eyes | mouth)
        return View(
            image=image,
            landmarks=placed[LANDMARK_VERTICES, :2],
            points=placed,
            index=index,
            depth=depth,
            part=part,
            shade=shade,
            colour=colour,
            teeth=teeth,
            crease=crease,
        )

    def _draw(self, photo_at: np.ndarray, shading: np.ndarray, colour: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        image = sample(self.canvas, photo_at) * np.exp(shading)[..., None]
        soft = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), 0.7 * len(hidden) / 256)[..., None]
        return np.clip(image * (1 - soft) + colour * soft, 0, 1).astype(np.float32)

    def _hidden(self, drawn: np.ndarray, eyes: np.ndarray, mouth: np.ndarray, opening: np.ndarray) -> np.ndarray:
        """(S, S, 3) colours of the eyes and of the mouth behind its teeth, continued a little beyond their edges."""
        colour = np.where(eyes[..., None], sample(self.plate, drawn[..., :2]), self.mouth.depth(opening))
        return np.clip(extend(colour, eyes | mouth, None), 0, 1)

    def _own_mouth(self, inside: np.ndarray, drawn: np.ndarray, mouth: np.ndarray) -> np.ndarray:
        """An open mouth in the photo shows its own teeth, where they are in sight."""
        size = len(inside)
        assert self.photo_mouth is not None
        at, depth = drawn[..., :2], sample(self.photo_depth, drawn[..., :2])
        near = np.abs(depth - drawn[..., 2]) < TOLERANCE * self.fit.scale
        shown = cv2.GaussianBlur((mouth & near).astype(np.float32), (0, 0), 0.7 * size / 256)
        shown = (shown * (sample(self.photo_mouth, at) > 0.5))[..., None]
        return inside * (1 - shown) + sample(self.canvas, at) * shown

    def maps(self, source: View, target: View) -> Maps:
        """The exact maps from one view to another of the same transform and pose."""
        size = target.index.shape[0]
        here = grid(size)
        at = interpolate(target.index, target.points, self.triangles, source.points)
        skin = target.part == SKIN
        inner = ~skin & (target.part != 255)
        nearest = sample(source.depth, at[..., :2])
        tolerance = TOLERANCE * self.fit.scale * np.ptp(source.points[:, 2]) / np.ptp(self.fit.points[:, 2])
        same = sample(((source.part != SKIN) & (source.part != 255)).astype(np.float32), at[..., :2]) > 0.5
        seen = inner & same & (np.abs(nearest - at[..., 2]) < tolerance)
        hidden = inner & ~seen
        reach = REACH * size / 256
        wide = window(size)
        known = (skin | seen) & ~hidden
        flow = extend(at[..., :2] - here, known, reach) * wide[..., None]
        alpha = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), 0.7 * size / 256) * wide
        # the source's own light, looked up where each pixel came from
        came = sample(np.dstack([source.shade, source.crease]), here + flow)
        shading = (target.shade + target.crease - came.sum(-1)) * wide
        shading = np.where(inner, 0, shading)
        return Maps(
            flow.astype(np.float32), shading.astype(np.float32), target.colour, alpha.astype(np.float32), target.teeth
        )


def _place(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the canvas in the crop's frame; depth scales with the picture."""
    factor = np.sqrt(abs(np.linalg.det(transform[:, :2])))
    out = np.empty_like(points, dtype=np.float32)
    out[:, :2] = points[:, :2] @ transform[:, :2].T.astype(np.float32) + transform[:, 2].astype(np.float32)
    out[:, 2] = points[:, 2] * np.float32(factor)
    return out


def warp(image: np.ndarray, maps: Maps) -> np.ndarray:
    """Apply maps to a crop (S, S, 3) float32 in [0, 1]."""
    out = sample(image, grid(image.shape[0]) + maps.flow) * np.exp(maps.shading)[..., None]
    alpha = maps.alpha[..., None]
    paint = maps.paint if maps.teeth is None else with_teeth(maps.paint, maps.teeth)
    return np.clip(out * (1 - alpha) + paint * alpha, 0, 1)
