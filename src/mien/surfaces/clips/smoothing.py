"""The One Euro filter: slow motion is smoothed strongly, fast motion hardly, so neither jitter nor lag shows.

Casiez, Roussel, Vogel 2012, '1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive
Systems'.
"""

from __future__ import annotations

import math

import numpy as np

LEAST = 1e-6
"""Seconds between samples."""


class OneEuro:
    """Filters arrays of one shape, sampled at any times; every component by its own speed.

    cutoff: Hz, of a value at rest. beta: how much the cutoff grows with the speed, in Hz a unit/s. speed_cutoff: Hz, of
    the speed itself.
    """

    def __init__(self, cutoff: float, beta: float, speed_cutoff: float = 1.0) -> None:
        self.cutoff, self.beta, self.speed_cutoff = cutoff, beta, speed_cutoff
        self._value: np.ndarray | None = None
        self._speed: np.ndarray = np.zeros(())
        self._time = 0.0

    def __call__(self, value: np.ndarray, time: float) -> np.ndarray:
        """The filtered value at `time` in seconds; the first comes back as it is, one less than `LEAST` later is
        ignored: no speed can be told from it."""
        value = np.asarray(value, np.float64)
        if self._value is None:
            self._value, self._speed, self._time = value.copy(), np.zeros_like(value), time
            return value.copy()
        step = time - self._time
        if step < LEAST:
            return self._value.copy()
        speed = (value - self._value) / step
        self._speed = self._speed + _alpha(self.speed_cutoff, step) * (speed - self._speed)
        alpha = _alpha(self.cutoff + self.beta * np.abs(self._speed), step)
        self._value, self._time = self._value + alpha * (value - self._value), time
        return self._value.copy()


def _alpha(cutoff: np.ndarray | float, step: float) -> np.ndarray | float:
    """The share of the new value that a low-pass filter of `cutoff` Hz takes after `step` seconds (eq. 4, 5)."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * step))
