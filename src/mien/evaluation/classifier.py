"""An expression classifier as a file: ONNX, and a card beside it that says what it takes and what it was trained on.

The card of FILE.onnx is FILE.json: name, kind "expression", size (px), channels "RGB", normalise {mean, std} of values
in [0, 1], labels of the vocabulary, output "logits" or "probabilities", trained_on {database, split, people} (people
are null where nobody is told apart), losses_of (names of methods whose training loss it was), sha256 of the .onnx file,
licence; about, in words, may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.data.labelled import Row
from mien.data.prepared import read_crops
from mien.errors import MienError
from mien.evaluation.metrics.bootstrap import Estimate, estimate
from mien.evaluation.metrics.expression import confusion
from mien.expression import ALL_NAMES
from mien.synthesis.session import Weights, open_weights

KIND = "expression"
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""How our own classifiers want their pictures, of values in [0, 1]."""

CARD = (
    "name",
    "kind",
    "size",
    "channels",
    "normalise",
    "labels",
    "output",
    "trained_on",
    "losses_of",
    "sha256",
    "licence",
)
AT_ONCE = 64


class Classifier:
    """A classifier in a session. size: px that it sees; labels: in the order of its output."""

    def __init__(self, path: Path) -> None:
        self.weights = open_weights(path, manifest=True)
        self.card = checked(self.weights.manifest, path)
        self.size, self.labels = int(self.card["size"]), tuple(self.card["labels"])
        self.input, self.output = _ends(self.weights, path, self.size, len(self.labels))

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """Aligned crops (n, S, S, 3) uint8 RGB -> (n, labels) float32."""
        parts = [self._some(crops[start : start + AT_ONCE]) for start in range(0, len(crops), AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def called(self, crops: np.ndarray) -> list[str]:
        """The most probable label of each crop."""
        return [self.labels[place] for place in self.probabilities(crops).argmax(1)]

    def _some(self, crops: np.ndarray) -> np.ndarray:
        out = self.weights.session.run([self.output], {self.input: fed(crops, self.card)})[0]
        return softmax(out) if self.card["output"] == "logits" else np.asarray(out, np.float32)


def fed(crops: np.ndarray, card: Mapping[str, Any]) -> np.ndarray:
    """Crops (n, S, S, 3) uint8 RGB as the card asks: resized (areas averaged), normalised, NCHW float32."""
    size, told = int(card["size"]), card["normalise"]
    if crops.shape[1] != size:
        kind = cv2.INTER_AREA if crops.shape[1] > size else cv2.INTER_CUBIC
        crops = np.stack([cv2.resize(crop, (size, size), interpolation=kind) for crop in crops])
    values = (crops.astype(np.float32) / 255 - np.float32(told["mean"])) / np.float32(told["std"])
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> probabilities float32."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def checked(card: dict[str, Any], path: Path) -> dict[str, Any]:
    """The card, if it is one of an expression classifier; else a `MienError`."""
    beside = path.with_suffix(".json")
    missing = [key for key in CARD if key not in card]
    if missing:
        raise MienError(f"{beside} is no card of a classifier: it does not say its {missing[0]}")
    try:
        mean, std = (np.asarray(card["normalise"][key], float) for key in ("mean", "std"))
        for sound, what in (
            (card["kind"] == KIND, f"its kind is {KIND!r}, not {card['kind']!r}"),
            (card["channels"] == "RGB", f"its channels are 'RGB', not {card['channels']!r}"),
            (1 <= int(card["size"]) <= 4096, "its size is a number of pixels"),
            (mean.shape == std.shape == (3,) and (std > 0).all(), "normalise has three means and three stds above 0"),
            (len(set(card["labels"])) == len(card["labels"]) > 1, "its labels are two or more different names"),
            (set(card["labels"]) <= set(ALL_NAMES), f"its labels are of {', '.join(ALL_NAMES)}"),
            (card["output"] in ("logits", "probabilities"), "its output is 'logits' or 'probabilities'"),
            (_told(card["trained_on"]), "trained_on says database, split and people"),
        ):
            if not sound:
                raise MienError(f"{beside}: {what}")
    except (TypeError, ValueError, KeyError):
        raise MienError(f"{beside} is no card of a classifier: a value is of the wrong type") from None
    return card


def _told(told: Any) -> bool:
    """Whether it says of whom it has learnt; people may be None."""
    words = all(isinstance(told[key], str) for key in ("database", "split"))
    return words and (told["people"] is None or all(isinstance(who, str) for who in told["people"]))


def _ends(weights: Weights, path: Path, size: int, labels: int) -> tuple[str, str]:
    """Names of the input and the output, if they are as the card says."""
    if len(weights.inputs) != 1 or len(weights.outputs) != 1:
        raise MienError(f"{path} is no classifier: one input and one output are needed")
    (entry, given), (leave, got) = next(iter(weights.inputs.items())), next(iter(weights.outputs.items()))
    if len(given) != 4 or any(isinstance(v, int) and v != w for v, w in zip(given[1:], (3, size, size), strict=True)):
        raise MienError(f"{path} takes {given}, not pictures (n, 3, {size}, {size}) as its card says")
    if len(got) != 2 or (isinstance(got[1], int) and got[1] != labels):
        raise MienError(f"{path} gives {got}, not one score for each of the {labels} labels of its card")
    return entry, leave


@dataclass(frozen=True)
class Measured:
    """accuracy: over people; by_expression: the same for each label that the people show; confusion: shown -> called ->
    how often; unknown: pictures of labels that the classifier does not have, which are not counted."""

    accuracy: Estimate | None
    by_expression: dict[str, Estimate]
    confusion: dict[str, dict[str, int]]
    unknown: int


def measure(classifier: Classifier, folder: Path, rows: Sequence[Row]) -> Measured:
    """How often the classifier is right on real pictures of a prepared folder."""
    known = [row for row in rows if row.expression in classifier.labels]
    size = min(classifier.size, 256)
    said: list[str] = []
    for start in range(0, len(known), AT_ONCE):
        said += classifier.called(read_crops(folder, [row.crop for row in known[start : start + AT_ONCE]], size))
    return tallied(known, said, classifier.labels, len(rows) - len(known))


def tallied(rows: Sequence[Row], said: Sequence[str], labels: Sequence[str], unknown: int = 0) -> Measured:
    """What `said`, the label called for each row, amounts to; each person counts the same."""
    right: dict[str, list[float]] = {}
    by: dict[str, dict[str, list[float]]] = {}
    for row, name in zip(rows, said, strict=True):
        hit = float(name == row.expression)
        right.setdefault(row.person, []).append(hit)
        by.setdefault(row.expression, {}).setdefault(row.person, []).append(hit)
    each = {name: found for name in labels if (found := estimate(by.get(name, {}))) is not None}
    table = confusion((row.expression, name) for row, name in zip(rows, said, strict=True))
    return Measured(estimate(right), each, table, unknown)
