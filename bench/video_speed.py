"""Processor seconds and clock seconds a frame of `mien video` at 1280x720, and the memory it takes at most.

    python bench/video_speed.py [--frames 50]

The clip is the bundled sample moved about (bench/flicker.py), its face about 250 px wide, encoded as H.264. Processor
seconds are of all threads together, decoder and encoder included; on a busy machine only they say something.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from flicker import HEIGHT, NOISE, RATE, SAMPLE, WIDTH, matrix, motion

import mien
from mien.surfaces.clips.keyframes import constant
from mien.surfaces.clips.video import video


def write(path: Path, frames: int) -> None:
    sample, rng = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB), np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for i in range(frames):
            there = matrix(sample, *motion("moving", i / RATE))
            pixels = cv2.warpAffine(sample, there, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            pixels = np.clip(pixels + rng.normal(0, NOISE, pixels.shape), 0, 255).round().astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=50)
    frames = parser.parse_args().frames
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.mp4"
        write(source, frames)
        editor = mien.Editor()
        clock, processor = time.perf_counter(), time.process_time()
        seen: list[int] = []
        video(
            source,
            Path(folder) / "out.mp4",
            constant("happy"),
            editor,
            tell=lambda *_: seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss),
        )
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{processor / frames:.3f} processor seconds and {clock / frames:.3f} clock seconds a frame")
    print(f"memory at most: {seen[len(seen) // 3] / 1024:.0f} MiB after a third, {seen[-1] / 1024:.0f} MiB at the end")


if __name__ == "__main__":
    main()
