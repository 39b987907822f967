"""An expression classifier as a file: ONNX, and a card beside it that says what it takes and what it was trained on.

It is read and asked as any judge is (`mien.evaluation.network`); its card must say all that `mien.evaluation.card` has
a place for, as nothing may be measured on people it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.data.labelled import Row
from mien.data.prepared import read_crops
from mien.errors import MienError
from mien.evaluation.metrics.bootstrap import Estimate, estimate
from mien.evaluation.metrics.expression import confusion
from mien.evaluation.network import Network

KIND = "expression"
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""How our own classifiers want their pictures, of values in [0, 1]."""

AT_ONCE = 64
"""Crops in memory at once."""


class Classifier:
    """A classifier in a session. size: px that it sees; labels: in the order of its output."""

    def __init__(self, path: Path) -> None:
        self._network = Network(path)
        self.card, shapes = self._network.card, self._network.shapes
        for sound, what in (
            (self.card.kind == KIND, f"its kind is {KIND!r}, not {self.card.kind!r}"),
            (not self.card.unsaid, f"it does not say its {next(iter(self.card.unsaid), '')}"),
            (self.card.channels == "RGB", f"its channels are 'RGB', not {self.card.channels!r}"),
            (len(shapes) == 1 and len(shapes[0]) == 2, f"its network gives {shapes}, not one output (n, labels)"),
        ):
            if not sound:
                raise MienError(f"{path.with_suffix('.json')} is no card of a classifier: {what}")
        self.size, self.labels = self.card.size, self.card.labels

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """Aligned crops (n, S, S, 3) uint8 RGB -> (n, labels) float32."""
        return np.asarray(self._network.ask(list(crops)), np.float32)

    def called(self, crops: np.ndarray) -> list[str]:
        """The most probable label of each crop."""
        return [self.labels[place] for place in self.probabilities(crops).argmax(1)]


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
