"""A photo that acts: blinks, talk, brows, gaze and turns of the head, rendered by the rig frame by frame.

    python bench/acting.py --shared ../shared [--photo FILE] OUT.mp4

Nobody's filmed face is at hand; a photo on the scanned face model moves its parts as told, and where they are is known
exactly. What it lacks of a film: motion blur, wrinkles finer than the rig's, hair and neck that follow; of some people
the lids wear what lay below them. `tests/surfaces/acting.mp4` is the bundled sample, and beside it lies what its
lips and lids do.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

import mien
from mien.expression import SHAPES
from mien.face import find_faces
from mien.face.align import CORNERS
from mien.rig.facekit import FaceKit
from mien.rig.stage import stage

SAMPLE = Path(mien.__file__).parent / "samples" / "nobody.jpg"
CLIP = Path(__file__).parents[1] / "tests" / "surfaces" / "acting.mp4"
RATE, SIDE, CANVAS, ZOOM = 25, 480, 960, 3.0
SECONDS = 2.6
BLINKS = (0.36, 1.24, 2.2)  # s, when lids begin to close
TALK = (0.6, 2.0)  # s
SYLLABLES = 4.0  # a second


@dataclass(frozen=True)
class Shot:
    """A frame: rgb (S, S, 3) uint8; corners (5, 2), its px: where the points that align (`face.align.CORNERS`) truly
    are; lips, lids: how far they are apart, in distances of the outer eye corners at rest."""

    rgb: np.ndarray
    corners: np.ndarray
    lips: float
    lids: float


def score(t: float) -> dict[str, float]:
    """Shape weights, both sides by one name, at t seconds; what a face does in 2.6 s."""
    out = {"eyeBlink": max(_blink(t - begin) for begin in BLINKS)}
    inside = np.clip(min(t - TALK[0], TALK[1] - t) / 0.12, 0, 1)
    beat = SYLLABLES * (t - TALK[0])
    loud = 0.5 + 0.5 * np.sin(1.7 * beat) ** 2
    out["jawOpen"] = inside * loud * 0.5 * np.sin(np.pi * beat) ** 2
    out["mouthFunnel"] = inside * 0.4 * _bump(t, 0.95, 0.12) + inside * 0.3 * _bump(t, 1.7, 0.1)
    out["mouthPucker"] = inside * 0.5 * _bump(t, 1.3, 0.1)
    out["mouthStretch"] = inside * 0.3 * _bump(t, 1.5, 0.1)
    out["mouthClose"] = 0.25 * out["jawOpen"] * _bump(t, 1.85, 0.1)
    out["browInnerUp"] = 0.7 * _bump(t, 1.1, 0.18)
    out["browOuterUp"] = 0.5 * _bump(t, 1.1, 0.18)
    out["browDown"] = 0.4 * _bump(t, 1.75, 0.15)
    return out


def gaze(t: float) -> float:
    """-1 (to the left of the image) to 1, in leaps of 40 ms, as eyes move."""
    leaps = ((0.8, 0.6), (1.4, -1.3), (2.0, 0.7))
    return sum(leap * float(np.clip((t - at) / 0.04, 0, 1)) for at, leap in leaps)


def turn(t: float) -> np.ndarray:
    """(3, 3): the head's turn, up to 8 degrees sideways and 3 up and down."""
    yaw, pitch = np.radians(8 * np.sin(2 * np.pi * 0.4 * t)), np.radians(3 * np.sin(2 * np.pi * 0.7 * t))
    across = np.array([(np.cos(yaw), 0, np.sin(yaw)), (0, 1, 0), (-np.sin(yaw), 0, np.cos(yaw))])
    down = np.array([(1, 0, 0), (0, np.cos(pitch), -np.sin(pitch)), (0, np.sin(pitch), np.cos(pitch))])
    return across @ down


