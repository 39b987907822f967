"""Pairs with other identities: 'other' is never the same person, whatever the database calls them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mien.data.identity_pairs import IdentityPairs, PairConfig, canonical, kdef_aliases, pairs
from mien.errors import MienError


@st.composite
def databases(draw: st.DrawFn) -> tuple[list[str], list[int], dict[str, str], PairConfig]:
    """Photos of a few people, some under two or three names by chains of aliases, and any options."""
    people = draw(st.integers(2, 6))
    names, aliases = [], {}
    for person in range(people):
        chain = [f"{letter}{person}" for letter in "abc"[: draw(st.integers(1, 3))]]
        aliases |= dict(pairwise(chain))
        names.append(chain)
    photos = draw(
        st.lists(st.tuples(st.integers(0, people - 1), st.integers(0, 2), st.integers(0, 3)), min_size=4, max_size=40)
    )
    identities = [names[person][alias % len(names[person])] for person, alias, _ in photos]
    config = PairConfig(
        sources=draw(st.sampled_from([(), (0,), (0, 2)])),
        same_category=draw(st.booleans()),
        other_alike=draw(st.booleans()),
    )
    return identities, [category for _, _, category in photos], aliases, config


@given(databases(), st.integers(0, 2**32), st.integers(0, 10**6), st.integers(1, 12))
def test_other_is_never_the_same_person_and_own_always_is(database, seed, step, batch):
    identities, categories, aliases, config = database
    try:
        drawer = IdentityPairs(identities, categories, config, aliases)
    except MienError:
        assume(False)
    person = [name[1:] for name in identities]  # who it is, by how the names were made
    draws = drawer.draw(seed, step, batch)
    assert len(draws) == batch
    for draw in draws:
        assert person[draw.other] != person[draw.source] == person[draw.target]
        assert draw.label == drawer.labels[draw.source] == drawer.labels[draw.target]
        assert draw.other_label == drawer.labels[draw.other] != draw.label
        assert draw.category == categories[draw.target] and draw.target != draw.source
        assert config.same_category or draw.category != categories[draw.source]
        assert not config.sources or categories[draw.source] in config.sources
        others = [p != person[draw.source] for p in person]
        alike = [o and c == categories[draw.source] for o, c in zip(others, categories, strict=True)]
        assert not (config.other_alike and any(alike)) or alike[draw.other]
    again = IdentityPairs(identities, categories, config, aliases)
    assert drawer.draw(seed, step, batch) == draws == again.draw(seed, step, batch)
    # the labels are the persons, no more and no fewer
    assert len(set(zip(person, drawer.labels.tolist(), strict=True))) == len(set(person)) == len(set(drawer.labels))


def test_without_aliases_the_two_series_would_be_taken_for_others():
    """The property above can fail: without the table, KDEF's second series is 'another person'."""
    identities = ["AF01", "AF01", "BF01", "BF01", "AM02", "AM02", "BM02"]
    categories = [0, 1, 0, 1, 0, 1, 0]
    naive = IdentityPairs(identities, categories)
    knowing = IdentityPairs(identities, categories, aliases=kdef_aliases())

    def mistakes(drawer: IdentityPairs) -> int:
        draws = drawer.draw(0, 0, 200)
        return sum(identities[d.source][1:] == identities[d.other][1:] for d in draws)

    assert mistakes(naive) > 0 and mistakes(knowing) == 0
    assert len(set(knowing.labels)) == 2


def test_kdef_has_seventy_people_in_two_series():
    table = kdef_aliases("kdef/")
    assert len(table) == 140 and len(set(table.values())) == 70
    assert canonical("kdef/AF01", table) == canonical("kdef/BF01", table) != canonical("kdef/AM01", table)
    assert canonical("kdef/AF35", table) != canonical("kdef/AF34", table)
    assert canonical("london-001", table) == "london-001"


