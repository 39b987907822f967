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

SCAN = 0.2
"""Seconds between looks at the whole frame, while all faces are surely followed by their landmarks."""

SURE, ALIKE, BARELY = 0.8, 0.6, 0.4
"""A followed face looks as when the detector last found it: correlation of its grey crops. Below the first the frame is
searched; below the second, if nothing is found, its edit fades, until at the third something else is there."""

SWELL = 1.2
"""A face that grows or shrinks by more than this from a frame to the next, unseen by the detector, is none."""

STEADY = 0.75
"""A box of the detector that overlaps a followed face's own by this says nothing new."""

CARRIED = 0.02
"""A followed face's box moves with its landmarks in steps of this share of its width: a still one lies still."""

FAST = 0.1
"""A face that moves by this share of its width between two frames is searched for."""

LEAP, GROWN, AGAIN = 1.0, 1.4, 0.6
"""A face that moves by less than the first (of its width) between two frames, and grows by less than the second, is the
same if it looks so: by the third."""

IN_SIGHT = (0.6, 0.95)
"""Share of a face's brows, eyes, nose and mouth within the frame at which its edit is gone, and up from which it is
whole."""

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


@dataclass(frozen=True)
class _Read:
    """What a frame says of a face: landmarks (68, 2) in frame px, not smoothed; their crop transform (2, 3); the crop
    as `_look` has it, and its likeness to that in which the detector last found the face."""

    points: np.ndarray
    transform: np.ndarray
    look: np.ndarray
    alike: float


@dataclass
class _Followed:
    number: int
    box: np.ndarray  # where landmarks are looked for, frame px
    presence: float
    pose: OneEuro = field(default_factory=lambda: OneEuro(*POSE))
    shape: OneEuro = field(default_factory=lambda: OneEuro(*SHAPE))
    unit: float = 0.0  # px, the side of its crop when it came
    face: Face | None = None
    lips: float = 0.0
    likely: float = 1.0  # in [0, 1]: that it is there
    read: _Read | None = None  # of the frame before
    look: np.ndarray | None = None  # its crop when the detector last found it
    anchor: np.ndarray | None = None  # (2, 3), the crop transform when the box was placed
    found: int = 0  # frames
    seen: float = 0.0  # seconds, when the detector last found it
    whole: bool = False  # the shot began with it

    def place(self, box: np.ndarray) -> None:
        """The detector has it elsewhere."""
        self.box, self.anchor = box, None

    def take(self, read: _Read, time: float, found: bool) -> None:
        """Go on with what a frame says, smoothed. found: by the detector."""
        if found:
            self.look = read.look
        if self.anchor is None:
            self.anchor = read.transform
        box = _carried(self.box, self.anchor, read.transform)
        if np.abs(box - self.box).max() > CARRIED * (self.box[2] - self.box[0]):
            self.box, self.anchor = box, read.transform
        self.read, self.lips = read, _parting(read.points)
        if not self.unit:
            self.unit = align.SIZE / align.scale(read.transform)
        pose, shape = _apart(read.points, read.transform, self.unit)
        smooth = _together(self.pose(pose, time), self.shape(shape, time), self.unit)
        transform = align.crop_transform(smooth)
        self.face = Face(face_box(smooth, transform), smooth, transform)


