"""One picture of a database -> its aligned crop and a row of the manifest. What a worker process does, pure but for the
crop's file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mien.data.check import look
from mien.data.record import Record
from mien.errors import MienError
from mien.face import Face, face_box, find_faces
from mien.face.align import SIZE, apply, crop, crop_transform, invert, scale
from mien.face.detect import _search as search  # its scores, which `find_faces` does not tell
from mien.formats import write_bytes
from mien.inside import target

BORDER = 0.4
"""Of the longer side: the margin that a retry lays around a picture whose face may fill it."""

SIDES = (360, 720)
"""Retries bring a picture with its margin to these sides in turn, px."""

TURNS = (-30, 30, -60, 60, 90, -90, 180)
"""Degrees by which a retry turns a picture."""

END = b"IEND\xaeB`\x82"
"""What a PNG file ends with."""

MISSED = "no face: not found at other scales and rotations either"


@dataclass(frozen=True)
class Task:
    """Records that belong together (one, but for the rig's renders of a person) and the names of their crops, relative
    to `out`. size: px of a crop. more: what a maker of its own kind needs."""

    root: str
    records: tuple[Record, ...]
    names: tuple[str, ...]
    out: str
    size: int
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """What became of a record. trouble: why there is no crop; digest: of the picture's content; row: the manifest's
    columns that the picture itself decides."""

    name: str
    digest: str
    trouble: str = ""
    row: dict[str, Any] = field(default_factory=dict)


class Found(NamedTuple):
    """face: in the photo's px; faces: in the picture; how: "" where it was found at once."""

    face: Face
    faces: int
    how: str


def make(task: Task) -> list[Made]:
    """Find, align, crop and write the picture of a task."""
    (record,), (name,) = task.records, task.names
    seen, rgb = look(Path(task.root), record)
    if rgb is None:
        return [Made(name, seen.digest, seen.trouble)]
    try:
        found = find(rgb, turned=not record.pose.startswith("profile"))
        image = None if found is None else crop(rgb, found.face.transform, task.size)
    except Exception as error:  # one odd picture among thousands must not stop them: OpenCV and dlib raise many things
        return [Made(name, seen.digest, f"no face: {type(error).__name__} {error}")]
    if found is None or image is None:
        return [Made(name, seen.digest, MISSED)]
    write_crop(target(Path(task.out), name), image)
    return [Made(name, seen.digest, row=described(image, found, task.size))]


def find(rgb: np.ndarray, turned: bool = True) -> Found | None:
    """The largest face of a photo (H, W, 3) uint8; where there is none, the surest at other scales and, if it may be
    `turned`, rotations."""
    faces = find_faces(rgb)
    if faces:
        return Found(faces[0], len(faces), "")
    longest = max(rgb.shape[:2])
    margin = BORDER * longest
    for side in SIDES:
        zoom = side / (longest + 2 * margin)
        views = [(degrees, *_view(rgb, zoom, degrees, margin)) for degrees in ((0, *TURNS) if turned else (0,))]
        scores = [max((score for score, _ in search(copy, 1.0)), default=-1.0) for _, copy, _ in views]
        for place in np.argsort(scores)[::-1]:
            degrees, copy, there = views[place]
            faces = find_faces(copy) if scores[place] > 0 else []
            if faces:
                points = apply(invert(there), faces[0].landmarks)
                transform = crop_transform(points)
                how = f"turned by {degrees} degrees" if degrees else f"with a margin, {zoom:.2g} times as large"
                return Found(Face(face_box(points, transform), points, transform), len(faces), how)
    return None


def _view(rgb: np.ndarray, zoom: float, degrees: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo enlarged, with a margin of its edge's colours, turned about its middle; and the transform to it."""
    small = min(1.0, 2 * zoom)  # reduced by areas first, lest it alias
    if small < 1:
        rgb = cv2.resize(rgb, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    height, width = rgb.shape[:2]
    rest, middle = zoom / small, np.array([(width - 1) / 2, (height - 1) / 2])
    side = round(rest * (max(height, width) + 2 * small * margin))
    there = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), degrees, rest)
    there[:, 2] += (side - 1) / 2 - middle
    mode = cv2.INTER_CUBIC if rest > 1 else cv2.INTER_LINEAR
    copy = cv2.warpAffine(rgb, there, (side, side), flags=mode, borderMode=cv2.BORDER_REPLICATE)
    to_small = np.array([(small, 0, (small - 1) / 2), (0, small, (small - 1) / 2), (0, 0, 1)])
    return copy, np.asarray(there, np.float64) @ to_small


def described(image: np.ndarray, found: Found, size: int) -> dict[str, Any]:
    """The columns of a crop (size, size, 3): how its face was found, how good it is, where it lies in its photo.

    resolution: photo px a crop px, above 1 nothing was enlarged. sharpness: variance of the Laplacian of the grey crop.
    brightness: mean, 0 to 255. quality, 0 to 1: resolution held to 1, halved where only a retry found the face.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    resolution = SIZE / size / scale(found.face.transform)
    return {
        "faces": found.faces,
        "found": found.how,
        "quality": round(min(1.0, resolution) * (0.5 if found.how else 1.0), 3),
        "resolution": round(resolution, 3),
        "sharpness": round(float(cv2.Laplacian(grey, cv2.CV_64F).var()), 1),
        "brightness": round(float(image.mean()), 1),
        "transform": " ".join(f"{v:.6g}" for v in found.face.transform.ravel()),
        "landmarks": " ".join(f"{v:.1f}" for v in found.face.landmarks.ravel()),
    }


def is_whole(path: Path) -> bool:
    """Whether a crop is there down to its last byte: a machine that lost its power may have left half of one."""
    try:
        with path.open("rb") as file:
            file.seek(-len(END), os.SEEK_END)
            return file.read() == END
    except OSError:
        return False


def write_crop(path: Path, image: np.ndarray) -> None:
    """A crop (S, S, 3) uint8 RGB as PNG, under its name only once it is whole."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise MienError(f"cannot write {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    write_bytes(path, data.tobytes())
