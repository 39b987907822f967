"""What a target is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests"))  # the makers of small folders and networks


Run = Callable[[bytes], None]
"""Given an input: a result, a `MienError`, or a finding."""


@dataclass(frozen=True)
class Target:
    """kind: of its mutations (`mutate`). seeds: inputs to start from. prepare: a folder of its own -> what to run."""

    kind: str
    seeds: Callable[[], list[bytes]]
    prepare: Callable[[Path], Run]
