from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

import mien
from mien import MienError
from mien.editor import Editor, Portrait
from mien.expression import parse
from mien.face import Face, align
from mien.picture import as_picture
from mien.synthesis.composite import composite
from mien.synthesis.confine import confine
from mien.synthesis.generator import Generator
from mien.synthesis.lids import complete, widen
from mien.synthesis.maps import Maps
from mien.synthesis.wrinkles import prepare, wrinkle
from support import SAMPLE, needs_sample, needs_weights, photo
from synthetic import paint


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


def test_strength_zero_is_the_photo(editor, two_faces):
    pixels = photo()
    for edit in (
        editor.edit(pixels, "happy", strength=0),
        editor.edit(pixels, "happy:0"),
        editor.edit(pixels, "neutral:0", face="all"),
    ):
        assert np.array_equal(edit.image, pixels) and edit.image is not pixels and not edit.maps
    edit.image[:] = 0
    assert np.array_equal(editor.edit(pixels, "happy", strength=0).image, pixels)


def test_an_edit_changes_the_face_and_nothing_else(editor, two_faces):
    pixels = photo()
    edit = editor.edit(pixels, "happy:0.8")
    changed = (edit.image != pixels).any(axis=2)
    assert edit.faces[0].box == two_faces[0].box and str(edit.expression) == "happy:0.8"
    assert changed[200:280, 150:210].mean() > 0.9
    x0, y0, x1, y1 = two_faces[0].box
    grow = 0.2 * (x1 - x0)
    changed[round(y0 - grow) : round(y1 + grow), round(x0 - grow) : round(x1 + grow)] = False
    assert not changed.any()


def test_strength_grows_smoothly(editor, two_faces):
    pixels = photo()
    change = [
        np.abs(editor.edit(pixels, "happy", strength=s).image.astype(int) - pixels).mean() for s in (0, 0.05, 0.1, 0.5)
    ]
    assert change[0] == 0 and change == sorted(change) and change[1] < 0.35 * change[3]


def test_which_faces(editor, two_faces):
    pixels = photo()
    first, second, both = (editor.edit(pixels, "happy", face=which) for which in (1, "2", "all"))
    assert [[face.box for face in edit.faces] for edit in (first, second, both)] == [
        [two_faces[0].box],
        [two_faces[1].box],
        [two_faces[0].box, two_faces[1].box],
    ]
    assert np.array_equal(editor.edit(pixels, "happy").image, first.image)
    alone = (first.image != pixels) & (second.image == pixels)
    assert np.array_equal(both.image[alone], first.image[alone])
    for wrong in (0, 3, "third", -1):
        with pytest.raises(MienError, match="face"):
            editor.edit(pixels, "happy", face=wrong)


def test_faces_are_searched_for_once_a_photo(editor, monkeypatch, two_faces, tmp_path):
    calls = []
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: calls.append(rgb.shape) or two_faces)
    pixels = photo(seed=1)
    editor.edit(pixels, "happy")
    editor.edit(pixels.copy(), "sad")
    assert len(editor.faces(pixels)) == 2 and len(calls) == 1
    pixels[0, 0] ^= 1
    editor.edit(pixels, "sad")
    assert len(calls) == 2
    path = editor.edit(pixels, "sad").save(tmp_path / "a.png")
    editor.edit(path, "sad")
    editor.edit(str(path), "fear")
    assert len(calls) == 3


def test_no_face(editor, monkeypatch):
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: [])
    with pytest.raises(MienError, match="no face found in the image"):
        editor.edit(photo(seed=2), "happy")
    assert editor.faces(photo(seed=2)) == []


@pytest.mark.parametrize("strength", [-0.1, 1.31, float("nan"), float("inf")])
def test_strength_has_a_range(editor, two_faces, strength):
    with pytest.raises(MienError, match="strength"):
        editor.edit(photo(), "happy", strength=strength)


def test_sixteen_bits_alpha_and_grey(editor, two_faces, tmp_path):
    deep = photo().astype(np.uint16) * 257
    edit = editor.edit(deep, "happy")
    assert edit.image.dtype == np.uint16 and not np.array_equal(edit.image, deep)
    eight = editor.edit(photo(), "happy").image
    assert np.abs(edit.image / 257 - eight).max() <= 1
    alpha = np.dstack([photo(), photo(seed=3)[..., 0]])
    again = mien.picture.read(editor.edit(alpha, "happy").save(tmp_path / "alpha.png"))
    assert np.array_equal(again.alpha, alpha[..., 3]) and np.array_equal(again.pixels, eight)
    grey = photo()[..., 0]
    again = mien.picture.read(editor.edit(grey, "happy").save(tmp_path / "grey.png"))
    away = np.ones(grey.shape, bool)
    away[100:320, 60:300] = False
    assert again.grey and np.array_equal(again.pixels[..., 0][away], grey[away])


def test_any_expression(editor, two_faces):
    for text in ("contempt", "jawOpen=0.4,browInnerUp_L=0.8", "happy:0.5,surprise:0.5,AU4=0.1"):
        assert editor.edit(photo(), text).image.shape == (400, 500, 3)
    with pytest.raises(MienError, match="did you mean happy"):
        editor.edit(photo(), "hapy")


