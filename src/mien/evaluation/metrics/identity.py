"""Is it still the same person? Distances between a verifier's descriptors, and thresholds from real impostors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RATES = {"1%": 0.01, "0.1%": 0.001}
"""Shares of real impostor pairs that a threshold lets pass (false accept rate, FAR)."""


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) Euclidean distances between descriptors (n, d) and (m, d)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


def impostors(descriptors: np.ndarray, people: Sequence[str], sources: Sequence[bool]) -> np.ndarray:
    """(k,) distances of all pairs of real pictures of two people, of which one at least is a source.

    descriptors (n, d); people (n,): whose picture; sources (n,): whether it shows the expression that methods start
    from. Two smiles are more alike than a neutral face and a smile, and no method is asked for such a pair.
    """
    who, source = np.asarray(people), np.asarray(sources, bool)
    wanted = (who[:, None] != who) & (source[:, None] | source)
    return distances(descriptors, descriptors)[np.triu(wanted, 1)]


def threshold(gaps: np.ndarray, rate: float) -> float | None:
    """The distance that exactly floor(rate * n) of the impostor pairs (n,) are nearer than, where none are equal; None
    with too few pairs for one to pass: then the rate cannot be measured."""
    passing = int(rate * len(gaps) + 1e-9)
    return float(np.sort(gaps)[passing]) if passing >= 1 else None