def test_seeds_and_steps_give_other_draws_and_everybody_has_a_turn():
    people = [f"p{i}" for i in range(8) for _ in range(3)]
    drawer = IdentityPairs(people, [0, 1, 2] * 8)
    assert drawer.draw(0, 0, 8) != drawer.draw(0, 1, 8) != drawer.draw(1, 0, 8)
    assert sorted(d.label for d in drawer.draw(0, 0, 8)) == list(range(8))  # all different, as mining likes
    turns = Counter(d.label for d in drawer.draw(0, 0, 20))
    assert set(turns.values()) == {2, 3}
    seen = {(d.source, d.target) for step in range(200) for d in drawer.draw(0, step, 8)}
    assert len(seen) == 8 * 6  # every ordered pair of a person's three photos
    assert {d.other for step in range(50) for d in drawer.draw(0, step, 8)} == set(range(24))


def test_categories_are_drawn_evenly_however_many_photos_show_them():
    identities = ["a"] * 21 + ["b"] * 2
    categories = [0] + [1] * 19 + [2] + [0, 1]
    draws = IdentityPairs(identities, categories, PairConfig(sources=(0,))).draw(0, 0, 1000)
    mine = Counter(d.category for d in draws if d.label == 0)
    assert mine.keys() == {1, 2} and abs(mine[1] - mine[2]) < 120


def test_sources_are_drawn_evenly_by_category_too():
    drawer = IdentityPairs(["a"] * 9 + ["b"] * 9, [0, *[1] * 6, 2, 2] * 2, PairConfig(sources=(0, 1)))
    seen = Counter(drawer.categories[d.source] for step in range(300) for d in drawer.draw(1, step, 2))
    assert 240 < seen[0] < 360 and seen[0] + seen[1] == 600


def test_which_pairs_there_are():
    def kinds(**options: bool) -> list[tuple[str, str, bool]]:
        return [(p.condition, p.candidate, p.real) for p in pairs(PairConfig(**options))]

    base = [("source", "target", True), ("source", "made", False)]
    assert kinds(other_generated=False) == base
    assert kinds() == [*base, ("other", "made", False)]
    assert kinds(other_real=True) == [*base, ("other", "made", False), ("other", "target", False)]
    assert kinds(other_generated=False, other_real=True) == [*base, ("other", "target", False)]


def test_a_person_with_one_photo_is_only_ever_other():
    drawer = IdentityPairs(["a", "a", "b"], [0, 1, 0])
    draws = drawer.draw(0, 0, 20)
    assert {d.label for d in draws} == {0} and {d.other for d in draws} == {2}


@pytest.mark.parametrize(
    ("identities", "categories", "config", "aliases", "what"),
    [
        (["a", "a"], [0, 1], PairConfig(), {}, "two people, but there are 1"),
        ([], [], PairConfig(), {}, "two people, but there are 0"),
        (["AF01", "BF01"], [0, 1], PairConfig(), kdef_aliases(), "two people, but there are 1"),
        (["a", "b"], [0, 1], PairConfig(), {}, "another category"),
        (["a", "a", "b"], [0, 1, 0], PairConfig(sources=(3,)), {}, "another category"),
        (["a", "a", "b"], [0, 1, 0], PairConfig(), {"a": "c", "c": "a"}, "circle"),
    ],
)
def test_what_gives_no_pairs_is_said_in_one_line(identities, categories, config, aliases, what):
    with pytest.raises(MienError, match=what):
        IdentityPairs(identities, categories, config, aliases)


def test_a_category_that_no_picture_has():
    drawer = IdentityPairs(["a", "a", "b", "b"], [0, 1, 0, 1], PairConfig(sources=(0,)))
    drawer.need([1])
    with pytest.raises(MienError, match="'happy'"):
        drawer.need([1, 2], names=("neutral", "sad", "happy"))
    with pytest.raises(MienError, match="category 0"):
        drawer.need([0])  # photos show it, but only as sources


def test_a_label_a_photo():
    with pytest.raises(ValueError, match="2 identities but 1 categories"):
        IdentityPairs(["a", "b"], [0])
    assert IdentityPairs(["b", "a", "b", "a"], [0, 0, 1, 1]).labels.tolist() == [1, 0, 1, 0]
    assert IdentityPairs(["b", "a", "b", "a"], [0, 0, 1, 1]).labels.dtype == np.int64
