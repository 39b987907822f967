"""Fit the face model to 68 landmarks: a weak-perspective camera, identity weights, and a warp onto the landmarks.

After Pighin et al. 1998 (photographs on a deformable model): the camera and the identity are found in turn by linear
least squares, then a smooth warp in the image plane puts the landmark vertices where the landmarks are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.optimize import lsq_linear

from mien.expression import SHAPES
from mien.rig.facekit import LANDMARK_VERTICES, SKIN, FaceKit

JAW = slice(0, 17)
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]
# shapes that 68 landmarks can tell apart; the rest stay zero when an expression is estimated
_UNSEEN = (
    "Pupil",
    "cheek",
    "eyeLook",
    "jawForward",
    "mouthShrug",
    "mouthRoll",
    "mouthClose",
    "mouthPress",
    "noseSneer",
)
_UNSEEN_PAIRS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthDimple", "eyeWide")
ESTIMATED = np.array([i for i, name in enumerate(SHAPES) if not name.startswith(_UNSEEN + _UNSEEN_PAIRS)])


@dataclass(frozen=True)
class Fit:
    """The model laid over a photo. Frame: x right, y down, in pixels of the photo; z to the camera, in the same unit.

    points (N, 3) float32: every vertex as it lies in the photo.
    linear (3, 3) float32: model units to this frame, so a unit of shape i adds `expressions[i] @ linear.T`.
    weights (57,) float32: the expression that the photo shows already.
    scale: pixels per model unit. error: RMS landmark distance before the warp, as a share of the inter-ocular distance.
    """

    points: np.ndarray
    linear: np.ndarray
    weights: np.ndarray
    identity: np.ndarray
    scale: float
    error: float

    def moved(self, transform: np.ndarray) -> Fit:
        """The same fit after a (2, 3) similarity of the photo's frame."""
        factor = np.sqrt(abs(np.linalg.det(transform[:, :2])))
        turn = np.eye(3)
        turn[:2, :2], turn[2, 2] = transform[:, :2], factor
        points = self.points @ turn.T
        points[:, :2] += transform[:, 2]
        return replace(
            self,
            points=points.astype(np.float32),
            linear=(turn @ self.linear).astype(np.float32),
            scale=self.scale * factor,
        )


