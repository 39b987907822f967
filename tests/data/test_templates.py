"""Templates: reading, resampling, and the 68 landmarks of 189 points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.data.people import read_people
from mien.data.templates import landmarks68, read_template, resample
from mien.errors import MienError
from support import SHARED, needs_shared
from synthetic import landmarks_in, template_of, write_template

lines = st.integers(2, 9).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(-1000, 1000)))
fractions = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(lambda f: np.array(sorted(f)))


@given(lines, fractions)
def test_resampling_walks_along_the_line(line, at):
    out = resample(line, at)
    assert out.shape == (len(at), 2)
    assert (out >= line.min(0) - 1e-6).all() and (out <= line.max(0) + 1e-6).all()
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    steps = np.linalg.norm(np.diff(out, axis=0), axis=1)
    assert (steps <= np.diff(at) * length + 1e-6).all()  # never longer than the way along the line
    np.testing.assert_allclose(resample(line, np.array([0.0, 1.0])), line[[0, -1]], atol=1e-6)


def test_resampling_a_corner():
    corner = np.array([(0, 0), (3, 0), (3, 1)])
    np.testing.assert_allclose(resample(corner, np.array([0.25, 0.5, 0.75, 0.875])), [(1, 0), (2, 0), (3, 0), (3, 0.5)])


@given(st.integers(0, 1000))
def test_landmarks_of_a_template(seed):
    marks = landmarks_in(500, seed)
    found = landmarks68(template_of(marks))
    exact = [0, 8, 16, *range(17, 36), 36, 39, 42, 45, *range(48, 68)]
    exact = [i for i in exact if i not in (28, 29)]  # on the bridge, but only nearly evenly
    np.testing.assert_allclose(found[exact], marks[exact], atol=1e-6)
    away = np.linalg.norm(found - marks, axis=1) / np.linalg.norm(marks[45] - marks[36])
    assert away[17:].max() < 0.03 and away.max() < 0.25  # the jaw's points slide along it


def test_a_file_is_read(tmp_path):
    points = template_of(landmarks_in(500))
    write_template(tmp_path / "a.tem", points)
    np.testing.assert_allclose(read_template(tmp_path / "a.tem"), points, atol=1e-4)


FEW, UNEVEN, NOT_FINITE = b"3\n1 2\n3 4\n5 6\n", b"2\n1 2\n3\n", b"189\n" + b"1 nan\n" * 189


@pytest.mark.parametrize("content", [b"", b"text", b"189\n1 2\n", b"\xff\xfe\x00", FEW, UNEVEN, NOT_FINITE])
def test_other_files_are_refused_in_one_line(content, tmp_path):
    path = tmp_path / "a.tem"
    path.write_bytes(content)
    with pytest.raises(MienError, match="not a template"):
        read_template(path)
    with pytest.raises(MienError, match="cannot read the template"):
        read_template(tmp_path / "missing.tem")


def test_another_number_of_points_is_refused():
    with pytest.raises(ValueError, match="189 points"):
        landmarks68(np.zeros((68, 2)))


@needs_shared
def test_everybody_s_landmarks_look_like_a_face():
    for person in read_people(SHARED):
        p = landmarks68(read_template(person.template))
        ocular = p[45, 0] - p[36, 0]
        assert ocular > 100 and (np.diff(p[36:46:3, 0]) > 0).all(), person.key
        heights = [p[part, 1].mean() for part in (range(17, 27), range(36, 48), [33], [51], [57], [8])]
        assert heights == sorted(heights), person.key
        assert p[62, 1] <= p[66, 1] + 0.01 * ocular and (np.diff(p[4:13, 0]) > 0).all(), person.key
