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


def test_brows_hardly_pull_the_upper_lids(kit):
    """What lies on a lid keeps a quarter of what brows do in the file; brows, and all other shapes, keep the whole."""
    raw, names = arrays(), list(arrays()["names"])
    lids, brows = LANDMARK_VERTICES[[37, 38, 43, 44]], LANDMARK_VERTICES[17:27]
    for i, name in enumerate(SHAPES):
        stored = raw["E"][names.index(name), :VERTEX_COUNT, 1:].astype(np.float32)
        here = kit.expressions[i][:, 1:]
        if name.startswith("brow"):
            np.testing.assert_allclose(here[lids], 0.25 * stored[lids], rtol=1e-5)
            np.testing.assert_array_equal(here[brows], stored[brows])
            assert (np.abs(here) <= np.abs(stored)).all() and not np.array_equal(here, stored)
        else:
            np.testing.assert_array_equal(here, stored)


def check_quiet_lids(kit: FaceKit, lowest: float) -> np.ndarray:
    """The factor of each vertex: one but on the skin around the upper lids, alike on both sides."""
    factor = facekit._quiet_lids(kit.vertices, kit.part)
    assert factor.shape == (VERTEX_COUNT,) and factor.dtype == np.float32
    assert factor.min() == pytest.approx(lowest) and factor.max() == 1
    assert (factor[kit.part != facekit.SKIN] == 1).all()
    marks = kit.vertices[LANDMARK_VERTICES]
    assert (factor[LANDMARK_VERTICES[[*range(27), *range(27, 36), *range(48, 68)]]] == 1).all()
    assert (factor[LANDMARK_VERTICES[[37, 38, 43, 44]]] < 0.4).all()
    np.testing.assert_allclose(factor[LANDMARK_VERTICES[36:40]], factor[LANDMARK_VERTICES[[45, 44, 43, 42]]], atol=0.01)
    quiet = kit.vertices[factor < 0.999]
    assert quiet[:, 1].max() < marks[17:27, 1].max() and quiet[:, 1].min() > marks[36:48, 1].min() - 2.5
    for eye in (marks[36:42], marks[42:48]):
        middle, half = eye[[0, 3], 0].mean(), np.ptp(eye[:, 0]) / 2
        own = quiet[np.sign(quiet[:, 0]) == np.sign(middle)]
        assert len(own) > 10 and np.abs(own[:, 0] - middle).max() < 1.65 * half
    return factor


def test_lids_are_held_where_they_are(kit):
    """Up the middle of a lid: a quarter at its margin, ever more of the brows' pull above it, all of it at the fold."""
    factor = check_quiet_lids(kit, 0.25)
    marks = kit.vertices[LANDMARK_VERTICES]
    column = (np.abs(kit.vertices[:, 0] - marks[36:40, 0].mean()) < 0.2) & (kit.part == facekit.SKIN)
    above = kit.vertices[:, 1] - marks[37:39, 1].mean()
    chosen = np.flatnonzero(column & (above > 0) & (above < 3))
    chosen = chosen[np.argsort(above[chosen])]
    rise = factor[chosen]
    assert (rise[above[chosen] < facekit.LID - 0.15] == 0.25).all() and (np.diff(rise) > -0.02).all()
    assert (rise[above[chosen] > facekit.FOLD + 0.15] == 1).all() and ((rise > 0.26) & (rise < 0.99)).any()


def test_what_is_not_skin_is_never_held(kit):
    np.testing.assert_array_equal(facekit._quiet_lids(kit.vertices, np.full_like(kit.part, facekit.SCLERA)), 1)


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


@needs_shared
def test_the_real_lids_are_held(real_kit):
    """A raised brow lifts the brow, and the skin over the lid by more than the lashes."""
    check_quiet_lids(real_kit, 0.25)
    for side, lid, brow in (("R", (37, 38), 19), ("L", (43, 44), 24)):
        lift = real_kit.expressions[SHAPES.index(f"browOuterUp_{side}"), LANDMARK_VERTICES, 1]
        assert lift[brow] > 0.3 and np.abs(lift[list(lid)]).max() < 0.25 * lift[brow]
