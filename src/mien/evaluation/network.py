"""A network with a card, opened and asked: the one way in which judges and our own classifiers see pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.evaluation.card import Card, read_card
from mien.evaluation.methods import resized

AT_ONCE = 32
"""Pictures in one pass, where the network takes any number; fewer of pictures larger than `LARGE`."""

LARGE = 256

MOST = 1024
"""A network that wants more pictures than this in one pass is refused."""


class Network:
    """FILE.onnx by its card FILE.json; a `MienError` if the one is not what the other says. shapes: of its outputs."""

    def __init__(self, path: Path) -> None:
        from mien.synthesis.session import open_weights

        self.card = read_card(path)
        weights = open_weights(path)
        self.shapes = list(weights.outputs.values())
        self._session, self._input = weights.session, next(iter(weights.inputs), "")
        shape = weights.inputs.get(self._input, [])
        size = self.card.size
        fits = len(weights.inputs) == 1 and len(shape) == 4
        if not fits or any(isinstance(v, int) and v != w for v, w in zip(shape[1:], (3, size, size), strict=True)):
            raise MienError(f"the judge {path} takes {shape}, not pictures (n, 3, {size}, {size}) as its card says")
        if not self.shapes:
            raise MienError(f"the judge {path} gives nothing")
        self._batch = _batch(path, shape[0], size)
        got, labels = self.shapes[0], self.card.labels
        fixed = [v for v in got[1:] if isinstance(v, int)]
        if labels and len(fixed) == len(got) - 1 and np.prod(fixed, dtype=float) != len(labels):
            raise MienError(f"the judge {path} gives {got}, not one score for each of the {len(labels)} labels")

    def ask(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures (S, S, 3) uint8 RGB of any sizes -> (n, labels) probabilities, or (n, d) descriptors, float64."""
        parts = [self._some(pictures[start : start + self._batch]) for start in range(0, len(pictures), self._batch)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.card.labels)))

    def _some(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        card, count = self.card, len(pictures)
        filled = [*pictures, *[pictures[-1]] * (self._batch - count)]  # a network may take one number alone
        try:
            answer = self._session.run(None, {self._input: fed(filled, card)})[0]
            rows = np.asarray(answer, np.float64)[:count].reshape(count, -1)
        except Exception as error:  # ONNX Runtime has no common class for its exceptions; what comes may be no numbers
            raise MienError(f"the judge {card.name} fails: {error}") from None
        if not np.isfinite(rows).all():
            raise MienError(f"the judge {card.name} gives numbers that are not finite")
        if card.kind == "identity":
            lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            return rows / lengths if card.unit else rows
        if rows.shape[1] != len(card.labels):
            raise MienError(
                f"the judge {card.name} gives {rows.shape[1]} numbers, but its card has {len(card.labels)} labels"
            )
        return softmax(rows) if card.output == "logits" else rows


def fed(pictures: Sequence[np.ndarray], card: Card) -> np.ndarray:
    """Pictures (S, S, 3) uint8 RGB as the card asks: resized, its channels in its order, normalised, NCHW float32."""
    faces = np.stack([resized(image, card.size) for image in pictures]).astype(np.float32) / 255
    if card.channels == "BGR":
        faces = faces[..., ::-1]
    faces = (faces - np.array(card.mean, np.float32)) / np.array(card.std, np.float32)
    return np.ascontiguousarray(faces.transpose(0, 3, 1, 2), np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> probabilities."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _batch(path: Path, wanted: int | str | None, size: int) -> int:
    """How many pictures go in at once."""
    if isinstance(wanted, int) and wanted > 0:
        if wanted * size**2 > MOST * LARGE**2:
            raise MienError(f"the judge {path} wants {wanted} pictures of {size} px at once: export it with fewer")
        return wanted
    return max(1, min(AT_ONCE, AT_ONCE * LARGE**2 // size**2))
