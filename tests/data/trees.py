"""Folder trees with the real names of the databases, a small but complete part of each; the pictures are of noise.

Every function writes below `root`, which is what a user would give, and returns it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from support import SAMPLE

RAFD_EMOTIONS = ("happy", "angry", "sad", "contemptuous", "disgusted", "neutral", "fearful", "surprised")
KDEF_EXPRESSIONS = ("AF", "AN", "DI", "HA", "NE", "SA", "SU")
KDEF_ANGLES = ("FL", "HL", "S", "HR", "FR")
OULU_EXPRESSIONS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
SEVEN = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def seed_of(path: Path) -> int:
    """Of the path below pytest's own folders: the same in every run and every process."""
    return int.from_bytes(hashlib.sha256(re.sub(r".*/(pytest-\d+|popen-gw\d+)/", "", str(path)).encode()).digest()[:4])


def picture(path: Path, size: tuple[int, int] = (12, 10), level: int | None = None, grey: bool = False) -> Path:
    """A picture of noise, another one for each path; or of one `level`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0]) if grey else (size[1], size[0], 3)
    values = np.random.default_rng(seed_of(path)).integers(60, 256, shape) if level is None else np.full(shape, level)
    form = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tiff": "TIFF"}[path.suffix.lower()]
    Image.fromarray(values.astype(np.uint8)).save(path, form)
    return path


def face(path: Path, size: int = 150, seed: int | None = None, turn: float = 0.0) -> Path:
    """The bundled sample as somebody: every path has another tint, so that no two pictures are the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed_of(path) if seed is None else seed)
    with Image.open(SAMPLE) as sample:
        small = sample.convert("RGB").resize((size, size), Image.Resampling.BOX)
    values = np.asarray(small.rotate(turn, Image.Resampling.BICUBIC), np.float32) * rng.uniform(0.75, 1.1, 3)
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(path, quality=95)
    return path


def litter(root: Path) -> Path:
    """What systems and archivers leave in every folder."""
    for folder in [root, *[p for p in root.rglob("*") if p.is_dir()]]:
        (folder / ".DS_Store").write_bytes(b"\0")
        (folder / "Thumbs.db").write_bytes(b"\0")
    first = next(p for p in sorted(root.rglob("*")) if p.is_file() and not p.name.startswith((".", "T")))
    ghost = root / "__MACOSX" / first.relative_to(root).with_name(f"._{first.name}")
    ghost.parent.mkdir(parents=True, exist_ok=True)
    ghost.write_bytes(b"\0\5\26\7")
    (root / "__MACOSX" / first.name).write_bytes(b"\0\5\26\7")
    (root / "readme.txt").write_text("not a picture\r\n")
    return root


def rafd(
    root: Path, models: Sequence[int] = (1, 2), angles: Sequence[str] = ("000", "045", "090", "135", "180")
) -> Path:
    for model in models:
        for angle in angles:
            for emotion in RAFD_EMOTIONS:
                for gaze in ("left", "frontal", "right"):
                    gender = "female" if model % 2 else "male"
                    picture(root / f"Rafd{angle}_{model:02d}_Caucasian_{gender}_{emotion}_{gaze}.jpg")
    return root


def kdef(root: Path, people: Sequence[str] = ("F01", "M02"), series: str = "AB") -> Path:
    for folder in [letter + who for letter in series for who in people]:
        for expression in KDEF_EXPRESSIONS:
            for angle in KDEF_ANGLES:
                picture(root / "KDEF" / folder / f"{folder}{expression}{angle}.JPG")
    return root


def akdef(root: Path) -> Path:
    for who in "FM":
        for expression in KDEF_EXPRESSIONS:
            for angle in KDEF_ANGLES:
                picture(root / "AKDEF" / f"{who}{expression}{angle}.JPG", grey=True)
    return root


def oulu(
    root: Path,
    people: Sequence[int] = (1, 2),
    home: str = "OriginalImg",
    cameras: Sequence[str] = ("NI", "VL"),
    lights: Sequence[str] = ("Strong", "Weak", "Dark"),
    frames: int = 9,
) -> Path:
    for camera in cameras:
        for light in lights:
            for person in people:
                for expression in OULU_EXPRESSIONS:
                    folder = root / home / camera / light / f"P{person:03d}" / expression
                    for number in range(frames):
                        picture(folder / f"{number:03d}.jpeg", grey=camera.startswith("NI"))
    return root


