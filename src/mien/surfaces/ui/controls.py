"""The page's sliders as data: which there are, how left and right go together, and the expression they spell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mien.expression import ALL_NAMES, MAX_STRENGTH, SHAPES, WEIGHT_RANGE, Expression

GROUPS = {
    "Brows": ("brow",),
    "Eyes": ("eye", "Pupil"),
    "Nose": ("nose",),
    "Mouth": ("mouth",),
    "Jaw, cheeks": ("jaw", "cheek"),
}
"""Group -> how the names of its shapes begin."""

SIDES = {"_L": "left", "_R": "right"}

# what the names of the face model do not say by themselves
_WORDS = {
    "PupilDilate": "pupils wide", "browDown": "down", "browInnerUp": "inner end up", "browOuterUp": "outer end up",
    "cheekPuff": "cheeks puffed", "cheekRaiser": "cheeks up", "cheekSquint": "cheeks to the eyes",
    "eyeBlink": "closed", "eyeLookDown": "look down", "eyeLookIn": "look in", "eyeLookOut": "look out",
    "eyeLookUp": "look up", "eyeSquint": "squint", "eyeWide": "wide", "jawForward": "jaw forward",
    "jawLeft": "jaw to the left", "jawOpen": "jaw open", "jawRight": "jaw to the right", "mouthClose": "lips together",
    "mouthDimple": "dimples", "mouthFrown": "corners down", "mouthFunnel": "funnel", "mouthLeft": "to the left",
    "mouthLowerDown": "lower lip down", "mouthPress": "lips pressed", "mouthPucker": "pucker",
    "mouthRight": "to the right", "mouthRollLower": "lower lip in", "mouthRollUpper": "upper lip in",
    "mouthShrugLower": "chin up", "mouthShrugUpper": "upper lip shrug", "mouthSmile": "smile",
    "mouthStretch": "corners apart", "mouthUpperUp": "upper lip up", "noseSneer": "wrinkled",
}  # fmt: skip


@dataclass(frozen=True)
class Control:
    """One slider. key: a name, or a shape with its side; group: "Names" or of `GROUPS`; side: "_L", "_R" or ""."""

    key: str
    group: str
    side: str = ""

    @property
    def shape(self) -> str:
        """The key without its side."""
        return self.key.removesuffix(self.side) if self.side else self.key

    @property
    def partner(self) -> str | None:
        """The key of the other side."""
        return None if not self.side else self.shape + ("_R" if self.side == "_L" else "_L")

    @property
    def range(self) -> tuple[float, float]:
        """What `expression.parse` takes."""
        return (0.0, MAX_STRENGTH) if self.group == "Names" else WEIGHT_RANGE

    def label(self, linked: bool = True) -> str:
        """What stands beside the slider; `linked`: whether it moves both sides."""
        if self.group == "Names":
            return self.key.capitalize()
        word = _WORDS[self.shape].capitalize()
        return word if linked or not self.side else f"{word}, {SIDES[self.side]}"


def _controls() -> tuple[Control, ...]:
    made = [Control(name, "Names") for name in ALL_NAMES]
    for group, starts in GROUPS.items():
        found = [Control(s, group, s[-2:] if s[-2:] in SIDES else "") for s in SHAPES if s.startswith(starts)]
        made += sorted(found, key=lambda control: not control.side)  # pairs first: left and right in one row
    return tuple(made)


CONTROLS = _controls()
"""All sliders: the eight names, then the 57 shapes by group."""

Values = Mapping[str, float]
"""Key -> where its slider is. While sides are linked, a right side's own slider is hidden and counts for nothing."""


def spelled(values: Values, linked: bool) -> Expression | None:
    """The expression that the sliders spell, or None if all are at 0: then the photo is what it was."""
    terms = []
    for control in CONTROLS:
        source = control.partner if linked and control.side == "_R" else control.key
        low, high = control.range
        value = round(min(max(float(values.get(source or control.key, 0.0)), low), high), 3)
        if value:
            terms.append((control.key, value))
    return Expression(_both(terms)) if terms else None


def link(values: Values, linked: bool) -> dict[str, float]:
    """Where the sliders stand after left and right are linked or let go.

    Let go, the right starts where the left is, so nothing jumps; linked, both take the mean of the two.
    """
    new = dict(values)
    for control in CONTROLS:
        if control.side == "_L" and control.partner is not None:
            left, right = values.get(control.key, 0.0), values.get(control.partner, 0.0)
            both = (left + right) / 2 if linked else left
            new[control.key] = new[control.partner] = round(both, 3)
    return new


def _both(terms: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Terms with equal sides written as one: browDown=0.5."""
    given, kept = dict(terms), []
    for key, value in terms:
        stem, side = key[:-2], key[-2:]
        if side not in SIDES or given.get(stem + ("_R" if side == "_L" else "_L")) != value:
            kept.append((key, value))
        elif side == "_L":
            kept.append((stem, value))
    return tuple(kept)