def weights(t: float) -> np.ndarray:
    """(57,) of `score` and `gaze`."""
    out, told = np.zeros(len(SHAPES), np.float32), score(t)
    aside = gaze(t)
    # the sitter's left eye is on the right of the image
    told |= {
        "eyeLookOut_L": max(aside, 0), "eyeLookIn_R": max(aside, 0), "eyeLookIn_L": max(-aside, 0),
        "eyeLookOut_R": max(-aside, 0),
    }  # fmt: skip
    for name, value in told.items():
        for full in (name, f"{name}_L", f"{name}_R"):
            if full in SHAPES:
                out[SHAPES.index(full)] = value
    return out


def act(kit: FaceKit, photo: np.ndarray, side: int = SIDE, seconds: float = SECONDS) -> Iterator[Shot]:
    """The largest face of a photo (H, W, 3) uint8 at 25 frames a second, `side` px wide and high."""
    face = find_faces(photo)[0]
    rig, _ = stage(
        kit, photo, face.landmarks, estimate_expression=True, expression_ridge=2e-2, canvas=CANVAS, zoom=ZOOM
    )
    k = side / CANVAS
    there = np.array([(k, 0, (k - 1) / 2), (0, k, (k - 1) / 2)])
    own = rig.fit.weights
    ocular = float(np.linalg.norm(np.subtract(*rig.landmarks(own)[[36, 45]])))
    for i in range(round(seconds * RATE)):
        told = np.clip(own + weights(i / RATE), 0, 1)
        view = rig.view(told, there, side, turn(i / RATE))
        assert view.image is not None
        flat = rig.landmarks(told) / ocular
        lips = float((flat[[67, 66, 65], 1] - flat[[61, 62, 63], 1]).mean())
        lids = float((flat[[41, 40, 47, 46], 1] - flat[[37, 38, 43, 44], 1]).mean())
        yield Shot(np.rint(view.image * 255).astype(np.uint8), view.landmarks[list(CORNERS)], lips, lids)


def people(shared: Path) -> dict[str, Path]:
    """Those of `../shared` whom nothing was trained on: number -> neutral photo."""
    rows = (shared / "data" / "london" / "people.csv").read_text().splitlines()[1:]
    return {
        row.split(",")[0]: shared / "data" / "london" / "neutral" / f"{row.split(',')[0]}.jpg"
        for row in rows
        if row.split(",")[-1] == "val"
    }


def read(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def load(path: Path = CLIP) -> list[Shot]:
    """A clip that `main` wrote."""
    told = json.loads(path.with_suffix(".json").read_text())
    with av.open(str(path)) as container:
        frames = [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
    return [
        Shot(rgb, np.array(one["corners"]), one["lips"], one["lids"]) for rgb, one in zip(frames, told, strict=True)
    ]


def save(path: Path, shots: Iterator[Shot]) -> None:
    """H.264, hardly to be told from what was drawn, and a JSON of what is known."""
    told = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "16", "preset": "slow"})
        stream.pix_fmt = "yuv420p"
        for i, shot in enumerate(shots):
            if i == 0:
                stream.height, stream.width = shot.rgb.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shot.rgb, format="rgb24")))
            corners = shot.corners.astype(float).round(2).tolist()
            told.append({"lips": round(shot.lips, 4), "lids": round(shot.lids, 4), "corners": corners})
        container.mux(stream.encode(None))
    path.with_suffix(".json").write_text("[\n" + ",\n".join(map(json.dumps, told)) + "\n]\n")


def _blink(t: float) -> float:
    """Lids close in 80 ms, stay closed for 40 and open in 160."""
    return float(np.clip(min(t / 0.08, (0.28 - t) / 0.16), 0, 1))


def _bump(t: float, middle: float, half: float) -> float:
    return float(np.exp(-0.5 * ((t - middle) / half) ** 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--shared", type=Path, required=True, help="holds assets/ict-facekit")
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--side", type=int, default=SIDE)
    given = parser.parse_args()
    save(given.output, act(FaceKit.load(given.shared / "assets"), read(given.photo), given.side))


if __name__ == "__main__":
    main()
