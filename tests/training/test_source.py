"""Batches by step number: the same whether or not the run was broken, whoever renders them."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from mien.data.pairs import make_pair, real_pair
from mien.models.warp_unet import MapTensors, apply_maps
from mien.training.batch import collate, pack, recolour, to_device
from mien.training.source import Source, make_packed
from support import layers
from training.conftest import tensors

# how far a layer may be from what was packed: half floats, and bytes
LIMITS = {
    "flow": 0.02, "shading": 1e-3, "paint": 1 / 255, "alpha": 1 / 255, "upper": 0.02, "lower": 0.02, "enamel": 1 / 255
}  # fmt: skip


def take(config, neutral, smiles, start: int, count: int, workers: int = 0) -> list:
    with Source(config, neutral, smiles, workers) as source:
        return list(islice(source.batches(start), count))


@pytest.fixture
def unbroken(config, neutral, smiles):
    return take(config, neutral, smiles, 0, 10)


@pytest.mark.parametrize("start", [1, 4, 7])
def test_a_later_start_sees_what_an_unbroken_run_sees(start, config, neutral, smiles, unbroken, equal_batches):
    again = take(config, neutral, smiles, start, 10 - start)
    assert [step for step, _ in again] == list(range(start, 10))
    assert all(equal_batches(a, b) for (_, a), (_, b) in zip(again, unbroken[start:], strict=True))


def test_workers_make_the_same_batches(config, neutral, smiles, unbroken, equal_batches):
    there = take(config, neutral, smiles, 3, 5, workers=2)
    assert all(equal_batches(a, b) for (_, a), (_, b) in zip(there, unbroken[3:8], strict=True))


@pytest.mark.parametrize("workers", [0, 1])
def test_several_devices_share_the_batches_of_one(workers, config, neutral, smiles):
    config = replace(config, batch=4, chunk=6)
    whole = take(config, neutral, smiles, 2, 4)
    shares = []
    for rank in range(2):
        with Source(config, neutral, smiles, workers, rank, 2) as source:
            shares.append(list(islice(source.batches(2), 4)))
    for (step, batch), *parts in zip(whole, *shares, strict=True):
        assert [number for number, _ in parts] == [step, step]
        for rank, (_, part) in enumerate(parts):
            mine = slice(2 * rank, 2 * rank + 2)
            random = [torch.Generator().manual_seed(step) for _ in range(2)]
            changed, share = recolour(batch, random[0]), recolour(part, random[1], rank, 2)
            assert all(torch.equal(a[mine], b) for a, b in zip(tensors(changed), tensors(share), strict=True))


def test_another_seed_makes_others(config, neutral, smiles, unbroken, equal_batches):
    other = take(replace(config, seed=5), neutral, smiles, 0, 1)
    assert not equal_batches(other[0][1], unbroken[0][1])


def test_every_pair_of_a_chunk_is_used_as_often_as_asked(config, neutral, smiles, unbroken):
    photos = torch.cat([batch.photo for _, batch in unbroken[:4]])  # a chunk: 4 pairs twice, in batches of 2
    _, counts = np.unique(photos.flatten(1).numpy(), axis=0, return_counts=True)
    assert counts.tolist() == [2, 2, 2, 2]


def test_real_pairs_come_in_their_share(config, neutral, smiles):
    with Source(replace(config, real_share=0.4), neutral, smiles, 0) as source:
        real = [make_packed(source.config, number)[8].size > 0 for number in range(40)]
    assert 8 <= sum(real) <= 26
    with Source(config, neutral, {}, 0) as source:
        assert not any(make_packed(source.config, number)[8].size for number in range(10))


def test_a_pair_carries_the_label_of_its_person(rig, smiling, config, monkeypatch):
    """Labels count the keys in order, whatever the order of the rigs and whichever photo a pair starts from."""
    drawn = []

    def spied(rigs, *more):
        pair = make_pair(rigs, *more)
        drawn.append(rigs[pair.person])
        return pair

    monkeypatch.setattr("mien.training.source.make_pair", spied)
    again = copy(rig)  # another person, though of the same face
    assert again is not rig
    with Source(replace(config, real_share=0.3, smile_share=0.3), {"c": rig, "a": again}, {"c": smiling}, 0) as source:
        seen = set()
        for number in range(30):
            drawn.clear()
            packed = make_packed(source.config, number)
            of = "real" if not drawn else "a" if drawn[0] is again else "smile" if drawn[0] is smiling else "c"
            seen.add(of)
            assert collate([packed]).label.tolist() == [0 if of == "a" else 1], of
    assert seen == {"real", "a", "c", "smile"}


def test_packing_loses_next_to_nothing(rig, smiling):
    pairs = [make_pair([rig], 1, 3, 64), real_pair(rig, smiling, smiling.fit.weights, np.random.default_rng(0), 64)]
    batch = collate([pack(pair) for pair in pairs])
    assert batch.known.view(-1).tolist() == [1, 0]
    for i, pair in enumerate(pairs):
        np.testing.assert_array_equal(batch.photo[i].permute(1, 2, 0).numpy(), pair.source / np.float32(255))
        np.testing.assert_array_equal(batch.expression[i].numpy(), pair.expression)
        assert batch.amount[i].item() == pytest.approx(pair.amount)
        for name, limit in LIMITS.items():
            kept = getattr(batch.maps, name)[i].permute(1, 2, 0).numpy()
            true = layers(pair.maps)[name]
            np.testing.assert_allclose(kept, true.reshape(kept.shape), atol=limit, err_msg=name)
    assert pairs[0].maps.teeth.upper.any() and pairs[0].maps.teeth.enamel.any()
    made = apply_maps(batch.photo[:1], MapTensors(*(layer[:1] for layer in batch.maps)))
    torch.testing.assert_close(batch.wanted[:1], made.clamp(0, 1))
    np.testing.assert_array_equal(batch.wanted[1].permute(1, 2, 0).numpy(), pairs[1].real / np.float32(255))
    assert set(LIMITS) == set(MapTensors._fields) and all(layer.dtype == torch.float32 for layer in batch.maps)
    plain = {name: value.dtype for name, value in vars(batch).items() if name != "maps"}
    assert plain.pop("label") == torch.int64 and set(plain.values()) == {torch.float32}


def test_colours_change_alike_on_all_pictures(unbroken, equal_batches):
    batch = unbroken[0][1]
    changed = recolour(batch, torch.Generator().manual_seed(3))
    assert equal_batches(changed, recolour(batch, torch.Generator().manual_seed(3)))
    assert not torch.equal(changed.photo, recolour(batch, torch.Generator().manual_seed(4)).photo)
    assert changed.photo.min() >= 0 and changed.photo.max() <= 1 and not torch.equal(changed.photo, batch.photo)
    for kept in ("expression", "amount", "known"):
        assert getattr(changed, kept) is getattr(batch, kept)
    for kept in ("flow", "shading", "alpha", "upper", "lower"):
        assert getattr(changed.maps, kept) is getattr(batch.maps, kept)
    for coloured in ("paint", "enamel"):
        assert not torch.equal(getattr(changed.maps, coloured), getattr(batch.maps, coloured))
        assert 0 <= getattr(changed.maps, coloured).min() <= getattr(changed.maps, coloured).max() <= 1
    # what was the same colour in photo and wanted picture still is
    equal = (batch.photo == batch.wanted).all(1, keepdim=True).expand_as(batch.photo)
    assert equal.any() and torch.equal(changed.photo[equal], changed.wanted[equal])
    grey = replace(batch, maps=batch.maps._replace(paint=batch.photo, enamel=batch.photo))
    alike = recolour(grey, torch.Generator().manual_seed(3))  # the same colour is the same on every picture
    assert torch.equal(alike.photo, alike.maps.paint) and torch.equal(alike.photo, alike.maps.enamel)


def test_moving_to_a_device_keeps_the_values(unbroken, equal_batches):
    batch = unbroken[0][1]
    moved = to_device(batch, torch.device("cpu"))
    assert equal_batches(batch, moved) and moved.photo.is_contiguous(memory_format=torch.channels_last)
    assert moved.maps.enamel.is_contiguous(memory_format=torch.channels_last)
