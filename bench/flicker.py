"""How still a still face is, and how steady a moving one: clips made of the bundled sample, before any encoder.

    python bench/flicker.py [--frames 40] [--json FILE]

A frame is the sample at 1280x720, moved as named, with Gaussian noise of a camera (sigma 3 of 255, new in every frame).
Flicker is the mean difference of a frame to the one before, in the frame of the face (256 px crop, blurred by 3 px, so
that the noise itself counts little), in grey levels of 255: of the clip, of its edit, and of an edit of each frame as a
photo by itself. `still, no noise` must give 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

import mien
from mien.face import align, find_faces
from mien.surfaces.clips.keyframes import constant
from mien.surfaces.clips.take import Take

SAMPLE = Path(mien.__file__).parent / "samples" / "nobody.jpg"
RATE, WIDTH, HEIGHT, NOISE = 25, 1280, 720, 3.0


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = {}
    for expression in ("happy", "surprise"):
        for kind, noise in (("still", 0.0), ("still", NOISE), ("moving", NOISE)):
            name = f"{expression}, {kind}, {'noise' if noise else 'no noise'}"
            rows[name] = measure(kind, given.frames, expression, noise)
            print(name, rows[name], flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
