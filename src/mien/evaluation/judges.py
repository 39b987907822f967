"""Named, frozen, hashed judges: `face-api` and `faceres` (node, bench/judges), `dlib`, and any `onnx:FILE` with a card.

A judge reads pictures of faces and says of each how sure it is that there is a face, and either which expression it
shows or a descriptor of the person. Judges were trained by nobody here, or on other people than those evaluated.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from mien.errors import MienError
from mien.evaluation import node
from mien.evaluation.card import Card, TrainedOn, check_people
from mien.evaluation.network import Network
from mien.evaluation.seen import Seen, Store, Tell
from mien.expression import NAMES

DETECTED = 0.5
"""The detector's confidence from which a face counts as detected."""

LEAST = 384
"""px: smaller pictures are enlarged before detectors see them, all alike; nothing is gained by it but detection."""

DLIB_FILES = {
    "dlib_face_recognition_resnet_model_v1.dat": "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    "shape_predictor_5_face_landmarks.dat": "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
"""Of the package face_recognition_models 0.3.0 (CC0), with their SHA-256."""


class Judge(Protocol):
    """card: its name, kind, hash and what it has seen. detects: whether it says if there is a face at all."""

    card: Card
    detects: bool

    def judge(self, pictures: Sequence[np.ndarray], store: Path, tell: Tell | None = None) -> list[Seen]:
        """Of each picture (S, S, 3) uint8 RGB what it said; `store`: folder where that is kept."""
        ...


class Node:
    """One of the outside judges that run under node; several share one pass."""

    detects = True

    def __init__(self, name: str, folder: Path) -> None:
        self._folder, self._part = folder, name
        digest = node.check(folder, name)
        kind, about, seen_as, licence = node.PARTS[name]
        self.card = Card(
            name,
            kind,
            digest,
            licence,
            labels=NAMES if kind == "expression" else (),
            about=about,
            seen_as=seen_as,
            trained_on=TrainedOn("unknown"),
        )

    def judge(self, pictures: Sequence[np.ndarray], store: Path, tell: Tell | None = None) -> list[Seen]:
        shown = [enlarged(image) for image in pictures]
        kept = Store(store, "judge.mjs", node.version(self._folder))
        said = kept.judge(shown, lambda part: node.ask(self._folder, part), tell)
        return [one[self._part] for one in said]


class Dlib:
    """dlib's face recognition network (King 2017, CC0) on its own detector and five-point alignment: 128 numbers."""

    detects = True

    def __init__(self, files: Path) -> None:
        import dlib

        for name, sha256 in DLIB_FILES.items():
            if hashlib.sha256((files / name).read_bytes()).hexdigest() != sha256:
                raise MienError(f"{files / name} is not that of face_recognition_models 0.3.0 (SHA-256 differs)")
        network, points = (str(files / name) for name in DLIB_FILES)
        self._network, self._points = dlib.face_recognition_model_v1(network), dlib.shape_predictor(points)
        self._find = dlib.get_frontal_face_detector()
        self.card = Card(
            "dlib", "identity", next(iter(DLIB_FILES.values())), "CC0",
            trained_on=TrainedOn("unknown"), seen_as=("dlib",), about="dlib's face recognition network, 128 numbers",
        )  # fmt: skip

    def judge(self, pictures: Sequence[np.ndarray], store: Path, tell: Tell | None = None) -> list[Seen]:
        shown = [enlarged(image) for image in pictures]
        said = Store(store, "dlib", self.card.sha256).judge(shown, self._ask, tell)
        return [one["dlib"] for one in said]

    def _ask(self, pictures: Sequence[np.ndarray]) -> list[dict[str, Seen]]:
        return [{"dlib": self._one(image)} for image in pictures]

    def _one(self, image: np.ndarray) -> Seen:
        boxes, scores, _ = self._find.run(image, 0, 0.0)
        if not boxes:
            return Seen()
        best = max(range(len(boxes)), key=lambda k: scores[k])
        descriptor = np.array(self._network.compute_face_descriptor(image, self._points(image, boxes[best])))
        return Seen(1.0, {}, descriptor)  # its scores are no shares; what it finds at its usual level counts


class Onnx:
    """Any network with a card. It gets the aligned crop and looks for no face: it has an opinion on every picture."""

    detects = False

    def __init__(self, path: Path) -> None:
        self._network = Network(path)
        self.card = self._network.card
        self._version = hashlib.sha256(repr(self.card).encode()).hexdigest()

    def judge(self, pictures: Sequence[np.ndarray], store: Path, tell: Tell | None = None) -> list[Seen]:
        said = Store(store, f"onnx-{_plain(self.card.name)}", self._version).judge(pictures, self._ask, tell)
        return [one["onnx"] for one in said]

    def _ask(self, pictures: Sequence[np.ndarray]) -> list[dict[str, Seen]]:
        return [{"onnx": self._said(row)} for row in self._network.ask(pictures)]

    def _said(self, row: np.ndarray) -> Seen:
        if self.card.kind == "identity":
            return Seen(1.0, {}, row)
        return Seen(1.0, dict(zip(self.card.labels, map(float, row), strict=True)))


def parse_judges(
    specs: Sequence[str], folder: Path | None, database: str, split: str, people: Sequence[str]
) -> tuple[list[Judge], list[str]]:
    """The judges of a command line, checked and opened, and warnings; a `MienError` says what is wrong with which."""
    judges: list[Judge] = []
    warnings = []
    for spec in dict.fromkeys(specs):
        judge = _judge(spec, folder)
        if judge.card.name in [other.card.name for other in judges]:
            raise MienError(f"two judges are called {judge.card.name}: give one of them another name in its card")
        warning = check_people(judge.card, database, split, people)
        warnings += [warning] if warning else []
        judges.append(judge)
    return judges, warnings


def _judge(spec: str, folder: Path | None) -> Judge:
    if spec in node.PARTS:
        return Node(spec, node.judges_folder(folder))
    if spec == "dlib":
        return Dlib(dlib_files(folder))
    if spec.startswith("onnx:") and len(spec) > 5:
        return Onnx(Path(spec[5:]))
    raise MienError(f"unknown judge '{spec}': give {', '.join(node.PARTS)}, dlib or onnx:FILE")


def dlib_files(folder: Path | None) -> Path:
    """Where dlib's network lies: in the judges' folder, or in the package, which is not imported (pkg_resources)."""
    places = []
    with contextlib.suppress(MienError):  # the package may be installed where no clone is
        places.append(node.judges_folder(folder) / ".weights" / "face_recognition_models" / "models")
    spec = find_spec("face_recognition_models")
    if spec is not None and spec.origin:
        places.append(Path(spec.origin).parent / "models")
    for place in places:
        if all((place / name).is_file() for name in DLIB_FILES):
            return place
    raise MienError("the judge dlib needs its network: pip install --no-deps face_recognition_models==0.3.0")


def enlarged(image: np.ndarray) -> np.ndarray:
    """A picture at `LEAST` px at least."""
    if len(image) >= LEAST:
        return image
    return cv2.resize(image, (LEAST, LEAST), interpolation=cv2.INTER_CUBIC)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "_" for c in name)[:60]
