"""Batches: pure functions of (seed, step), shared evenly, mirrored in pairs, with a true 'other'."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.training.paper.data import Batches
from mien.training.paper.faces import Faces
from training.paper.tiny import NAMES, TINY, made_up, with_run

FACES = made_up()
ALL = Batches(TINY, FACES)


@given(step=st.integers(0, 10**6), devices=st.sampled_from([1, 2, 4]))
def test_devices_share_one_batch_and_others_are_others(step, devices):
    whole = ALL.at(step)
    shares = [ALL.at(step, rank, devices) for rank in range(devices)]
    for field in fields(whole):
        together = torch.cat([getattr(share, field.name) for share in shares])
        assert torch.equal(together, getattr(whole, field.name))
    assert (whole.label != whole.other_label).all()
    assert whole.source.shape == (4, 3, 64, 64) and whole.source.min() >= 0 and whole.source.max() <= 1


def test_photos_are_those_of_the_draw_and_mirrored_together():
    mirrored = set()
    for step in range(8):
        batch = ALL.at(step)
        for number, draw in enumerate(ALL.pairs.draw(TINY.seed, step, 4)):
            ways = []
            for photo, index in ((batch.source, draw.source), (batch.target, draw.target)):
                image = torch.from_numpy(FACES.images[index]).permute(2, 0, 1) / 255
                ways.append(torch.equal(photo[number], image.flip(2)))
                assert ways[-1] or torch.equal(photo[number], image)
            assert ways[0] == ways[1] and FACES.categories[draw.source] == "neutral"
            assert batch.category[number].argmax() == NAMES.index(FACES.categories[draw.target]) == draw.category
            mirrored.add(ways[0])
    assert mirrored == {False, True}
    straight = Batches(with_run(TINY, flips=False), FACES).at(0)
    draws = ALL.pairs.draw(TINY.seed, 0, 4)
    sources = torch.from_numpy(FACES.images[[d.source for d in draws]]).permute(0, 3, 1, 2) / 255
    assert torch.equal(straight.source, sources)


def test_what_counts_twice_is_drawn_twice_as_often():
    faces = made_up(2)
    happy = [i for i in range(6) if faces.categories[i] == "happy"]
    images = np.concatenate([faces.images, faces.images[happy]])  # another happy photo each
    faces = Faces(
        images,
        np.concatenate([faces.identities, faces.identities[happy]]),
        np.concatenate([faces.categories, faces.categories[happy]]),
        np.array([0, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 7]),
        faces.held_out,
    )
    batches = Batches(TINY, faces)
    targets = [batches.listed[d.target] for step in range(300) for d in batches.pairs.draw(1, step, 4)]
    new, old = (sum(t in which for t in targets) for which in ((6, 7), happy))
    assert 2.2 < new / old < 4.2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: replace(f, identities=np.full(12, "one")), "photos of two people, but there are 1"),
        (lambda f: replace(f, categories=np.where(f.categories == "sad", "happy", f.categories)), "the category 'sad'"),
        (lambda f: replace(f, categories=np.where(f.categories == "neutral", "sad", f.categories)), "to start from"),
    ],
    ids=["one person", "no target", "no source"],
)
def test_what_cannot_be_trained_on(change, says):
    with pytest.raises(MienError, match=says):
        Batches(TINY, change(FACES))


def test_two_names_of_one_person():
    alias = replace(TINY, pairs=replace(TINY.pairs, aliases={"p1": "p0", "p2": "p0", "p3": "p0"}))
    with pytest.raises(MienError, match="photos of two people"):
        Batches(alias, FACES)


def test_every_category_is_needed_where_any_may_be_a_source():
    faces = replace(FACES, categories=np.where(FACES.categories == "neutral", "sad", FACES.categories))
    with pytest.raises(MienError, match="the category 'neutral'"):
        Batches(replace(TINY, pairs=replace(TINY.pairs, sources=())), faces)
