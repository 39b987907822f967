"""Faces from frame to frame: who is who by overlap, landmarks without jitter, and how much of an edit shows.

No face is recognised: one that leaves and returns gets its number back only where and when it is near to where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from mien.face import Face, align, face_box
from mien.face.detect import detect, overlap
from mien.face.landmarks import landmarks
from mien.surfaces.clips.smoothing import OneEuro

SAME = 0.3
"""Boxes of one face in two frames overlap at least so much (intersection over union)."""

FADE = 0.25
"""Seconds over which an edit comes when a face appears within a shot, and goes when it is lost."""

PATIENCE = 0.4
"""Seconds for which a face that the detector misses is still followed by its landmarks alone."""

CONFIRM = 2
"""Frames in which a face must be found before it counts, unless a shot begins with it."""

MEMORY = 2.0
"""Seconds for which the number of a lost face is kept for one that appears at the same place."""

ALIKE = 0.5
"""A followed face must look as before: correlation of its grey crops."""

CUT = 40.0
"""Mean difference of thumbnails, of 255, from which on a new shot begins."""

POSE, SHAPE = (0.5, 150.0, 10.0), (0.5, 20.0, 5.0)
"""Cutoff in Hz, beta and cutoff of the speed of the One Euro filters, of where a face is and of where its parts are
within it; the unit is the side of its crop. A face in even motion lags by 1 / (2 pi beta): a quarter of a crop px."""

_LOOK = 32  # px of the crops that are compared


@dataclass(frozen=True)
class Seen:
    """A face in a frame. number: from 1 on, as faces came. presence in (0, 1]: how much of an edit shows. lips: how far
    they are parted in this very frame, in distances of the outer eye corners."""

    number: int
    face: Face
    presence: float
    lips: float


@dataclass
class _Followed:
    number: int
    box: np.ndarray  # as the detector has it, frame px
    presence: float
    pose: OneEuro = field(default_factory=lambda: OneEuro(*POSE))
    shape: OneEuro = field(default_factory=lambda: OneEuro(*SHAPE))
    unit: float = 0.0  # px, the side of its crop when it came
    face: Face | None = None
    lips: float = 0.0
    look: np.ndarray | None = None
    found: int = 0  # frames
    seen: float = 0.0  # seconds, when the detector last found it
    whole: bool = False  # the shot began with it


class Tracker:
    """Finds and follows faces in frames given in the order of time."""

    def __init__(self) -> None:
        self._followed: list[_Followed] = []
        self._lost: list[_Followed] = []
        self._count = 0
        self._time: float | None = None
        self._thumbnail: np.ndarray | None = None

    def step(self, rgb: np.ndarray, time: float) -> list[Seen]:
        """The faces of the next frame (H, W, 3) uint8 at `time` seconds, the largest first."""
        passed = 0.0 if self._time is None else max(0.0, time - self._time)
        begins = self._cut(rgb)
        self._time = time
        if begins:
            self._lost, self._followed = [], []
        boxes = [np.array(box) for box in detect(rgb)]
        pairs, new = _matched(self._followed, boxes)
        kept = []
        for one in self._followed:
            box = pairs.get(id(one))
            if box is not None:
                one.box, one.seen, one.found = box, time, one.found + 1
            if self._follow(one, rgb, time, known=box is not None):
                rises = box is not None or time - one.seen <= PATIENCE
                if one.found >= CONFIRM or one.whole:
                    one.presence += (passed if rises else -passed) / FADE
                one.presence = min(1.0, one.presence)
                if one.presence > 0 or rises:
                    kept.append(one)
                    continue
            self._lost.append(one)
        self._followed = kept
        self._lost = [one for one in self._lost if time - one.seen <= MEMORY]
        for box in new:
            one = _Followed(self._numbered(box), box, 1.0 if begins else 0.0, found=1, seen=time, whole=begins)
            if self._follow(one, rgb, time, known=True):
                self._followed.append(one)
        shown = [
            Seen(one.number, one.face, one.presence, one.lips)
            for one in self._followed
            if one.face and one.presence > 0
        ]
        return sorted(shown, key=lambda one: -_area(one.face.box))

    def _cut(self, rgb: np.ndarray) -> bool:
        """Whether a shot begins with this frame."""
        small = cv2.resize(rgb, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._thumbnail = self._thumbnail, small
        return before is None or float(np.abs(small - before).mean()) > CUT

    def _follow(self, one: _Followed, rgb: np.ndarray, time: float, known: bool) -> bool:
        """Landmarks of a face in this frame, smoothed; False if it is not there any more."""
        points = landmarks(rgb, one.box)
        try:
            transform = align.crop_transform(points)
        except ValueError:
            return False
        look = _look(rgb, transform)
        if not known and (one.face is None or one.look is None or float((look * one.look).sum()) < ALIKE):
            return False
        if one.face is not None and not known:
            # the detector's box goes on with the landmarks
            one.box = _carried(one.box, one.face.transform, transform)
        one.look, one.lips = look, _parting(points)
        if not one.unit:
            one.unit = align.SIZE / align.scale(transform)
        pose, shape = _apart(points, transform, one.unit)
        smooth = _together(one.pose(pose, time), one.shape(shape, time), one.unit)
        transform = align.crop_transform(smooth)
        one.face = Face(face_box(smooth, transform), smooth, transform)
        return True

    def _numbered(self, box: np.ndarray) -> int:
        for one in self._lost:
            if overlap(one.box, box) > SAME:
                self._lost.remove(one)
                return one.number
        self._count += 1
        return self._count


def _matched(followed: list[_Followed], boxes: list[np.ndarray]) -> tuple[dict[int, np.ndarray], list[np.ndarray]]:
    """(box of each followed face that was found, by its id; boxes of new faces), the most overlapping first."""
    pairs: dict[int, np.ndarray] = {}
    free = list(range(len(boxes)))
    both = [(overlap(one.box, boxes[i]), j, i) for j, one in enumerate(followed) for i in free]
    for value, j, i in sorted(both, reverse=True):
        if value > SAME and i in free and id(followed[j]) not in pairs:
            pairs[id(followed[j])] = boxes[i]
            free.remove(i)
    return pairs, [boxes[i] for i in free]


def _apart(points: np.ndarray, transform: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """(pose (4,), shape (68, 2)) of landmarks (68, 2): where the crop's middle is in units of `unit` px, its size and
    turn; where the landmarks are in the crop, in sides of it."""
    inverse = align.invert(transform)
    middle = align.apply(inverse, np.full(2, (align.SIZE - 1) / 2))
    turn = np.arctan2(inverse[1, 0], inverse[0, 0])
    pose = np.array([*(middle / unit), np.log(align.scale(inverse)), turn])
    return pose, align.apply(transform, points) / align.SIZE


def _together(pose: np.ndarray, shape: np.ndarray, unit: float) -> np.ndarray:
    """Landmarks (68, 2), frame px: what `_apart` took apart."""
    zoom, c, s = float(np.exp(pose[2])), np.cos(pose[3]), np.sin(pose[3])
    from_middle = shape * align.SIZE - (align.SIZE - 1) / 2
    return from_middle @ (zoom * np.array([(c, s), (-s, c)])) + pose[:2] * unit


def _carried(box: np.ndarray, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """A box (x0, y0, x1, y1) that moves and grows as its face does, from one crop transform (2, 3) to another."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    there = align.apply(align.invert(now), align.apply(before, middle))
    half = half * align.scale(before) / align.scale(now)
    return np.concatenate([there - half, there + half])


def _look(rgb: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """(32, 32) float32: the grey crop of a face, its mean 0 and its norm 1."""
    grey = cv2.cvtColor(align.crop(rgb, transform, _LOOK), cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey -= grey.mean()
    return grey / max(float(np.linalg.norm(grey)), 1e-6)


def _parting(points: np.ndarray) -> float:
    """How far the inner lips of landmarks (68, 2) are apart, in distances of the outer eye corners."""
    apart = np.linalg.norm(points[[67, 66, 65]] - points[[61, 62, 63]], axis=1).mean()
    return float(apart / np.linalg.norm(points[45] - points[36]))


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
