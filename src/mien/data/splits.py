"""Who is trained on and who is not: by person, so that nobody is ever on both sides.

A split is a table identity -> part. It depends on the set of identities and on the seed, never on the order of files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from mien.data.record import Record
from mien.errors import MienError

FOLDS = 10
HELD = 0.1
"""Share of the people that StarGAN (Choi et al. 2018) keeps for testing on RaFD; here whole people, not pictures."""

EXPRGAN_TEST = range(73, 81)
"""ExprGAN's released split of Oulu-CASIA (Ding, Sricharan & Chellappa 2018): P073 to P080 are kept for testing."""

SCHEMES = ("k-fold", "stargan", "exprgan", "own")


def k_fold(identities: Iterable[str], folds: int = FOLDS, seed: int = 1) -> dict[str, str]:
    """Identity -> "fold0" ... in parts as equal as can be; with fewer people than `folds`, a fold has one each."""
    if folds < 2:
        raise MienError(f"a k-fold split has at least 2 folds, not {folds}")
    ranked = _ranked(identities, seed)
    return {who: f"fold{place % folds}" for place, who in enumerate(ranked)}


def stargan(identities: Iterable[str], seed: int = 1) -> dict[str, str]:
    """Identity -> "train" or "test": a tenth of the people, at least one, is kept for testing."""
    ranked = _ranked(identities, seed)
    kept = max(1, round(HELD * len(ranked)))
    return {who: "test" if place < kept else "train" for place, who in enumerate(ranked)}


def exprgan(identities: Iterable[str]) -> dict[str, str]:
    """Identity such as P073 -> "train" or "test" as ExprGAN's released split of Oulu-CASIA has them."""
    parts = {}
    for who in sorted(set(identities)):
        match = re.fullmatch(r"P(\d{3})", who)
        if match is None:
            raise MienError(f"ExprGAN's split is one of Oulu-CASIA's people, P001 to P080, not of {who!r}")
        parts[who] = "test" if int(match.group(1)) in EXPRGAN_TEST else "train"
    return parts


def own(records: Sequence[Record]) -> dict[str, str]:
    """Identity -> the part that the database itself says; a `MienError` if somebody is in two."""
    parts: dict[str, str] = {}
    for record in records:
        if not record.identity:
            continue
        part = record.split or "train"
        if parts.setdefault(record.identity, part) != part:
            raise MienError(f"{record.identity} is in {parts[record.identity]} and in {part}: use --split k-fold")
    return dict(sorted(parts.items()))


def split(records: Sequence[Record], scheme: str, folds: int = FOLDS, seed: int = 1) -> dict[str, str]:
    """Identity -> part by one of `SCHEMES`. Who has no identity is in no table: see `part_of`."""
    identities = {record.identity for record in records if record.identity}
    if scheme == "k-fold":
        return k_fold(identities, folds, seed)
    if scheme == "stargan":
        return stargan(identities, seed)
    if scheme == "exprgan":
        return exprgan(identities)
    if scheme == "own":
        return own(records)
    raise MienError(f"--split is one of {', '.join(SCHEMES)}, not {scheme!r}")


def part_of(record: Record, parts: Mapping[str, str]) -> str:
    """The part of a picture: its person's; of pictures of nobody known, the database's own."""
    return parts[record.identity] if record.identity else record.split


def _ranked(identities: Iterable[str], seed: int) -> list[str]:
    """Everybody once, in an order that only the seed decides."""
    return sorted(set(identities), key=lambda who: hashlib.sha256(f"{seed}:{who}".encode()).digest())
