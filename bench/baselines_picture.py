"""The picture of docs/baselines.md: two people of the last sample sheet of each run, without the photographs.

usage: python bench/baselines_picture.py RUNS_DIR OUT.jpg NAME...
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

PEOPLE = (1, 3)
TILE, LABEL, ZOOM = 64, 150, 1.5
COLUMNS = ("neutral", "anger", "disgust", "fear", "happy", "sad", "surprise")


def rows(run: Path) -> np.ndarray:
    """(2 tiles, columns, 3) of the newest sheet in a run's folder."""
    sheets = sorted((run / "samples").glob("*.png"))
    if not sheets:
        sys.exit(f"{run} has no sample sheet")
    sheet = cv2.imread(str(sheets[-1]))
    return np.concatenate([sheet[p * TILE : (p + 1) * TILE, TILE:] for p in PEOPLE])


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    runs, out, names = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    strips = []
    for name in names:
        strip = rows(runs / name)
        strip = cv2.resize(strip, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
        margin = np.full((len(strip), LABEL, 3), 255, np.uint8)
        cv2.putText(margin, name, (6, len(strip) // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
        strips.append(np.hstack([margin, strip]))
    head = np.full((24, strips[0].shape[1], 3), 255, np.uint8)
    for number, column in enumerate(COLUMNS):
        at = (LABEL + int(number * TILE * ZOOM) + 8, 17)
        cv2.putText(head, column, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.imwrite(out, np.vstack([head, *strips]), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