class Tracker:
    """Finds and follows faces in frames given in the order of time."""

    def __init__(self) -> None:
        self._followed: list[_Followed] = []
        self._lost: list[_Followed] = []
        self._count = 0
        self._time: float | None = None
        self._scanned = -1e9  # seconds, when the whole frame was last searched
        self._thumbnail: np.ndarray | None = None

    def step(self, rgb: np.ndarray, time: float) -> list[Seen]:
        """The faces of the next frame (H, W, 3) uint8 at `time` seconds, the largest first."""
        passed = 0.0 if self._time is None else max(0.0, time - self._time)
        begins = self._cut(rgb)
        self._time = time
        if begins:
            self._lost, self._followed = [], []
        reads = {one.number: _read(one, rgb, one.box) for one in self._followed}
        new: list[np.ndarray] = []
        found: set[int] = set()
        if self._due(reads, time):
            self._scanned = time
            found, new = self._search(rgb, reads, time)
        kept = []
        for one in self._followed:
            read = reads[one.number]
            alike = 0.0 if read is None else 1.0 if one.number in found else read.alike
            if read is not None and alike > BARELY:
                one.likely = min((alike - BARELY) / (ALIKE - BARELY), 1.0)
                rises = alike >= ALIKE and time - one.seen <= PATIENCE
                one.take(read, time, one.number in found)
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
            read = _read(one, rgb, box)
            if read is not None:
                one.take(read, time, True)
                self._followed.append(one)
        shown = []
        for one in self._followed:
            if one.face is None or one.presence <= 0:
                continue
            presence = min(one.presence, one.likely, _in_sight(one.face, rgb.shape))
            if presence > 0:
                shown.append(Seen(one.number, one.face, presence, one.lips))
        return sorted(shown, key=lambda one: -_area(one.face.box))

    def _due(self, reads: dict[int, _Read | None], time: float) -> bool:
        """Whether faces are to be looked for in the whole frame: the dearest step, so not in every one."""
        if not self._followed or time - self._scanned >= SCAN - 1e-6:
            return True
        for one in self._followed:
            read = reads[one.number]
            if read is None or read.alike < SURE or one.found < CONFIRM or one.seen < self._scanned:
                return True
            if one.read is not None and _moved(one.read.transform, read.transform) > FAST * (one.box[2] - one.box[0]):
                return True
        return False

    def _search(
        self, rgb: np.ndarray, reads: dict[int, _Read | None], time: float
    ) -> tuple[set[int], list[np.ndarray]]:
        """(numbers of the followed faces that the detector finds, boxes of new ones); reads are made anew where a face
        lies elsewhere."""
        pairs, new = _matched(self._followed, [np.array(box) for box in detect(rgb)])
        found = set()
        for one in self._followed:
            box = pairs.get(id(one))
            if box is None:
                leap = next((i for i, other in enumerate(new) if _near(one.box, other)), None)
                read = None if leap is None else _read(one, rgb, new[leap])
                if leap is None or read is None or read.alike < AGAIN:
                    continue
                box = new.pop(leap)
            one.seen, one.found = time, one.found + 1
            found.add(one.number)
            if overlap(one.box, box) < STEADY or reads[one.number] is None:
                one.place(box)
                reads[one.number] = _read(one, rgb, box)
        return found, new

    def _cut(self, rgb: np.ndarray) -> bool:
        """Whether a shot begins with this frame."""
        small = cv2.resize(rgb, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._thumbnail = self._thumbnail, small
        return before is None or float(np.abs(small - before).mean()) > CUT

    def _numbered(self, box: np.ndarray) -> int:
        for one in self._lost:
            if overlap(one.box, box) > SAME:
                self._lost.remove(one)
                return one.number
        self._count += 1
        return self._count


def _read(one: _Followed, rgb: np.ndarray, box: np.ndarray) -> _Read | None:
    """The landmarks of a face in this frame; None if there can be none."""
    points = landmarks(rgb, box)
    try:
        transform = align.crop_transform(points)
    except ValueError:
        return None
    look = _look(rgb, transform)
    alike = 0.0 if one.look is None else float((look * one.look).sum())
    if one.read is not None and abs(np.log(align.scale(transform) / align.scale(one.read.transform))) > np.log(SWELL):
        alike = 0.0
    return _Read(points, transform, look, alike)


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


def _moved(before: np.ndarray, now: np.ndarray) -> float:
    """Frame px by which the middle of a crop moved from one transform (2, 3) to another."""
    middle = np.full(2, (align.SIZE - 1) / 2)
    return float(np.linalg.norm(align.apply(align.invert(now), middle) - align.apply(align.invert(before), middle)))


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one box may be the other after a leap."""
    wide = a[2] - a[0], b[2] - b[0]
    away = float(np.linalg.norm((a[:2] + a[2:] - b[:2] - b[2:]) / 2))
    return away < LEAP * max(wide) and max(wide) < GROWN * min(wide)


def _in_sight(face: Face, shape: tuple[int, ...]) -> float:
    """How much of an edit shows of a face that leaves the frame (height, width, ...): 1 within it."""
    inner = face.landmarks[17:]
    soft = 0.1 * float(np.ptp(inner[:, 0])) + 1
    inside = np.minimum(inner, np.array(shape[1::-1]) - 1 - inner).min(axis=1)  # px to the nearest edge
    share = float(np.clip(inside / soft + 0.5, 0, 1).mean())
    return min(max((share - IN_SIGHT[0]) / (IN_SIGHT[1] - IN_SIGHT[0]), 0.0), 1.0)


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
