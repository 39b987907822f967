"""How far the alpha of an opened mouth is from the rig's, as the network says it and as an edge (synthesis/opening.py).

    python bench/opening.py --shared DIR [--split val] [--people 14]

For each person's neutral and smiling photo, six expressions at four strengths: the mean difference of alpha around the
mouth, crop of 256 px, and the share of it that the edge takes away. The constants were chosen
on val people and found near the best on training people too, so figures of val are development figures.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

import mien
from mien.expression import NAMES, parse
from mien.face import align, find_faces
from mien.picture import read
from mien.rig.facekit import FaceKit
from mien.rig.photo import PhotoRig
from mien.synthesis.opening import part

STRENGTHS = (0.25, 0.5, 0.75, 1.0)


def around(landmarks: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a crop around the mouth, a dropped jaw included."""
    (left, top), (right, bottom) = landmarks[48:60].min(axis=0), landmarks[48:60].max(axis=0)
    return slice(int(top) - 6, int(bottom) + 30), slice(int(left) - 4, int(right) + 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "val"), default="val")
    parser.add_argument("--people", type=int, default=14)
    given = parser.parse_args()
    london = given.shared / "data" / "london"
    with (london / "people.csv").open(newline="") as file:
        people = [row["id"] for row in csv.DictReader(file) if row["split"] == given.split]
    people = people[:: max(1, len(people) // given.people)][: given.people]
    kit, network = FaceKit.load(given.shared / "assets"), mien.Editor().generator
    found: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for kind in ("neutral", "smiling"):
        for who in people:
            photo = next((london / kind).glob(f"{who}*.jpg"), None)
            if photo is None:
                continue
            rgb = read(photo).rgb
            face = find_faces(rgb)[0]
            rig, crop = PhotoRig(kit, rgb, face), align.crop(rgb, face.transform)
            where = around(align.apply(face.transform, face.landmarks))
            for name in NAMES[1:]:
                for strength in STRENGTHS:
                    weights = parse(name).weights
                    said = network.maps(crop, weights, strength)
                    true = cv2.resize(rig.maps(weights, strength).alpha, crop.shape[:2], interpolation=cv2.INTER_AREA)
                    errors = [float(np.abs(m.alpha - true)[where].mean()) for m in (said, part(replace(said)))]
                    found.setdefault((kind, strength), []).append((errors[0], errors[1]))
    print(f"{len(people)} people of the split {given.split}")
    for (kind, strength), errors in found.items():
        plain, edged = np.mean(errors, axis=0)
        print(f"{kind:8} {strength:4}: {plain:.4f} as said, {edged:.4f} as an edge ({100 * (edged / plain - 1):+.0f}%)")


if __name__ == "__main__":
    main()
