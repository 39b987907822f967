"""Does a classifier see the expression that was asked for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NONE = "none"
"""What a picture is called that was not made, or in which no face was found: always wrong."""


def called(probabilities: Mapping[str, float]) -> str:
    """The most probable class, of equals the first by name; `NONE` where there are none."""
    return min(probabilities, key=lambda name: (-probabilities[name], name)) if probabilities else NONE


def confusion(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Asked -> called -> how often, from (asked, called)."""
    table: dict[str, dict[str, int]] = {}
    for asked, said in pairs:
        row = table.setdefault(asked, {})
        row[said] = row.get(said, 0) + 1
    return table
