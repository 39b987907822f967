"""A face of nobody, drawn with a few strokes, that the detector takes for one."""

import cv2
import numpy as np


def face(side: int = 240, at: tuple[int, int] = (0, 0), photo: np.ndarray | None = None) -> np.ndarray:
    """A photo (H, W, 3) uint8 with a drawn face about `side` px wide whose upper left corner is at `at` (x, y)."""
    big = np.full((600, 480, 3), 205, np.uint8)
    cv2.ellipse(big, (240, 300), (175, 235), 0, 0, 360, (196, 150, 125), -1, cv2.LINE_AA)
    cv2.ellipse(big, (240, 130), (185, 110), 0, 180, 360, (50, 35, 30), -1, cv2.LINE_AA)
    for x in (160, 320):
        cv2.ellipse(big, (x, 262), (46, 26), 0, 0, 360, (150, 105, 88), -1, cv2.LINE_AA)
        cv2.ellipse(big, (x, 262), (34, 15), 0, 0, 360, (235, 232, 228), -1, cv2.LINE_AA)
        cv2.circle(big, (x, 262), 14, (45, 30, 25), -1, cv2.LINE_AA)
        cv2.ellipse(big, (x, 232), (46, 18), 0, 195, 345, (60, 40, 32), 10, cv2.LINE_AA)
    cv2.line(big, (226, 270), (218, 345), (165, 118, 98), 8, cv2.LINE_AA)
    cv2.line(big, (254, 270), (262, 345), (165, 118, 98), 8, cv2.LINE_AA)
    cv2.ellipse(big, (240, 352), (34, 14), 0, 20, 160, (110, 70, 60), 8, cv2.LINE_AA)
    cv2.ellipse(big, (240, 425), (62, 20), 0, 0, 360, (165, 85, 80), -1, cv2.LINE_AA)
    cv2.line(big, (180, 424), (300, 424), (90, 40, 40), 5, cv2.LINE_AA)
    cv2.ellipse(big, (240, 470), (40, 14), 0, 20, 160, (160, 112, 92), 6, cv2.LINE_AA)
    big = cv2.GaussianBlur(big, (0, 0), 4)
    small = cv2.resize(big, (side, side * 600 // 480), interpolation=cv2.INTER_AREA)
    if photo is None:
        photo = np.full((side * 2, side * 2, 3), 205, np.uint8)
        at = (side // 2, side * 3 // 8)
    photo[at[1] : at[1] + small.shape[0], at[0] : at[0] + side] = small
    return photo
