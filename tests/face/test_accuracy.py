"""On the 14 people that nothing was trained on; needs ../shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[3] / "shared"

pytestmark = pytest.mark.skipif(not (SHARED / "data/london").exists(), reason="../shared is not here")


def test_the_error_on_unseen_people_is_at_most_four_percent() -> None:
    pytest.importorskip("numba", reason="needs the extra 'rig'")
    from mien.training.landmarks_data import photos
    from mien.training.landmarks_eval import Score

    score = Score()
    for _, rgb, points in photos(SHARED, "val"):
        score.add(rgb, points)
    assert len(score.errors) == score.faces == 14
    assert score.error("all") <= 4.0
    assert max(score.error(group) for group in ("brows", "eyes", "nose", "mouth", "jaw")) <= 5.0
    assert np.mean(score.aligned["both"]) < 1.5


def test_mirrored_landmarks_are_landmarks_of_the_mirror_image() -> None:
    from mien.training.landmarks_data import MIRROR, ROOM, Person

    random = np.random.default_rng(0)
    face = Person("x", random.integers(0, 255, (ROOM, ROOM, 3), np.uint8), random.uniform(0, ROOM, (68, 2)))
    twice = face.mirrored().mirrored()
    np.testing.assert_allclose(twice.points, face.points)
    np.testing.assert_array_equal(twice.image, face.image)
    assert sorted(MIRROR) == list(range(68))
