"""What the browser is shown: JPEGs within the page's own messages, small while a slider moves, full once it rests."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from mien.editor import Portrait

PREVIEW = 512
"""Longer side of the preview, px, if its faces are then large enough for the network."""

FACE = 0.9
"""Preview px a px of the network's crop, at least, for the largest face."""

VIEW = 2400
"""Longer side of the finished picture on the page, px at most; the file to download always has the photo's own size."""


def factor(portrait: Portrait) -> float:
    """How much smaller than the photo the preview is, in (0, 1].

    `PREVIEW` px, but more where that would leave the largest face fewer pixels than the network looks at, and never
    more than `VIEW`.
    """
    side = max(portrait.picture.pixels.shape[:2])
    wanted = PREVIEW / side
    if portrait.faces:
        zoom = float(np.sqrt(abs(np.linalg.det(portrait.faces[0].transform[:, :2]))))  # crop px a photo px
        wanted = max(wanted, FACE * zoom)
    return min(1.0, wanted, VIEW / side)


def jpeg(rgb: np.ndarray, side: int = VIEW, quality: int = 92) -> str:
    """A picture (H, W, 3) uint8 or uint16 as a data: address, its longer side `side` px at most."""
    if rgb.dtype == np.uint16:
        rgb = (rgb >> 8).astype(np.uint8)
    k = side / max(rgb.shape[:2])
    if k < 1:
        size = [max(1, round(n * k)) for n in rgb.shape[1::-1]]
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError(f"no JPEG of {rgb.shape} {rgb.dtype}")
    return address(data.tobytes(), "image/jpeg")


def address(data: bytes, kind: str) -> str:
    """Bytes as a data: address of a media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def boxes(portrait: Portrait) -> list[list[float]]:
    """The faces' boxes as shares of the photo's width and height (x, y, width, height), held to the photo."""
    height, width = portrait.picture.pixels.shape[:2]
    made = []
    for face in portrait.faces:
        x0, x1 = (float(np.clip((v + 0.5) / width, 0, 1)) for v in face.box[0::2])
        y0, y1 = (float(np.clip((v + 0.5) / height, 0, 1)) for v in face.box[1::2])
        made.append([round(v, 5) for v in (x0, y0, x1 - x0, y1 - y0)])
    return made