class Wide:
    """A default network that bares 4 px above each eye and shuts an open mouth, whatever it is asked for."""

    path, sha256, manifest = Path("wide.onnx"), "0" * 64, MappingProxyType({})

    def __init__(self, landmarks: np.ndarray) -> None:
        self.landmarks = landmarks  # in the crop

    def maps(self, crop: np.ndarray, weights: np.ndarray, amount: float) -> Maps:
        y, x = np.mgrid[:256, :256].astype(np.float32)
        alpha = np.zeros((256, 256), np.float32)
        for eye in (self.landmarks[36:42], self.landmarks[42:48]):
            top = eye[1:3, 1].mean()
            alpha[(np.abs(x - eye[:, 0].mean()) < np.ptp(eye[:, 0]) / 2) & (y > top - 4) & (y < top + 1)] = 1
        lips = self.landmarks[60:68]
        near = np.exp(-(((x - lips[:, 0].mean()) / 25) ** 2) - ((y - lips[:, 1].mean()) / 8) ** 2)
        flow = np.dstack([0 * y, np.clip(2.5 * (y - lips[:, 1].mean()), -9, 9) * near])
        return Maps((amount * flow).astype(np.float32), 0 * alpha, np.zeros((256, 256, 3), np.float32), alpha)

    check, sit = Generator.check, Generator.sit


@pytest.fixture
def wide(monkeypatch) -> Portrait:
    """A painted face with parted lips, to be edited by `Wide`."""
    image, marks = paint(500, seed=0)
    marks[[61, 62, 63], 1] -= 5
    marks[[65, 66, 67], 1] += 5
    (x0, y0), (x1, y1) = marks.min(0), marks.max(0)
    one = Face((x0, y0, x1, y1), marks, align.crop_transform(marks))
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: [one])
    return Portrait(as_picture(image), Wide(align.apply(one.transform, marks)))


def test_lids_and_lips_are_finished_from_the_landmarks(wide):
    """The edit is what its parts give, one after the other; each of them makes a difference."""
    pixels, one = wide.picture.pixels, wide.faces[0]
    edit = wide.edit("surprise")
    crop, marks = align.crop(pixels, one.transform), align.apply(one.transform, one.landmarks)
    said = wide._generator.maps(crop, None, 1.0)
    said = wrinkle(said, prepare(crop, marks), parse("surprise").weights, 1.0, marks)
    maps = confine(widen(said, complete(crop, marks), marks), one.box, one.transform)
    assert np.array_equal(edit.image, composite(pixels, maps, one.transform, one.landmarks[60:68]))
    assert np.array_equal(edit.maps[0].flow, maps.flow) and np.array_equal(edit.maps[0].alpha, maps.alpha)
    assert not np.array_equal(maps.flow, confine(said, one.box, one.transform).flow)
    assert not np.array_equal(edit.image, composite(pixels, maps, one.transform))


def test_such_an_edit_leaves_all_else_as_it_is(wide):
    pixels = wide.picture.pixels.copy()
    changed = (wide.edit("surprise").image != pixels).any(axis=2)
    x0, y0, x1, y1 = wide.faces[0].box
    grow = 0.2 * min(x1 - x0, y1 - y0)
    assert changed.mean() > 0.005
    changed[int(np.ceil(y0 - grow)) : int(y1 + grow) + 1, int(np.ceil(x0 - grow)) : int(x1 + grow) + 1] = False
    assert not changed.any() and np.array_equal(wide.picture.pixels, pixels)


def test_eyes_are_completed_once_a_face_and_not_for_nothing(wide, monkeypatch):
    calls = []
    monkeypatch.setattr("mien.synthesis.moved.complete", lambda *args: calls.append(len(args)) or complete(*args))
    edit = wide.edit("surprise", strength=0)
    assert np.array_equal(edit.image, wide.picture.pixels) and not edit.maps and not calls
    first = wide.edit("surprise")
    again, weak = wide.edit("surprise"), wide.edit("surprise", strength=0.3)
    assert len(calls) == 1 and np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, weak.image)


def test_every_face_has_its_own_eyes(editor, two_faces, monkeypatch):
    calls = []
    monkeypatch.setattr("mien.synthesis.moved.complete", lambda *args: calls.append(args) or complete(*args))
    portrait = Portrait(as_picture(photo(seed=7)), editor.generator)
    for which in (1, "all", 2, "all"):
        portrait.edit("happy", face=which)
    assert len(calls) == 2 and not np.array_equal(calls[0][0], calls[1][0])
    for (crop, marks), one in zip(calls, two_faces, strict=True):
        np.testing.assert_array_equal(crop, align.crop(portrait.picture.rgb, one.transform))
        np.testing.assert_allclose(marks, align.apply(one.transform, one.landmarks))


@needs_weights
@needs_sample
def test_the_real_weights_on_the_sample():
    editor = mien.Editor()
    portrait = editor.open(SAMPLE)
    pixels = portrait.picture.pixels
    assert len(portrait.faces) == 1
    assert np.array_equal(portrait.edit("happy", 0).image, pixels)
    x0, y0, x1, y1 = portrait.faces[0].box
    grow = 0.2 * (x1 - x0)
    box = (slice(max(0, int(y0 - grow)), int(y1 + grow)), slice(max(0, int(x0 - grow)), int(x1 + grow)))
    for name in mien.expression.NAMES:
        edit = portrait.edit(name)
        changed = (edit.image != pixels).any(axis=2)
        if name != "neutral":
            assert changed[box].mean() > 0.05, name
        changed[box] = False
        assert changed.mean() < 0.001, name  # at least 99.9% outside the face's box, grown by a fifth
        maps = edit.maps[0]
        for layer in (maps.flow, maps.shading, maps.alpha):
            assert np.isfinite(layer).all()
            assert not layer[[0, -1]].any() and not layer[:, [0, -1]].any(), name
