"""Means over people with 95% bootstrap intervals, and two methods compared person by person.

People are resampled, each with all their pictures, as pictures of one person are no independent measurements. Efron
(1979); percentile intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 5000
_AT_ONCE = 1_000_000
"""Numbers drawn at a time: what memory the draws may take."""


@dataclass(frozen=True)
class Estimate:
    """value: the mean over people of each person's own mean. low, high: its 95% interval, None with fewer than two
    people. n: measurements. people: person -> mean."""

    value: float
    low: float | None
    high: float | None
    n: int
    people: dict[str, float]


def estimate(values: Mapping[str, Sequence[float]], draws: int = DRAWS, seed: int = 0) -> Estimate | None:
    """The mean of person -> measurements; None where nothing was measured."""
    people = {person: float(np.mean(mine)) for person, mine in sorted(values.items()) if len(mine)}
    if not people:
        return None
    means = np.array(list(people.values()))
    low, high = interval(means, draws, seed)
    return Estimate(float(means.mean()), low, high, sum(len(mine) for mine in values.values()), people)


def compared(a: Mapping[str, float], b: Mapping[str, float], draws: int = DRAWS, seed: int = 0) -> Estimate | None:
    """b minus a over the people that both have, from person -> mean of each; an interval without 0 is a difference."""
    return estimate({person: [b[person] - a[person]] for person in a if person in b}, draws, seed)


def interval(means: np.ndarray, draws: int = DRAWS, seed: int = 0) -> tuple[float | None, float | None]:
    """95% percentile bootstrap interval of the mean of (n,) values; (None, None) for fewer than two."""
    count = len(means)
    if count < 2:
        return None, None
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // count)
    drawn = [
        means[rng.integers(0, count, (min(step, draws - start), count))].mean(axis=1)
        for start in range(0, draws, step)
    ]  # fmt: skip
    low, high = np.percentile(np.concatenate(drawn), [2.5, 97.5])
    return float(low), float(high)
