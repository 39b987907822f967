"""Which records are asked for: by pose, gaze, light, camera and expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mien.data.record import FACETS, Record, expression_of
from mien.errors import MienError
from mien.expression import ALL_NAMES, NAMES

GROUPS = {"seven": NAMES, "eight": ALL_NAMES}
"""Names for several expressions: the seven, and the seven with contempt."""


@dataclass(frozen=True)
class Filters:
    """Values to keep, an empty tuple keeps all; expressions and without: names to keep and names to leave out."""

    pose: tuple[str, ...] = ()
    gaze: tuple[str, ...] = ()
    light: tuple[str, ...] = ()
    camera: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def words(text: str | None) -> tuple[str, ...]:
    """The words of an option such as "frontal,half"."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def chosen(records: Sequence[Record], filters: Filters, title: str) -> list[Record]:
    """The records that pass; a `MienError` for a value that no record has."""
    kept = list(records)
    for facet in FACETS:
        wanted: tuple[str, ...] = getattr(filters, facet)
        if not wanted or not kept:
            continue
        there = sorted({getattr(record, facet) for record in records} - {""})
        if not there:
            raise MienError(f"--{facet} {','.join(wanted)}: {title} says nothing of {facet}, so leave --{facet} away")
        for value in wanted:
            if not any(_matches(value, other) for other in there):
                raise MienError(f"--{facet} {value}: {title} here has {', '.join(there)}")
        kept = [r for r in kept if any(_matches(value, getattr(r, facet)) for value in wanted)]
    names = {record.expression for record in records}
    keep, leave = _names(filters.expressions, names, title), _names(filters.without, names, title)
    return [r for r in kept if (not filters.expressions or r.expression in keep) and r.expression not in leave]


def _matches(wanted: str, value: str) -> bool:
    """ "half" matches "half-left" and so does "left"; "VL" matches "visible-VL"; "45" matches "half-045"."""
    wanted, value = wanted.lower().replace(" ", "-"), value.lower()
    parts = value.split("-")
    return wanted in (value, *parts) or (_number(wanted) is not None and _number(wanted) in map(_number, parts))


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _names(wanted: Iterable[str], there: set[str], title: str) -> set[str]:
    names: set[str] = set()
    for word in wanted:
        if word.lower() in GROUPS:
            names |= set(GROUPS[word.lower()])
            continue
        name = word if word in there else expression_of(word)
        if name is None and word.lower() == "compound":
            names |= there - set(ALL_NAMES)
        elif name is None:
            raise MienError(f"{title} here has no expression {word!r}: it has {', '.join(sorted(there))}")
        else:
            names.add(name)
    return names
