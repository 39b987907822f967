"""What is fuzzed: for each target small valid files to start from, and what is done with an input."""

from __future__ import annotations

from targets import clips, databases, networks, pages, pictures, runs, signatures, words
from targets.base import Target

TARGETS: dict[str, Target] = {
    name: one
    for module in (pictures, clips, databases, networks, words, runs, pages, signatures)
    for name, one in module.TARGETS.items()
}
