"""What a face does while it wears an expression: it talks and blinks on.

An edit goes to a target, whatever the frame shows, so at full strength lips would stand still. Here the lips' parting
and the lids' closing, each against the face's own rest, are added to the target of every frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mien.expression import SHAPES, Expression
from mien.surfaces.clips.smoothing import OneEuro

JAW = 0.26
"""Lips that far apart, in distances of the outer eye corners, are a jawOpen of 1: the face model has 0.32, of which the
landmarks tell 0.6 to 0.95, as the person is."""

WIDEST = 0.9
"""The jawOpen of a target to which talk adds nothing; to one of half as much it adds by half."""

CALM = 0.006
"""Lips that part by less than this, in the same distances, are still: landmarks are not surer."""

SHUT, OPEN = 0.15, 0.9
"""The irises' contrast, as a share of what it is at rest, at which lids are closed, and from which on they are open."""

FAINT = 0.1
"""An iris of less contrast than this is no rest to compare with: a clip may begin within a blink."""

LIPS_SETTLE, LIDS_SETTLE = 1.5, 8.0
"""Seconds in which a mouth that stays open, and lids that stay low, count as the face's rest by two thirds."""

LIPS, LIDS = (1.0, 40.0, 5.0), (1.0, 10.0, 5.0)
"""One Euro filters of both: hardly a lag where they move."""

_JAW, _BLINK = SHAPES.index("jawOpen"), SHAPES.index("eyeBlink_L")


@dataclass(frozen=True)
class Doing:
    """talk: jawOpen beyond the face's rest, from 0 on. closed: how far the lids are closed, in [0, 1]."""

    talk: float = 0.0
    closed: float = 0.0

    def upon(self, expression: Expression) -> Expression:
        """The target of a face that does this with the expression on; the same one if it does nothing."""
        weights, more = expression.weights, []
        talk = self.talk * max(0.0, 1 - float(weights[_JAW]) / WIDEST)
        if talk > 0:
            more.append(("jawOpen", talk))
        if self.closed > 0:
            # a lid that is down is neither wide nor squinting
            more.append(("eyeBlink", self.closed * max(0.0, 1 - float(weights[_BLINK]))))
            for name in ("eyeWide_L", "eyeWide_R", "eyeSquint_L", "eyeSquint_R"):
                more.append((name, -self.closed * float(weights[SHAPES.index(name)])))
        return Expression((*expression.terms, *more)) if more else expression


class Liveliness:
    """One face's talk and blinks, from frame to frame."""

    def __init__(self) -> None:
        self._lips: OneEuro = OneEuro(*LIPS)
        self._lids: OneEuro = OneEuro(*LIDS)
        self._shut = self._clear = 0.0  # at rest: the lips' parting, the irises' contrast
        self._time: float | None = None

    def step(self, lips: float, irises: float, time: float) -> Doing:
        """What the face does at `time` seconds. lips: their parting in distances of the outer eye corners. irises:
        their contrast in [0, 1]."""
        if self._time is None:
            self._shut, self._clear = lips, max(irises, FAINT)
        passed = 0.0 if self._time is None else max(0.0, time - self._time)
        self._time = time
        # rest is a mouth closed and eyes open: at once where they are, slowly where they stay
        self._shut += (lips - self._shut) * (1.0 if lips < self._shut else 1 - math.exp(-passed / LIPS_SETTLE))
        clear = max(irises, FAINT)
        self._clear += (clear - self._clear) * (1.0 if clear > self._clear else 1 - math.exp(-passed / LIDS_SETTLE))
        talk = max(0.0, lips - self._shut - CALM) / JAW
        closed = min(max((OPEN - irises / self._clear) / (OPEN - SHUT), 0.0), 1.0)
        return Doing(float(self._lips(np.array(talk), time)), float(self._lids(np.array(closed), time)))