def _camera(model: np.ndarray, image: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled rotation (3, 3) and translation (2,) so that (L @ v)[:2] + t is the image point (y down)."""
    w = weight[:, None]
    mean_m, mean_i = (model * w).sum(0) / w.sum(), (image * w).sum(0) / w.sum()
    a, *_ = np.linalg.lstsq((model - mean_m) * w, (image - mean_i) * w, rcond=None)  # (3, 2)
    rows = a.T
    u, s, vt = np.linalg.svd(rows, full_matrices=False)
    scale = s.mean()
    r = u @ vt
    # image y runs down while model y runs up: the third row completes a rotation of the flipped frame
    third = -np.cross(r[0], r[1])
    linear = scale * np.stack([r[0], r[1], third])
    return linear, mean_i - linear[:2] @ mean_m


def fit(
    kit: FaceKit,
    landmarks: np.ndarray,
    *,
    identity: np.ndarray | None = None,
    estimate_expression: bool = False,
    identity_ridge: float = 4e-4,
    expression_ridge: float = 2e-3,
) -> Fit:
    """Fit `kit` to (68, 2) landmarks in pixels.

    identity: (100,) known weights of this person (from a neutral photo), or None to fit them.
    estimate_expression: also fit the shape weights that the landmarks can tell (bounded to [0, 1]); else neutral.
    """
    lm = np.asarray(landmarks, np.float64).copy()
    if lm.shape != (68, 2) or not np.isfinite(lm).all():
        raise ValueError("fit needs 68 finite landmarks (x, y)")
    ocular = float(np.linalg.norm(lm[36] - lm[45]))
    # lashes belong to the lid, not to the eyeball; but a narrow eye must stay open
    opening = np.linalg.norm(lm[LOWER_LIDS] - lm[UPPER_LIDS], axis=1, keepdims=True)
    lm[UPPER_LIDS] += np.minimum(0.008 * ocular, 0.3 * opening) * _down(lm)
    weight = np.ones(68)
    weight[JAW] = 0.25
    base = kit.vertices[LANDMARK_VERTICES].astype(np.float64)
    modes = kit.identities[:, LANDMARK_VERTICES].astype(np.float64)
    shapes = kit.expressions[:, LANDMARK_VERTICES].astype(np.float64)
    alpha = np.zeros(len(modes)) if identity is None else np.asarray(identity, np.float64)
    beta = np.zeros(len(SHAPES))
    for _ in range(8):
        model = base + np.tensordot(alpha, modes, 1) + np.tensordot(beta, shapes, 1)
        linear, shift = _camera(model, lm, weight)
        rows = weight[:, None] / ocular

        def project(delta: np.ndarray, linear: np.ndarray = linear, rows: np.ndarray = rows) -> np.ndarray:
            return ((delta @ linear[:2].T) * rows).reshape(len(delta), -1).T

        target = ((lm - shift) * rows).ravel()
        if identity is None:
            a = project(modes)
            rest = target - project((base + np.tensordot(beta, shapes, 1))[None])[:, 0]
            alpha = np.linalg.solve(a.T @ a + identity_ridge * np.eye(a.shape[1]), a.T @ rest)
        if estimate_expression:
            b = project(shapes[ESTIMATED])
            rest = target - project((base + np.tensordot(alpha, modes, 1))[None])[:, 0]
            ridge = np.sqrt(expression_ridge) * np.eye(b.shape[1])
            solved = lsq_linear(np.vstack([b, ridge]), np.r_[rest, np.zeros(len(ridge))], bounds=(0.0, 1.0))
            beta[ESTIMATED] = solved.x
    model = base + np.tensordot(alpha, modes, 1) + np.tensordot(beta, shapes, 1)
    linear, shift = _camera(model, lm, weight)
    vertices = (
        kit.vertices
        + np.tensordot(alpha.astype(np.float32), kit.identities, 1)
        + np.tensordot(beta.astype(np.float32), kit.expressions, 1)
    )
    points = vertices @ linear.T
    points[:, :2] += shift
    scale = float(np.linalg.norm(linear[0]))
    residual = lm - points[LANDMARK_VERTICES, :2]
    error = float(np.sqrt((residual[17:] ** 2).sum(1).mean()) / ocular)
    points[:, :2] += _warp(points[:, :2], points[LANDMARK_VERTICES, :2], residual, ocular)
    _open_lips(points, kit.part == SKIN, lm[60:68], ocular)
    return Fit(
        points=points.astype(np.float32),
        linear=linear.astype(np.float32),
        weights=beta.astype(np.float32),
        identity=alpha.astype(np.float32),
        scale=scale,
        error=error,
    )


def _down(lm: np.ndarray) -> np.ndarray:
    """Unit vector of the face's downward direction in the image."""
    across = lm[45] - lm[36]
    across = across / np.linalg.norm(across)
    return np.array([-across[1], across[0]])


def _open_lips(points: np.ndarray, skin: np.ndarray, ring: np.ndarray, ocular: float) -> None:
    """Move, in place, the lips' skin that lies within an open mouth's inner ring (8, 2) to the ring's edge.

    The model's lips reach a little behind its landmarks; left there, they would wear the photo's teeth as their skin.
    """
    if np.linalg.norm(ring[[1, 2, 3]] - ring[[7, 6, 5]], axis=1).mean() < 0.02 * ocular:
        return
    near = np.flatnonzero(skin & (np.abs(points[:, :2] - ring.mean(0)).max(1) < ocular))
    start, end = ring, np.roll(ring, -1, axis=0)
    p = points[near, None, :2]
    along = end - start  # (8, 2)
    t = np.clip(((p - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    closest = start + t[..., None] * along  # (n, 8, 2)
    which = np.linalg.norm(p - closest, axis=-1).argmin(1)
    crosses = (start[:, 1] > p[..., 1]) != (end[:, 1] > p[..., 1])  # even-odd rule
    slope = np.where(np.abs(along[:, 1]) < 1e-9, 1e-9, along[:, 1])
    at = start[:, 0] + (p[..., 1] - start[:, 1]) * along[:, 0] / slope
    inside = (crosses & (p[..., 0] < at)).sum(1) % 2 == 1
    points[near[inside], :2] = closest[np.arange(len(near)), which][inside]


def _warp(points: np.ndarray, at: np.ndarray, residual: np.ndarray, ocular: float) -> np.ndarray:
    """Thin-plate spline through the residuals (Bookstein 1989), faded to zero away from the landmarks."""
    spline = RBFInterpolator(at / ocular, residual, kernel="thin_plate_spline", smoothing=1e-6, degree=1)
    distance = np.full(len(points), np.inf)
    for landmark in at:
        distance = np.minimum(distance, np.linalg.norm(points - landmark, axis=1))
    fade = np.exp(-((np.maximum(distance / ocular - 0.5, 0) / 0.5) ** 2))
    return spline(points / ocular) * fade[:, None]
