"""Which faces are made: of whom, from which crop, which expression how strong. Pure; nothing is read or written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mien.data.labelled import Row
from mien.data.names import safe
from mien.errors import MienError

LONGEST = 100


@dataclass(frozen=True)
class Planned:
    """One face to make. name: its file, relative to the folder, `happy/anna_neutral_1_0.8.png`; source: the crop."""

    name: str
    expression: str
    strength: float
    source: Row

    @property
    def identity(self) -> str:
        return self.source.identity


def people_of(rows: Sequence[Row], parts: Collection[str], sources: Collection[str] = ()) -> list[Row]:
    """What faces may be made from: photographs of the people of these `parts`, of whom no other part has any; from the
    front or half from the side; if `sources` are named, showing one of these expressions."""
    elsewhere = {row.identity for row in rows if row.part not in parts}
    return [
        row
        for row in rows
        if row.part in parts
        and row.identity
        and row.identity not in elsewhere
        and not row.rendered
        and not row.pose.startswith("profile")
        and (not sources or row.expression in sources)
    ]


def plan(
    rows: Sequence[Row], expressions: Sequence[str], strengths: Sequence[float], per_person: int, seed: int
) -> list[Planned]:
    """`per_person` faces of each person in each expression, as far as there are crops and strengths for them.

    A crop that already shows an expression is no source for it. Which crop and strength are taken, the seed decides for
    each person and expression alone, so that other people change nothing.
    """
    if per_person < 1:
        raise MienError(f"--per-person is 1 or more, not {per_person}")
    people: dict[str, list[Row]] = {}
    for row in rows:
        people.setdefault(row.identity, []).append(row)
    chosen = [
        (row, expression, strength)
        for identity in sorted(people)
        for expression in expressions
        for row, strength in _ranked(people[identity], expression, strengths, seed)[:per_person]
    ]
    chosen.sort(key=lambda one: (one[0].identity, one[0].crop, one[1], one[2]))  # each crop is opened once
    names = _names(chosen)
    return [Planned(name, expression, s, row) for name, (row, expression, s) in zip(names, chosen, strict=True)]


def _ranked(rows: Sequence[Row], expression: str, strengths: Sequence[float], seed: int) -> list[tuple[Row, float]]:
    """All ways to make an expression of a person, in an order that only the seed decides."""
    ways = [(row, strength) for row in rows if row.expression != expression for strength in sorted(set(strengths))]

    def lot(way: tuple[Row, float]) -> bytes:
        return hashlib.sha256(f"{seed}:{way[0].identity}:{expression}:{way[0].crop}:{way[1]:g}".encode()).digest()

    return sorted(ways, key=lot)


def _names(chosen: Sequence[tuple[Row, str, float]]) -> list[str]:
    """One path each; no two are the same, not even where case does not count."""
    plain = [
        f"{e}/{safe(row.identity)}_{safe(row.crop.rpartition('/')[2].rpartition('.')[0])}_{s:g}" for row, e, s in chosen
    ]
    often = Counter(name.lower() for name in plain)
    return [
        f"{name if often[name.lower()] == 1 and len(name) <= LONGEST else _marked(name, row, s)}.png"
        for name, (row, _, s) in zip(plain, chosen, strict=True)
    ]


def _marked(name: str, row: Row, strength: float) -> str:
    mark = hashlib.sha256(f"{row.identity}:{row.crop}:{strength:g}".encode()).hexdigest()[:12]
    return f"{name[:LONGEST]}-{mark}"
