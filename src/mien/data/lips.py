"""Where teeth begin: inner-lip landmarks of smiling training photos, corrected by colour.

The landmark predictor has seen teeth only in renders and puts the inner lips of broad smiles on the teeth. Lips are
redder than teeth, so a profile across the mouth tells where the opening lies.
"""

from __future__ import annotations

import cv2
import numpy as np

# (upper outer, upper inner, lower inner, lower outer) of three columns of the mouth
COLUMNS = ((50, 61, 67, 58), (51, 62, 66, 57), (52, 63, 65, 56))
CONTRAST = 7.0  # of the a* channel of CIE Lab (8 bits): less than this is a closed mouth


def refine_lips(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(68, 2) landmarks, (x, y) in pixels, with inner lips moved to the edge of the teeth. rgb (H, W, 3) uint8."""
    ocular = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    redness = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), max(0.5, 0.006 * ocular)), cv2.COLOR_RGB2LAB)[..., 1]
    moved: list[tuple[int, np.ndarray]] = []
    t = np.linspace(0, 1, 61)
    for top, upper, lower, bottom in COLUMNS:
        line = landmarks[top] + t[:, None] * (landmarks[bottom] - landmarks[top])
        across = np.array([1.0, 0.0]) * 0.01 * ocular
        profile = np.mean(
            [
                cv2.remap(
                    redness.astype(np.float32),
                    (line[:, 0] + k * across[0]).astype(np.float32)[None],
                    line[:, 1].astype(np.float32)[None],
                    cv2.INTER_LINEAR,
                )[0]
                for k in (-1, 0, 1)
            ],
            axis=0,
        )
        inner = slice(6, 52)  # the outer edges are skin
        least = 6 + int(np.argmin(profile[inner]))
        lips = min(profile[: least + 1].max(), profile[least:].max())
        if lips - profile[least] < CONTRAST:
            return landmarks.copy()  # a highlight on closed lips is no opening: that shows in all three columns
        middle = 0.5 * (lips + profile[least])
        first = least
        while first > 0 and profile[first] < middle:
            first -= 1
        last = least
        while last < len(t) - 1 and profile[last] < middle:
            last += 1
        moved += [(upper, line[first]), (lower, line[last])]
    out = landmarks.copy()
    for number, place in moved:
        out[number] = place
    return out
