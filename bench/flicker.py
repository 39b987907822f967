"""How still a still face is, and how steady a moving one: clips made of the bundled sample, before any encoder.

    python bench/flicker.py [--frames 40] [--only acting] [--shared ../shared --people 3] [--json FILE]

A frame is the sample at 1280x720, moved as named, with Gaussian noise of a camera (sigma 3 of 255, new in every frame).
Flicker is the mean difference of a frame to the one before, in the frame of the face (256 px crop, blurred by 3 px, so
that the noise itself counts little), in grey levels of 255: of the clip, of its edit, and of an edit of each frame as a
photo by itself. `still, no noise` must give 0.

A face that acts (`acting.py`: it blinks, talks, frowns, looks and turns, 65 frames) has further figures. eyes, mouth:
second differences in time within the two regions (blur 1.5 px), the mean and the 99th percentile of the frames: a pop
is far above the clip's own. lips: correlation and gain of the parting of lips, by the landmarks of each frame, to what
the face truly does; the landmarks' own gain is in the row of the clip.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import acting
import cv2
import numpy as np
from acting import Shot

import mien
from mien.face import align, find_faces
from mien.rig.facekit import FaceKit
from mien.surfaces.clips.keyframes import constant
from mien.surfaces.clips.take import Take

SAMPLE = Path(mien.__file__).parent / "samples" / "nobody.jpg"
RATE, WIDTH, HEIGHT, NOISE = 25, 1280, 720, 3.0
EYES = (slice(80, 112), slice(76, 180))
"""Of the aligned crop of 256 px."""

MOUTH = (slice(150, 206), slice(92, 164))


def motion(kind: str, t: float) -> tuple[float, float, float, float]:
    """(x, y, zoom, degrees) of the sample's middle at t seconds."""
    if kind == "moving":
        return 640 + 60 * np.sin(6 * t), 360 + 20 * np.sin(4 * t), 0.75 + 0.1 * np.sin(t), 6 * np.sin(4 * t)
    return 640.0, 360.0, 0.75, 0.0


def matrix(sample: np.ndarray, x: float, y: float, zoom: float, degrees: float) -> np.ndarray:
    """(2, 3): sample px -> frame px."""
    height, width = sample.shape[:2]
    out = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, zoom * HEIGHT / height)
    out[:, 2] += x - (width - 1) / 2, y - (height - 1) / 2
    return out


def measure(kind: str, frames: int, expression: str, noise: float) -> dict[str, float]:
    editor = mien.Editor()
    sample = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB)
    face = find_faces(sample)[0].transform
    take, rng = Take(editor, constant(expression)), np.random.default_rng(0)
    sums, last = {"clip": 0.0, "edit": 0.0, "photo by photo": 0.0}, {}
    for i in range(frames):
        there = matrix(sample, *motion(kind, i / RATE))
        frame = cv2.warpAffine(sample, there, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if noise:
            frame = np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).round().astype(np.uint8)
        to_crop = (np.vstack([face, (0, 0, 1)]) @ np.linalg.inv(np.vstack([there, (0, 0, 1)])))[:2]
        made = {
            "clip": frame,
            "edit": take.plan(frame, i / RATE).carry_out(frame),
            "photo by photo": mien.Editor.edit(editor, frame, expression).image,
        }
        for name, pixels in made.items():
            crop = cv2.GaussianBlur(align.crop(pixels, to_crop).astype(np.float32), (0, 0), 3.0)
            if name in last:
                sums[name] += float(np.abs(crop - last[name]).mean()) / (frames - 1)
            last[name] = crop
    return {name: round(value, 3) for name, value in sums.items()}


def acted(shots: list[Shot], expression: str) -> dict[str, dict[str, float]]:
    """What moves in a clip of a face that acts (with a camera's noise), in its edit, and in each frame edited as a
    photo."""
    editor, rng = mien.Editor(), np.random.default_rng(0)
    clip = [np.clip(s.rgb + rng.normal(0, NOISE, s.rgb.shape), 0, 255).round().astype(np.uint8) for s in shots]
    take = Take(editor, constant(expression))
    made = {
        "clip": clip,
        "edit": [take.plan(frame, i / RATE).carry_out(frame) for i, frame in enumerate(clip)],
        "photo by photo": [editor.edit(frame, expression).image for frame in clip],
    }
    return {name: moves(frames, shots) for name, frames in made.items()}


def moves(frames: list[np.ndarray], shots: list[Shot]) -> dict[str, float]:
    """Of frames (H, W, 3) of a face that acts as `shots` say: how eyes and mouth leap, and how lips follow."""
    crops = [
        cv2.GaussianBlur(align.crop(frame, align.crop_transform(shot.corners)).astype(np.float32), (0, 0), 1.5)
        for frame, shot in zip(frames, shots, strict=True)
    ]
    leaps = [np.abs(a - 2 * b + c) for a, b, c in zip(crops, crops[1:], crops[2:], strict=False)]
    out = {"flicker": float(np.mean([np.abs(a - b).mean() for a, b in pairwise(crops)]))}
    for name, part in (("eyes", EYES), ("mouth", MOUTH)):
        values = [float(leap[part].mean()) for leap in leaps]
        out |= {f"{name} mean": float(np.mean(values)), f"{name} p99": float(np.percentile(values, 99))}
    lips = np.array([parting(frame) for frame in frames])
    known, true = np.isfinite(lips), np.array([shot.lips for shot in shots])
    out["lips r"] = float(np.corrcoef(lips[known], true[known])[0, 1])
    out["lips gain"] = float(np.polyfit(true[known], lips[known], 1)[0])
    return {name: round(value, 2) for name, value in out.items()}


def parting(frame: np.ndarray) -> float:
    """How far the lips of the largest face are apart by its landmarks, in distances of the outer eye corners."""
    faces = find_faces(frame)
    if not faces:
        return float("nan")
    points = faces[0].landmarks
    return float((points[[67, 66, 65], 1] - points[[61, 62, 63], 1]).mean() / np.linalg.norm(points[45] - points[36]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--only", choices=("moved", "acting"))
    parser.add_argument("--shared", type=Path, help="the people of this folder act too (its rig is needed)")
    parser.add_argument("--people", type=int, default=3, help="how many of those whom nothing was trained on")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows: dict[str, object] = {}
    for expression in ("happy", "surprise") if given.only != "acting" else ():
        for kind, noise in (("still", 0.0), ("still", NOISE), ("moving", NOISE)):
            name = f"{expression}, {kind}, {'noise' if noise else 'no noise'}"
            rows[name] = measure(kind, given.frames, expression, noise)
            print(name, rows[name], flush=True)
    for who, shots in actors(given.shared, given.people) if given.only != "moved" else ():
        for expression in ("happy", "surprise", "sad", "neutral"):
            for name, row in acted(shots, expression).items():
                if name == "clip" and f"{who}, clip" in rows:
                    continue
                key = f"{who}, clip" if name == "clip" else f"{who}, {expression}, {name}"
                rows[key] = row
                print(key, row, flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


def actors(shared: Path | None, count: int) -> Iterator[tuple[str, list[Shot]]]:
    """The bundled sample, and people of `../shared`."""
    yield "sample", acting.load()
    if shared is not None:
        kit = FaceKit.load(shared / "assets")
        for number, photo in list(acting.people(shared).items())[:count]:
            yield number, list(acting.act(kit, acting.read(photo)))


if __name__ == "__main__":
    main()
