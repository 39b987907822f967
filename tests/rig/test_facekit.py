"""Reading the face model: order, parts, triangles, and files that are not it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import MienError
from mien.expression import SHAPES
from mien.rig import facekit
from mien.rig.facekit import LANDMARK_VERTICES, VERTEX_COUNT, FaceKit
from support import needs_shared
from synthetic import arrays, layout


def test_shapes_come_in_the_order_of_the_vocabulary(kit):
    raw = arrays()
    assert list(raw["names"]) != list(SHAPES)
    for i in (0, 20, 56):
        stored = raw["E"][list(raw["names"]).index(SHAPES[i]), :VERTEX_COUNT].astype(np.float32)
        np.testing.assert_array_equal(kit.expressions[i][:, 1:], stored[:, 1:])
        assert (np.abs(kit.expressions[i][:, 0]) <= np.abs(stored[:, 0])).all()  # the outline is held still sideways
    np.testing.assert_allclose(kit.vertices[LANDMARK_VERTICES, :2], layout(), atol=1e-5)


def test_what_is_not_drawn_is_left_out(kit):
    raw = arrays()
    assert kit.vertices.shape == (VERTEX_COUNT, 3) and kit.triangles.max() < VERTEX_COUNT
    assert kit.expressions.shape == (57, VERTEX_COUNT, 3) and kit.identities.shape == (100, VERTEX_COUNT, 3)
    drawn = raw["F"][(raw["F"] < VERTEX_COUNT).all(1)]
    quads = (drawn[:, 2] != drawn[:, 3]).sum()
    assert len(kit.triangles) == len(drawn) + quads and len(drawn) == len(raw["F"]) - 1
    for array in (kit.vertices, kit.expressions, kit.identities):
        assert array.dtype == np.float32
    assert kit.triangles.dtype == np.int32 and kit.part.dtype == np.uint8


def test_parts_are_where_the_file_has_them(kit):
    for vertex, part in (
        (0, facekit.SKIN), (9408, facekit.SKIN), (9409, facekit.NECK), (11248, facekit.SOCKET),
        (14061, facekit.EYE_SOCKET), (14062, facekit.GUM), (17039, facekit.UPPER_TEETH), (19247, facekit.LOWER_TEETH),
        (21451, facekit.SCLERA), (22221, facekit.IRIS), (23021, facekit.SCLERA), (24590, facekit.IRIS),
    ):  # fmt: skip
        assert kit.part[vertex] == part
    assert (kit.part[LANDMARK_VERTICES] == facekit.SKIN).all()


def test_a_folder_its_parent_and_the_file_itself_are_found(kit_file, tmp_path):
    (tmp_path / "ict-facekit").symlink_to(kit_file.parent)
    for path in (kit_file, kit_file.parent, tmp_path, str(tmp_path)):
        assert FaceKit.load(path).vertices.shape == (VERTEX_COUNT, 3)


def other_names(raw: dict) -> dict:
    return {**raw, "names": np.array([f"shape{i}" for i in range(57)])}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (other_names, "57 expression shapes"),
        (lambda raw: {name: raw[name] for name in raw if name != "I"}, "not the face model"),
        (lambda raw: {**raw, "V": raw["V"][:100]}, "other shapes"),
        (lambda raw: {**raw, "E": raw["E"][:, :100]}, "other shapes"),
        (lambda raw: {**raw, "names": np.array([object()])}, "not the face model"),  # a pickle: never loaded
    ],
)
def test_another_model_is_refused(damage, says, tmp_path):
    np.savez(tmp_path / "ict-facekit.npz", **damage(arrays()))
    with pytest.raises(MienError, match=says):
        FaceKit.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short", "half", "flipped"])
def test_a_damaged_file_is_refused(content, kit_file, tmp_path):
    if isinstance(content, str):
        whole = bytearray(kit_file.read_bytes())
        content = whole[: len(whole) // 2] if content == "half" else whole[:1000] + b"\xff" * 1000 + whole[2000:]
    (tmp_path / "ict-facekit.npz").write_bytes(content)
    with pytest.raises(MienError, match="not the face model"):
        FaceKit.load(tmp_path)


def test_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(MienError, match=r"github\.com/ICT-VGL"):
        FaceKit.load(tmp_path)


@needs_shared
def test_the_real_model(real_kit):
    assert real_kit.triangles.shape == (48858, 3) or len(real_kit.triangles) > 40_000
    left = real_kit.vertices[LANDMARK_VERTICES]
    np.testing.assert_allclose(left[36:40] * (-1, 1, 1), left[[45, 44, 43, 42]], atol=0.02)  # symmetric
    brow = real_kit.expressions[SHAPES.index("browOuterUp_L"), LANDMARK_VERTICES]
    assert brow[26, 1] > 0.3 and abs(brow[17, 1]) < 0.01  # the sitter's left is the right of the image
