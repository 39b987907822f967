"""The same kind out as in; crops; several threads at once; the examples of the documentation."""

import inspect
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_overloads

import cv2
import numpy as np
import pytest
from PIL import Image

import mien
from drawn import face
from mien import Editor, MienError
from mien.face import align, find_faces
from mien.face.detect import detect
from support import SAMPLE, needs_sample, needs_weights

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return face(200)


def test_arrays_come_back_as_they_were_given(drawn, stand_in):
    plain = mien.edit(drawn, "happy", 0.8, model=stand_in)
    assert plain.shape == drawn.shape and plain.dtype == np.uint8 and not np.array_equal(plain, drawn)
    assert np.array_equal(plain, Editor(stand_in).edit(drawn, "happy", 0.8).image)
    alpha = np.dstack([drawn, np.full(drawn.shape[:2], 77, np.uint8)])
    again = mien.edit(alpha, "happy", 0.8, model=stand_in)
    assert np.array_equal(again[..., :3], plain) and (again[..., 3] == 77).all()
    grey = mien.edit(drawn[..., 0], "happy", model=stand_in)
    assert grey.shape == drawn.shape[:2] and grey.dtype == np.uint8
    deep = mien.edit(drawn.astype(np.uint16) * 257, "happy", model=stand_in)
    assert deep.dtype == np.uint16 and deep.shape == drawn.shape
    assert np.array_equal(mien.edit(drawn, "happy", 0, model=stand_in), drawn)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_pillow_comes_back_as_pillow(mode, drawn, stand_in):
    image = Image.fromarray(drawn).convert(mode)
    made = mien.edit(image, "happy", model=stand_in)
    assert made.size == image.size and made.mode == {"P": "RGB"}.get(mode, mode)
    assert b"compositeWithTrainedAlgorithmicMedia" in made.info["xmp"]
    assert not np.array_equal(np.asarray(made.convert("RGB")), np.asarray(image.convert("RGB")))


def test_a_turned_photo_of_pillow_is_put_upright(drawn, stand_in, tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.rot90(drawn).copy()).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        made = mien.edit(image, "happy", model=stand_in)
    assert np.array_equal(np.asarray(made), mien.edit(drawn, "happy", model=stand_in))
    assert made.getexif().get(274, 1) == 1


def test_paths_give_paths(drawn, stand_in, tmp_path):
    Image.fromarray(drawn).save(tmp_path / "a.png")
    out = mien.edit(tmp_path / "a.png", "happy", 0.8, model=stand_in, out=tmp_path / "b.png")
    assert out == tmp_path / "b.png"
    assert np.array_equal(mien.picture.read(out).pixels, mien.edit(drawn, "happy", 0.8, model=stand_in))
    for image, options, says in (
        (tmp_path / "a.png", {}, "out=path"),
        (drawn, {"out": tmp_path / "c.png"}, "given by their path"),
        (tmp_path / "a.png", {"out": tmp_path / "a.png"}, "never overwritten"),
        (Image.new("CMYK", (9, 9)), {}, "CMYK"),
        ("none.png", {"out": tmp_path / "c.png"}, "does not exist"),
        ([1, 2], {}, "an image is a path"),
    ):
        with pytest.raises(MienError, match=says):
            mien.edit(image, "happy", model=stand_in, **options)


