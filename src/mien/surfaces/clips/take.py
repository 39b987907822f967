"""Frame after frame through the one editor: which faces, how far, and what a face keeps from the frame before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.editor import Editor
from mien.errors import MienError
from mien.expression import Expression
from mien.face import Choice
from mien.surfaces.clips.keyframes import Track
from mien.surfaces.clips.liveliness import Liveliness
from mien.surfaces.clips.tracking import Seen, Tracker
from mien.synthesis.synthesiser import Sitting

FEW = 5e-3
"""An amount below this is nothing."""


QUIET = 0.03
"""A jawOpen below which a mouth rests."""


@dataclass(frozen=True)
class Plan:
    """What is to be done to a frame: sittings with their expression and amount."""

    edits: tuple[tuple[Sitting, Expression, float], ...]

    def carry_out(self, pixels: np.ndarray) -> np.ndarray:
        """The frame (H, W, 3) uint8 or uint16 edited: a new array, or the same where there is nothing to do.

        Plans of several frames may be carried out at the same time.
        """
        for sitting, expression, amount in self.edits:
            pixels, _ = sitting.edit(pixels, expression, amount)
        return pixels


class Take:
    """A clip being edited. face: "largest" (and then the same one as long as it is in sight), "all", or a number in the
    order in which faces came."""

    def __init__(self, editor: Editor, track: Track, face: Choice = "largest") -> None:
        for expression in track.asked():
            editor.generator.check(expression)
        self.track, self._generator = track, editor.generator
        self._face = _checked(face)
        self._tracker = Tracker()
        self._chosen: int | None = None
        self._lively: dict[int, Liveliness] = {}
        self._still: dict[int, Sitting] = {}  # of each face, the last in which it did not talk
        self.met: set[int] = set()  # numbers of the faces that came
        self.chosen: set[int] = set()  # of those, which were meant

    def plan(self, rgb: np.ndarray, time: float) -> Plan:
        """What to do with the next frame (H, W, 3) uint8 at `time` seconds from the clip's beginning."""
        seen = self._tracker.step(rgb, time)
        expression, amount = self.track.at(time)
        self.met |= {one.number for one in seen}
        edits = []
        for one in self._choose(seen):
            self.chosen.add(one.number)
            share = amount * one.presence * one.presence * (3 - 2 * one.presence)
            if share > FEW:
                sitting = self._generator.sit(rgb, one.face)
                edits.append((sitting, self._upon(expression, one, sitting, time), share))
        here = {one.number for one in seen}
        for kept in (self._lively, self._still):
            for number in kept.keys() - here:
                del kept[number]
        return Plan(tuple(edits))

    def _upon(self, expression: Expression, one: Seen, sitting: Sitting, time: float) -> Expression:
        """The target of a face that talks and blinks on."""
        if sitting.irises is None:
            return expression
        lively = self._lively.setdefault(one.number, Liveliness())
        doing = lively.step(one.lips, sitting.irises, time)
        if doing.talk <= QUIET or one.number not in self._still:
            self._still[one.number] = sitting
        sitting.talks(self._still[one.number], doing.talk)
        return doing.upon(expression)

    def missed(self, name: str) -> MienError | None:
        """What is wrong with a clip in which no face was meant."""
        if self.chosen:
            return None
        if not self.met:
            return MienError(f"no face found in {name}")
        count = len(self.met)
        has = "1 face" if count == 1 else f"{count} faces, numbered as they came"
        return MienError(f"there is no face {self._face} in {name}: it has {has}")

    def _choose(self, seen: list[Seen]) -> list[Seen]:
        if self._face == "all":
            return seen
        if self._face != "largest":
            return [one for one in seen if one.number == self._face]
        if seen and self._chosen not in {one.number for one in seen}:
            self._chosen = seen[0].number
        return [one for one in seen if one.number == self._chosen]


def _checked(face: Choice) -> Choice:
    if face in ("largest", "all"):
        return face
    try:
        number = int(face)
    except ValueError:
        number = 0
    if number < 1:
        raise MienError(f"a face is 'largest', 'all' or a number from 1 on, not '{face}'")
    return number
