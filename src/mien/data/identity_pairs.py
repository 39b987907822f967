"""Which faces the discriminator is shown together: the pairs with other identities of Wang et al. 2019.

    (x_i, y_i^c)      real        own photo, real face with expression c
    (x_i, G(x_i, c))  generated   own photo, generated face
    (x_j, G(x_i, c))  generated   another person's photo, generated face: what the paper adds
    (x_j, y_i^c)      false       another person's photo, real face (an option of ours)

A draw is a pure function of (seed, step), so that a resumed run sees what an unbroken one would have seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import MienError


@dataclass(frozen=True)
class PairConfig:
    """other_generated, other_real: the third and fourth pair of the table above; without both, the base of ICMR'18.

    sources: categories that x_i may show; empty: any. same_category: the target may be what x_i shows already.
    other_alike: x_j shows what x_i shows, where another person has such a photo: only identity tells the two apart.
    """

    other_generated: bool = True
    other_real: bool = False
    sources: tuple[int, ...] = ()
    same_category: bool = False
    other_alike: bool = True


@dataclass(frozen=True)
class Pair:
    """What the discriminator sees: condition "source" (x_i) or "other" (x_j); candidate "target" (y_i^c) or "made"
    (G(x_i, c)); and whether it should call it real."""

    condition: str
    candidate: str
    real: bool


def pairs(config: PairConfig) -> tuple[Pair, ...]:
    """The kinds of pairs of a step, the real one first."""
    kinds = [Pair("source", "target", True), Pair("source", "made", False)]
    if config.other_generated:
        kinds.append(Pair("other", "made", False))
    if config.other_real:
        kinds.append(Pair("other", "target", False))
    return tuple(kinds)


@dataclass(frozen=True)
class Draw:
    """Numbers of photos: x_i, y_i^c and x_j; the category c of y_i; the labels of persons i and j."""

    source: int
    target: int
    other: int
    category: int
    label: int
    other_label: int


def canonical(identity: str, aliases: Mapping[str, str]) -> str:
    """The one name of a person: aliases are followed to their end."""
    seen = [identity]
    while (name := aliases.get(seen[-1], seen[-1])) != seen[-1]:
        if name in seen:
            raise MienError(f"the aliases of {identity!r} go round in a circle")
        seen.append(name)
    return seen[-1]


def kdef_aliases(prefix: str = "") -> dict[str, str]:
    """KDEF photographed its 70 people twice, as series A and B: AF01 and BF01 are one woman, AM01 and BM01 one man."""
    people = [f"{sex}{number:02d}" for sex in "FM" for number in range(1, 36)]
    return {f"{prefix}{series}{person}": f"{prefix}{person}" for series in "AB" for person in people}


class IdentityPairs:
    """Draws from photos, given by the identity and the category (a whole number) of each.

    `labels` (n,) int64 are the persons of the photos as whole numbers from 0, after `aliases`: what the triplet loss
    is told too.
    """

    def __init__(
        self,
        identities: Sequence[str],
        categories: Sequence[int],
        config: PairConfig = PairConfig(),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        if len(identities) != len(categories):
            raise ValueError(f"{len(identities)} identities but {len(categories)} categories")
        names = [canonical(identity, aliases or {}) for identity in identities]
        order = {name: label for label, name in enumerate(sorted(set(names)))}
        if len(order) < 2:
            raise MienError(f"other-identity pairs need photos of two people, but there are {len(order)}")
        self.config = config
        self.labels = np.array([order[name] for name in names], np.int64)
        self.categories = np.array(categories, np.int64)
        self._sources = self._usable()
        self._persons = sorted(self._sources)
        if not self._persons:
            raise MienError("nobody has a photo to start from (`sources`) and one of another category to arrive at")

    def need(self, categories: Iterable[int], names: Sequence[str] = ()) -> None:
        """Raise a `MienError` for a category that no photo can be a target of."""
        reached = {int(self.categories[t]) for rows in self._sources.values() for s in rows for t in self._targets(s)}
        for category in categories:
            if category not in reached:
                name = names[category] if category < len(names) else category
                raise MienError(f"no photo shows the category {name!r} as anybody's target")

    def draw(self, seed: int, step: int, batch: int) -> list[Draw]:
        """The `batch` draws of a step; as many different persons i as there are, each as often as the others."""
        rng = np.random.default_rng((seed, step))
        rounds = -(-batch // len(self._persons))
        persons = np.concatenate([rng.permutation(self._persons) for _ in range(rounds)])[:batch]
        return [self._one(int(person), rng) for person in persons]

    def _one(self, person: int, rng: np.random.Generator) -> Draw:
        # first the category, then the photo: a category with many photos is no more frequent than another
        sources = np.array(self._sources[person])
        if len(kinds := np.unique(self.categories[sources])) > 1:
            sources = sources[self.categories[sources] == rng.choice(kinds)]
        source = int(rng.choice(sources))
        targets = self._targets(source)
        category = int(rng.choice(np.unique(self.categories[targets])))
        target = int(rng.choice(targets[self.categories[targets] == category]))
        other = int(rng.choice(self._others(source)))
        return Draw(source, target, other, category, person, int(self.labels[other]))

    def _usable(self) -> dict[int, list[int]]:
        """By person: the photos that may be x_i, which have a y_i^c to go with."""
        found: dict[int, list[int]] = defaultdict(list)
        for photo, (label, category) in enumerate(zip(self.labels, self.categories, strict=True)):
            allowed = not self.config.sources or category in self.config.sources
            if allowed and len(self._targets(photo)):
                found[int(label)].append(photo)
        return dict(found)

    def _targets(self, source: int) -> np.ndarray:
        """The photos of the same person that may be y_i^c."""
        mine = self.labels == self.labels[source]
        if self.config.same_category:
            mine[source] = False  # never itself
        else:
            mine &= self.categories != self.categories[source]
        return np.flatnonzero(mine)

    def _others(self, source: int) -> np.ndarray:
        """The photos of other people that may be x_j."""
        theirs = self.labels != self.labels[source]
        alike = theirs & (self.categories == self.categories[source])
        return np.flatnonzero(alike if self.config.other_alike and alike.any() else theirs)