def test_crops(drawn, stand_in):
    editor = Editor(stand_in)
    one = find_faces(drawn)[0]
    crops = np.stack([align.crop(drawn, one.transform), align.crop(drawn[:, ::-1].copy(), one.transform)])
    before = crops.copy()
    made = editor.edit_crops(crops, "happy", 0.5)
    assert made.shape == crops.shape and made.dtype == np.uint8 and np.array_equal(crops, before)
    assert all(not np.array_equal(a, b) for a, b in zip(made, crops, strict=True))
    assert np.array_equal(editor.edit_crops(crops[1:], "happy", 0.5)[0], made[1])
    mixed = editor.edit_crops(crops, ["sad", "happy"], [0, 0.5])
    assert np.array_equal(mixed[0], crops[0]) and np.array_equal(mixed[1], made[1])
    small = np.stack([align.crop(drawn, one.transform, 128)])
    marks = align.apply(one.transform, one.landmarks)[None] / 2 - 0.25
    assert np.abs(editor.edit_crops(small, "happy", landmarks=marks).astype(int) - small).max() > 3
    assert editor.edit_crops(crops[:0], "happy").shape == (0, 256, 256, 3)
    for wrong, options in (
        (crops[0], {}),
        (crops.astype(float), {}),
        (crops[:, :32, :32], {}),
        (crops, {"landmarks": np.zeros((1, 68, 2))}),
        (crops, {"strength": [1.0]}),
        (crops, {"strength": 2.0}),
    ):
        with pytest.raises(MienError):
            editor.edit_crops(wrong, "happy", **options)


def test_threads_that_share_an_editor_do_not_disturb_each_other(stand_in):
    """Many photos in four threads give what one after the other gives; and so do four threads with one photo."""
    photos = [cv2.convertScaleAbs(face(160 + 12 * i), alpha=1 - 0.02 * i) for i in range(6)]
    editor, alone = Editor(stand_in), Editor(stand_in)
    wanted = [alone.edit(photo, "happy", 0.8).image for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            got = list(pool.map(lambda photo: editor.edit(photo, "happy", 0.8).image, photos))
            assert all(np.array_equal(a, b) for a, b in zip(got, wanted, strict=True))
        strengths = [0.2, 0.4, 0.6, 0.8] * 2
        got = list(pool.map(lambda strength: editor.edit(photos[0], "sad", strength).image, strengths))
    for image, strength in zip(got, strengths, strict=True):
        assert np.array_equal(image, alone.edit(photos[0], "sad", strength).image)


def test_a_photo_opened_in_one_thread_is_not_given_to_another(stand_in, monkeypatch):
    """Another thread opens its own photo just while this one looks whether its photo is the last."""
    editor, photos = Editor(stand_in), [np.full((8, 8, 3), number, np.uint8) for number in range(2)]

    class Key:
        def __init__(self, number: int) -> None:
            self.number, self.meanwhile = number, True

        def __eq__(self, other: object) -> bool:
            if self.number == 0 and self.meanwhile:
                self.meanwhile = False
                editor.open(photos[1])
            return isinstance(other, Key) and self.number == other.number

    monkeypatch.setattr("mien.editor._identity", lambda image: Key(int(image[0, 0, 0])))
    for _ in range(2):
        assert (editor.open(photos[0]).picture.pixels == 0).all()


def test_faces_are_found_in_several_threads():
    """dlib lets other threads run while it looks: two of them in one detector end the process."""
    photos = [face(side) for side in (160, 180, 200, 220)]
    wanted = [detect(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detect, photos * 4)) == wanted * 4


@needs_weights
@needs_sample
def test_the_documented_examples_run(tmp_path, monkeypatch):
    """Every Python block of docs/python.md, one after the other, in a folder with a photo."""
    shutil.copy(SAMPLE, tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / "python.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 5
    names: dict[str, object] = {"__name__": "example"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/python.md block {number}", "exec"), names)
    assert (tmp_path / "out.jpg").is_file()


def test_types_reach_the_user():
    """A type checker is told the kinds, and that a path needs `out`."""
    assert (Path(mien.__file__).parent / "py.typed").is_file()
    kinds = {}
    for one in get_overloads(mien.edit):
        signature = inspect.signature(one)
        kinds[signature.parameters["image"].annotation] = signature.return_annotation
        out = signature.parameters.get("out")
        assert (out is not None and out.default is out.empty) == (signature.return_annotation == "Path")
    assert kinds == {"np.ndarray": "np.ndarray", "Image.Image": "Image.Image", "str | Path": "Path"}
