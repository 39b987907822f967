"""Names, shapes and their spelling: the only vocabulary.

An expression is a point in the space of the face model's 57 shape weights (Apple ARKit names, "_L" and "_R" as the
model has them). A name such as `happy` is a point in that space, at a strength. What can be written:

    happy                                the name at strength 1
    happy:0.6                            the name at a strength
    jawOpen=0.4,browInnerUp_L=0.8        shapes at weights
    browInnerUp=0.8                      both sides of a shape
    AU12=0.5                             an action unit of FACS
    happy:0.5,surprise:0.5,jawOpen=0.2   a mixture: everything adds up
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mien.errors import MienError

NAMES = ("neutral", "anger", "disgust", "fear", "happy", "sad", "surprise")
"""The seven names."""

ALL_NAMES = (*NAMES, "contempt")
"""The seven, and contempt beside them."""

SYNONYMS = {
    "normal": "neutral", "calm": "neutral", "none": "neutral",
    "angry": "anger", "mad": "anger", "rage": "anger",
    "disgusted": "disgust",
    "afraid": "fear", "fearful": "fear", "scared": "fear",
    "happiness": "happy", "joy": "happy", "joyful": "happy", "smile": "happy", "smiling": "happy",
    "sadness": "sad", "unhappy": "sad",
    "surprised": "surprise",
    "contemptuous": "contempt",
}  # fmt: skip

SHAPES = (
    "PupilDilate_L", "PupilDilate_R", "browDown_L", "browDown_R", "browInnerUp_L", "browInnerUp_R", "browOuterUp_L",
    "browOuterUp_R", "cheekPuff_L", "cheekPuff_R", "cheekRaiser_L", "cheekRaiser_R", "cheekSquint_L", "cheekSquint_R",
    "eyeBlink_L", "eyeBlink_R", "eyeLookDown_L", "eyeLookDown_R", "eyeLookIn_L", "eyeLookIn_R", "eyeLookOut_L",
    "eyeLookOut_R", "eyeLookUp_L", "eyeLookUp_R", "eyeSquint_L", "eyeSquint_R", "eyeWide_L", "eyeWide_R", "jawForward",
    "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimple_L", "mouthDimple_R", "mouthFrown_L", "mouthFrown_R",
    "mouthFunnel", "mouthLeft", "mouthLowerDown_L", "mouthLowerDown_R", "mouthPress_L", "mouthPress_R", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmile_L",
    "mouthSmile_R", "mouthStretch_L", "mouthStretch_R", "mouthUpperUp_L", "mouthUpperUp_R", "noseSneer_L",
    "noseSneer_R",
)  # fmt: skip
"""The 57 shapes, in the order of the weight vector."""

ACTION_UNITS = {
    1: ("browInnerUp",), 2: ("browOuterUp",), 4: ("browDown",), 5: ("eyeWide",), 6: ("cheekSquint",), 7: ("eyeSquint",),
    9: ("noseSneer",), 10: ("mouthUpperUp",), 12: ("mouthSmile",), 14: ("mouthDimple",), 15: ("mouthFrown",),
    16: ("mouthLowerDown",), 17: ("mouthShrugLower",), 18: ("mouthPucker",), 20: ("mouthStretch",),
    22: ("mouthFunnel",), 23: ("mouthPress",), 24: ("mouthPress",), 26: ("jawOpen",),
    28: ("mouthRollUpper", "mouthRollLower"), 43: ("eyeBlink",),
}  # fmt: skip
"""FACS action unit -> shapes, both sides where a shape has two."""

# EMFACS prototypes (Ekman & Friesen) in shape weights; a name without _L or _R means both sides.
PROTOTYPES: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "anger": {  # 4+5+7+10+16+20+25
        "browDown": 1.8, "eyeWide": 0.55, "eyeSquint": 0.35, "noseSneer": 0.35, "mouthStretch": 0.6,
        "mouthLowerDown": 1.1, "mouthUpperUp": 0.65, "mouthFunnel": 0.3, "jawOpen": 0.15,
    },
    "disgust": {  # 9+10+15+16
        "noseSneer": 1.0, "mouthUpperUp": 0.7, "browDown": 0.3, "eyeSquint": 0.65, "cheekSquint": 0.55,
        "mouthLowerDown": 0.3, "mouthFrown": 0.45, "jawOpen": 0.08,
    },
    "fear": {  # 1+4+5+20+26
        "browInnerUp": 1.5, "browDown": 0.6, "eyeWide": 1.5, "mouthStretch": 1.1, "mouthLowerDown": 1.1,
        "mouthUpperUp": 0.3, "jawOpen": 0.27, "mouthFrown": 0.45,
    },
    "happy": {  # 6+12
        "mouthSmile": 0.93, "cheekSquint": 0.7, "eyeSquint": 0.4, "mouthUpperUp": 0.46, "mouthDimple": 0.23,
        "mouthLowerDown": 0.46, "jawOpen": 0.12,
    },
    "sad": {  # 1+4+15+17
        "browInnerUp": 1.35, "browDown": 0.55, "mouthFrown": 1.35, "mouthShrugLower": 0.85, "eyeSquint": 0.35,
        "mouthRollLower": 0.18,
    },
    "surprise": {  # 1+2+5+26
        "browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 0.95, "jawOpen": 0.42,
    },
    "contempt": {  # 12+14, one side
        "mouthDimple_L": 0.8, "mouthSmile_L": 0.5, "mouthPress_L": 0.2, "cheekSquint_L": 0.2, "eyeSquint": 0.15,
    },
}  # fmt: skip

MAX_STRENGTH = 1.5
"""A name's strength is within [0, MAX_STRENGTH]."""

