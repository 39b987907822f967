"""Small folders of drawn faces, and comparing what was made of them."""

import csv
import hashlib
from pathlib import Path

import cv2
from PIL import Image

from drawn import face


def write_folder(root: Path) -> Path:
    """Four good photos in a tree, two of them of one name, and two files that are no photos."""
    for number, name in enumerate(("a.png", "a.jpg", "sub/b.png", "sub/deep/c.png")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = cv2.convertScaleAbs(face(200), alpha=1 - 0.06 * number, beta=3 * number)
        Image.fromarray(pixels).save(path, quality=90)
    (root / "bad.jpg").write_text("no image")
    Image.new("RGB", (300, 300), (90, 90, 90)).save(root / "sub/nobody.png")
    (root / "notes.txt").write_text("not a picture")
    return root


def contents(root: Path) -> dict[str, str]:
    """Every file below, but for journals: path -> hash; a manifest without its time."""
    found = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")):
        data = path.read_bytes()
        if path.name == "manifest.csv":
            data = repr([row | {"time": ""} for row in rows(path)]).encode()
        found[path.relative_to(root).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(root: Path) -> dict[str, tuple[int, str]]:
    """Every file below: time of its last change and hash."""
    return {
        str(path): (path.lstat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in root.rglob("*")
        if path.is_file()
    }
