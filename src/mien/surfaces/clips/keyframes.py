"""An expression that changes over time: keyframes, how they are written, and what lies between them.

    0:neutral 1.5:happy 4:surprise:0.5       at 0 s neutral, at 1.5 s happy, at 4 s half a surprise
    0:neutral:0 2:jawOpen=0.4,AU12=0.5       at 0 s the clip's own expression, at 2 s a mixture

A keyframe is a time in seconds, a colon, and an expression as `mien.expression` has it. Keyframes come in the order of
time, with spaces or semicolons between. Before the first and after the last nothing changes. Between two, the change of
the face goes from one to the other in a straight way, slow at both ends.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

from mien.errors import MienError
from mien.expression import MAX_AMOUNT, Expression, parse

EXAMPLE = '"0:neutral 1.5:happy 4:surprise:0.5"'

MAX_TIME = 86_400.0
"""Seconds: a keyframe later than a day is a slip."""

_TIME = re.compile(r"\d+(?:\.\d*)?|\.\d+")


@dataclass(frozen=True)
class Keyframe:
    """At `time` seconds, `expression` with `amount` in [0, 1.3]: the share of the way from the own expression."""

    time: float
    expression: Expression
    amount: float

    def __str__(self) -> str:
        return f"{self.time:.6f}".rstrip("0").rstrip(".") + f":{self.expression}"


@dataclass(frozen=True)
class Track:
    """Keyframes in the order of time, at least one. Make one with `parse_track` or `constant`; `str()` parses back."""

    keyframes: tuple[Keyframe, ...]
    strength: float = 1.0  # over all of it

    def __str__(self) -> str:
        return " ".join(map(str, self.keyframes))

    @property
    def end(self) -> float:
        """Seconds of the last keyframe."""
        return self.keyframes[-1].time

    def at(self, time: float) -> tuple[Expression, float]:
        """The expression at a time in seconds, and the amount of it, in [0, 1.3]."""
        keys = self.keyframes
        later = next((i for i, key in enumerate(keys) if key.time > time), len(keys))
        if later == 0 or later == len(keys):
            key = keys[min(later, len(keys) - 1)]
            return key.expression, self._held(key.amount)
        before, after = keys[later - 1], keys[later]
        t = (time - before.time) / (after.time - before.time)
        expression, amount = between(before, after, t * t * (3 - 2 * t))
        return expression, self._held(amount)

    def asked(self) -> list[Expression]:
        """Expressions of every kind that `at` can give: those written, and one between each two."""
        keys = self.keyframes
        inner = [between(a, b, 0.5)[0] for a, b in pairwise(keys)]
        return [key.expression for key in keys] + inner

    def _held(self, amount: float) -> float:
        return min(amount * self.strength, MAX_AMOUNT)


def constant(expression: str | Expression, strength: float = 1.0) -> Track:
    """One expression all the time; strength in [0, 1.3] is the share of the way to it."""
    expression = parse(expression)
    return Track((Keyframe(0.0, expression, expression.amount),), _strength(strength))


def parse_track(text: str, strength: float = 1.0) -> Track:
    """Read keyframes such as '0:neutral 1.5:happy 4:surprise:0.5'; a `MienError` says what is wrong."""
    if not isinstance(text, str) or not text.strip(" ;\t\r\n"):
        raise MienError(f"keyframes are needed, such as {EXAMPLE}")
    keys: list[Keyframe] = []
    for part in re.split(r"[\s;]+", text.strip(" ;\t\r\n")):
        moment, colon, rest = part.partition(":")
        if not colon or not _TIME.fullmatch(moment):
            raise MienError(
                f"cannot read the keyframe '{part}': write a time in seconds and an expression, as in {EXAMPLE}"
            )
        time = float(moment)
        if not time <= MAX_TIME:
            raise MienError(f"the keyframe '{part}' is later than {MAX_TIME:g} s")
        if not rest:
            raise MienError(
                f"the keyframe '{part}' has no expression: write {moment}:happy, with no space after the colon"
            )
        if keys and time <= keys[-1].time:
            raise MienError(f"keyframes go in the order of time: '{part}' cannot come after {keys[-1].time:g} s")
        expression = parse(rest)
        keys.append(Keyframe(time, expression, expression.amount))
    return Track(tuple(keys), _strength(strength))


def between(a: Keyframe, b: Keyframe, t: float) -> tuple[Expression, float]:
    """(expression, amount) at the share t in [0, 1] of the way from a to b.

    A face changes by amount * (target - own expression), so the targets are averaged by their amounts: then that change
    is (1 - t) of the one and t of the other, and from an amount of 0 the face sets out for b's target at once.
    """
    first, second = (1 - t) * a.amount, t * b.amount
    amount = first + second
    if amount <= 0:
        return (a if t < 0.5 else b).expression, 0.0
    if a.expression == b.expression:
        return a.expression, amount
    shares: dict[str, float] = {}
    for key, share in ((a, first / amount), (b, second / amount)):
        for term, value in key.expression.terms:
            # neutral is where all shapes are 0: it weakens the rest and adds nothing
            shares[term] = shares.get(term, 0.0) + (0.0 if term == "neutral" else value * share)
    terms = tuple((term, value) for term, value in shares.items() if value != 0) or (("neutral", 1.0),)
    return Expression(terms), amount


def _strength(strength: float) -> float:
    if not (math.isfinite(strength) and 0 <= strength <= MAX_AMOUNT):
        raise MienError(f"the strength must be within 0 to {MAX_AMOUNT}, not {strength:g}")
    return strength