WEIGHT_RANGE = (-1.0, 2.0)
"""A shape's weight is within this range; sums are held to it."""

MAX_AMOUNT = 1.3
"""The generator takes an amount (share of the way from the photo's own expression) within [0, MAX_AMOUNT]."""

_INDEX = {name: i for i, name in enumerate(SHAPES)}
_PAIRS = {name[:-2]: (name, name[:-2] + "_R") for name in SHAPES if name.endswith("_L")}
# every spelling in lower case -> the keys it stands for
_WORDS: dict[str, tuple[str, ...]] = {
    **{name.lower(): (name,) for name in (*SHAPES, *_PAIRS, *ALL_NAMES)},
    **{synonym: (name,) for synonym, name in SYNONYMS.items()},
    **{f"au{number}": shapes for number, shapes in ACTION_UNITS.items()},
}
_TERM = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:([:=])\s*(.*?)\s*)?", re.DOTALL)


@dataclass(frozen=True)
class Expression:
    """A target expression. Make one with `parse`.

    `terms` are (name or shape, value) in the order first written: the strength of a name in [0, 1.5], the weight of a
    shape in [-1, 2]. `str()` of it parses back to the same expression.
    """

    terms: tuple[tuple[str, float], ...]

    @cached_property
    def weights(self) -> np.ndarray:
        """(57,) float32, read-only: the target's shape weights in the order of `SHAPES`, each in [-1, 2]."""
        total = np.zeros(len(SHAPES))
        for key, value in self.terms:
            for shape, weight in PROTOTYPES.get(key, {key: 1.0}).items():
                for side in _PAIRS.get(shape, (shape,)):
                    total[_INDEX[side]] += value * weight
        weights = np.clip(total, *WEIGHT_RANGE).astype(np.float32)
        weights.flags.writeable = False
        return weights

    @property
    def amount(self) -> float:
        """How far to go from the photo's own expression to the target: 1 is all the way, 0 returns the photo.

        1 as a rule; the strength itself for `neutral` alone; 0 if every term is 0.
        """
        if all(value == 0 for _, value in self.terms):
            return 0.0
        if len(self.terms) == 1 and self.terms[0][0] == "neutral":
            return min(self.terms[0][1], MAX_AMOUNT)
        return 1.0

    def __str__(self) -> str:
        return ",".join(_spell(key, value) for key, value in self.terms)


def parse(text: str | Expression) -> Expression:
    """Read an expression such as `happy:0.6` or `jawOpen=0.4,browInnerUp_L=0.8`; a `MienError` says what is wrong."""
    if isinstance(text, Expression):
        return text
    if not isinstance(text, str) or not text.strip():
        raise MienError(f"an expression is needed, such as happy:0.8; names: {', '.join(ALL_NAMES)}")
    total: dict[str, float] = {}
    for part in text.split(","):
        match = _TERM.fullmatch(part)
        if match is None:
            raise MienError(f"cannot read '{part.strip()}' in the expression '{text}': write happy:0.8 or jawOpen=0.4")
        word, sign, number = match.groups()
        keys = _WORDS.get(word.lower())
        if keys is None:
            raise MienError(_unknown(word))
        if sign is None and keys[0] not in ALL_NAMES:
            raise MienError(f"'{word}' needs a weight: write {word}=0.5")
        value = 1.0 if sign is None else _number(number, word)
        for key in keys:
            # sums are rounded so that 0.1 + 0.2 prints as 0.3; -0.0 becomes 0.0
            total[key] = round(total.get(key, 0.0) + value, 6) + 0.0
    for key, value in total.items():
        low, high = (0.0, MAX_STRENGTH) if key in ALL_NAMES else WEIGHT_RANGE
        if not low <= value <= high:
            kind = "strength" if key in ALL_NAMES else "weight"
            raise MienError(f"the {kind} of {key} must be within {low:g} to {high:g}, not {value:g}")
    return Expression(tuple(total.items()))


def _spell(key: str, value: float) -> str:
    if key in ALL_NAMES:
        return key if value == 1 else f"{key}:{_decimal(value)}"
    return f"{key}={_decimal(value)}"


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _number(text: str, word: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MienError(f"'{text}' after '{word}' is not a number: write {word}:0.5 for a name, {word}=0.5 for a shape")
    return value


def _unknown(word: str) -> str:
    near = difflib.get_close_matches(word.lower(), _WORDS, n=1)
    hint = f"; did you mean {_spelling(near[0])}?" if near else "."
    return (
        f"unknown expression '{word}'{hint} Names: {', '.join(ALL_NAMES)}; "
        "or a shape or action unit, such as jawOpen=0.4 or AU12=0.5 ('mien info' lists them)"
    )


def _spelling(word: str) -> str:
    keys = _WORDS[word]
    return word.upper() if word.startswith("au") and word[2:].isdigit() else word if word in SYNONYMS else keys[0]