def ckplus(root: Path, frames: int = 11) -> Path:
    """Three people: S005 disgust and one unlabelled sequence, S010 all but contempt, S011 contempt and happy."""
    labels = {("S005", 1): 3, ("S005", 2): None}
    labels |= {("S010", take): label for take, label in enumerate((1, 3, 4, 5, 6, 7), start=1)}
    labels |= {("S011", 1): 2, ("S011", 2): 5}
    for (who, take), label in labels.items():
        name = f"{who}_{take:03d}"
        for number in range(1, frames + 1):
            picture(root / "cohn-kanade-images" / who / f"{take:03d}" / f"{name}_{number:08d}.png", grey=True)
        folder = root / "Emotion" / who / f"{take:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        if label is not None:
            (folder / f"{name}_{frames:08d}_emotion.txt").write_bytes(f"   {label:.7e}\r\n".encode())
    return root


def mug(root: Path, people: Sequence[int] = (1, 2), frames: int = 11, takes: int = 2) -> Path:
    for person in people:
        for label in SEVEN:
            for take in range(takes):
                folder = root / "subject3" / f"{person:03d}" / label / f"take{take:03d}"
                for number in range(frames):
                    picture(folder / f"img_{number:04d}.jpg")
    return root


def jaffe(root: Path, people: Sequence[str] = ("KA", "KL")) -> Path:
    serial = 0
    for who in people:
        for label in ("AN", "DI", "FE", "HA", "NE", "SA", "SU"):
            for take in (1, 2, 3):
                serial += 1
                picture(root / f"{who}.{label}{take}.{serial}.tiff", grey=True)
    return root


def cfee(root: Path, people: Sequence[int] = (126, 128)) -> Path:
    folders = ["01-04"] * 4 + ["05-08"] * 4 + ["09-12"] * 4 + ["13-16"] * 4 + ["17-20"] * 4 + ["21-26"] * 6
    for code, folder in enumerate(folders, start=1):
        for number, who in enumerate(people):
            images = f"Images{sorted(set(folders)).index(folder) + 1}"
            picture(root / "CFEE_Database_230" / folder / images / f"{code:02d}_{who}_{3000 + 40 * code + number}.jpg")
    return root


def rafdb(root: Path, train: int = 14, test: int = 7) -> Path:
    lines = []
    for split, count in (("train", train), ("test", test)):
        for number in range(1, count + 1):
            picture(root / "Image" / "aligned" / f"{split}_{number:05d}_aligned.jpg")
            lines.append(f"{split}_{number:05d}.jpg {(number - 1) % 7 + 1}")
    (root / "EmoLabel").mkdir(parents=True)
    (root / "EmoLabel" / "list_patition_label.txt").write_bytes("\r\n".join(lines).encode() + b"\r\n")
    return root


def fer2013(root: Path, rows: int = 21, head: str = "emotion,pixels,Usage") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = [head]
    for number in range(rows):
        usage = ("Training", "PublicTest", "PrivateTest")[number // 7 % 3]
        values = {"emotion": str(number % 7), "pixels": " ".join(map(str, rng.integers(40, 256, 2304))), "usage": usage}
        lines.append(",".join(values[name.strip().lower()] for name in head.split(",")))
    (root / "fer2013.csv").write_bytes("\r\n".join(lines).encode() + b"\r\n")
    return root


def affectnet(root: Path, header: bool = False, count: int = 11) -> Path:
    names = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    for table, split, said in (("training", 100, True), ("validation", 200, header)):
        lines = [names] if said else []
        for number in range(count):
            file = f"{split + number % 3}/{number:06x}{split}.jpg"
            picture(root / "Manually_Annotated_Images" / file)
            lines.append(f"{file},1,1,9,9,1.0;2.0;3.0,{number},0.1,0.2")
        (root / f"{table}.csv").write_bytes("\r\n".join(lines).encode())
    return root


def folder(root: Path, people: Sequence[str] = ("anna", "bert")) -> Path:
    for who in people:
        for label in ("Neutral", "happiness", "3_SAD", "contempt"):
            for number in range(2):
                picture(root / who / label / f"{number}.jpg")
    return root


TREES = {
    "rafd": rafd, "kdef": kdef, "akdef": akdef, "oulu": oulu, "ck+": ckplus, "mug": mug, "jaffe": jaffe, "cfee": cfee,
    "raf-db": rafdb, "fer2013": fer2013, "affectnet": affectnet, "folder": folder,
}  # fmt: skip
