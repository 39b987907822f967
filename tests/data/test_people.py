"""Who is trained on, and their rigs."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from mien.data.people import read_people
from mien.data.rigs import neutral_rigs, read_photo, smile_rigs
from mien.data.templates import landmarks68, read_template
from mien.errors import MienError
from support import SHARED, needs_shared


def test_people_in_a_fixed_order(people):
    found = read_people(people)
    assert [(p.key, p.split, p.smile) for p in found] == [
        ("london-001", "train", None), ("london-002", "train", None), ("london-003", "val", None),
    ]  # fmt: skip
    assert all(p.neutral.is_file() and p.template.is_file() for p in found) and found == read_people(str(people))


@pytest.fixture
def copy(people, tmp_path):
    shutil.copytree(people, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_second_set_and_smiles(copy):
    london, canada = copy / "data" / "london", copy / "data" / "canada"
    (london / "smiling").mkdir()
    canada.mkdir()
    shutil.copy(london / "neutral" / "001.jpg", london / "smiling" / "001.jpg")
    for kind in ("jpg", "tem"):
        shutil.copy(london / "neutral" / f"002.{kind}", canada / f"031f.{kind}")
    found = {p.key: p for p in read_people(copy)}
    assert found["london-001"].smile.is_file() and found["london-002"].smile is None
    assert found["canada-031f"].split == "train"


def test_what_is_missing_is_said(copy, tmp_path):
    with pytest.raises(MienError, match="DATA_CARD"):
        read_people(tmp_path / "nowhere")
    (copy / "data" / "london" / "neutral" / "002.tem").unlink()
    with pytest.raises(MienError, match=r"1 photos or templates are missing, the first is .*002\.jpg"):
        read_people(copy)
    (copy / "data" / "london" / "people.csv").write_text("who,what\n1,2\n")
    with pytest.raises(MienError, match="no columns id and split"):
        read_people(copy)


def test_a_rig_a_person(kit, people):
    rigs = neutral_rigs(kit, people)
    assert list(rigs) == ["london-001", "london-002"] and list(neutral_rigs(kit, people, "val")) == ["london-003"]
    assert list(neutral_rigs(kit, people, limit=1)) == ["london-001"]
    for one in rigs.values():
        assert not one.fit.weights.any() and one.canvas.shape == (640, 640, 3)


def test_smiles_have_the_identity_of_the_neutral_photo(kit, copy):
    london = copy / "data" / "london"
    (london / "smiling").mkdir()
    shutil.copy(london / "neutral" / "002.jpg", london / "smiling" / "002.jpg")
    marks = landmarks68(read_template(london / "neutral" / "002.tem"))
    marks[[48, 54]] += [(-4, -4), (4, -4)]
    neutral = neutral_rigs(kit, copy)
    smiles = smile_rigs(kit, copy, neutral, lambda photo: marks)
    assert list(smiles) == ["london-002"] and smiles["london-002"].fit.weights.any()
    np.testing.assert_allclose(smiles["london-002"].fit.identity, neutral["london-002"].fit.identity, atol=1e-6)

    def nobody(photo: np.ndarray) -> np.ndarray:
        raise MienError("no face found")

    with pytest.raises(MienError, match=r"smiling/002\.jpg: no face found"):
        smile_rigs(kit, copy, neutral, nobody)


def test_photos_are_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 5, 3), (10, 20, 30), np.uint8))
    photo = read_photo(tmp_path / "a.png")
    assert photo.shape == (4, 5, 3) and photo[0, 0].tolist() == [30, 20, 10]
    (tmp_path / "b.jpg").write_bytes(b"nothing")
    with pytest.raises(MienError, match="cannot read the photo"):
        read_photo(tmp_path / "b.jpg")


@needs_shared
def test_the_real_people():
    found = read_people(SHARED)
    splits = [sum(p.split == split for p in found) for split in ("train", "val")]
    assert len({p.key for p in found}) == len(found) and splits == [108, 14]
    assert sum(p.split == "train" and p.smile is not None for p in found) == 68
