import cv2
import numpy as np
import pytest

from mien import Editor, MienError
from mien.expression import parse
from mien.provenance import inspect
from mien.surfaces.ui import made, state
from mien.surfaces.ui.preview import PREVIEW, VIEW, boxes, factor, jpeg
from mien.surfaces.ui.state import Session, Sessions, Wish
from support import SAMPLE, needs_sample


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "up load.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (500, 700, 3), np.uint8))
    return path


def test_an_upload_is_read_into_memory_and_deleted(editor, photo, two_faces):
    session = Session()
    portrait = session.take(photo, photo.name, editor)
    assert not photo.exists()
    assert "sha256" in portrait.origin  # of the file that is gone
    assert session.photo() is portrait


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut short"])
def test_a_wrong_file_is_one_line_without_its_place_and_the_photo_before_stays(editor, photo, two_faces, content):
    session = Session()
    before = session.take(photo, photo.name, editor)
    bad = photo.with_name("bad.jpg")
    bad.write_bytes(content)
    with pytest.raises(MienError) as error:
        session.take(bad, "bad.jpg", editor)
    assert "bad.jpg" in str(error.value) and str(bad.parent) not in str(error.value)
    assert not bad.exists()
    assert session.photo() is before


def test_limits_of_one_photo(editor, photo, two_faces, monkeypatch):
    again = photo.read_bytes()
    monkeypatch.setattr(state, "MAX_PIXELS", 1000)
    with pytest.raises(MienError, match="million pixels"):
        Session().take(photo, photo.name, editor)
    photo.write_bytes(again)
    monkeypatch.setattr(state, "MAX_BYTES", 1000)
    with pytest.raises(MienError, match="larger than"):
        Session().take(photo, photo.name, editor)


def test_a_photo_without_a_face(editor, photo, monkeypatch):
    monkeypatch.setattr("mien.face.find_faces", lambda rgb: [])
    with pytest.raises(MienError, match=r"^no face found in up load\.png$"):
        Session().take(photo, photo.name, editor)


def test_two_users_share_nothing(editor, photo, two_faces):
    sessions = Sessions()
    one, two = sessions.get("one"), sessions.get("two")
    one.take(photo, photo.name, editor)
    one.wish = Wish(expression=parse("happy"))
    ticket = one.offer("a.png", b"a")
    assert two.portrait is None and two.wish == Wish() and not two.files
    with pytest.raises(MienError, match="drop a photo"):
        two.photo()
    sessions.drop("two")
    assert sessions.redeem(ticket) == ("a.png", b"a")
    assert sessions.redeem(ticket) is None  # once
    assert sessions.redeem("") is None


def test_the_longest_untouched_is_put_away(editor):
    now = [0.0]
    sessions = Sessions(clock=lambda: now[0])
    for i in range(state.MAX_SESSIONS):
        now[0] = i
        sessions.get(str(i)).files["x"] = ("x", b"")
    now[0] = 100
    sessions.get("0")
    sessions.get("new")
    assert len(sessions) == state.MAX_SESSIONS
    assert sessions.get("0").files  # touched since
    assert not sessions.get("1").files  # a new one
    now[0] += state.IDLE + 1
    sessions.get("later")
    assert len(sessions) == 1


def test_photos_together_keep_to_a_number_of_pixels(editor, photo, two_faces, monkeypatch):
    monkeypatch.setattr(state, "MAX_ALL_PIXELS", 500_000)
    sessions, content = Sessions(), photo.read_bytes()
    for key in "ab":
        photo.write_bytes(content)
        sessions.get(key).take(photo, photo.name, editor)
        sessions.settle(key)
    assert sessions.get("b").portrait is not None
    assert sessions.get("a").portrait is None


def test_few_files_wait_for_download():
    session = Session()
    for i in range(10):
        session.offer(f"{i}", b"x")
    assert [name for name, _ in session.files.values()] == ["6", "7", "8", "9"]


def test_the_file_is_what_the_editor_saves(editor, photo, two_faces, tmp_path):
    kept = tmp_path / "kept.png"
    kept.write_bytes(photo.read_bytes())
    session, folder = Session(), tmp_path / "private"
    folder.mkdir()
    session.take(photo, photo.name, editor)
    for form, suffix in ((made.AS_PHOTO, ".png"), ("JPEG", ".jpg"), ("TIFF", ".tif")):
        file = made.saved(session, folder, form, Wish("2", 0.7, parse("happy:0.8,jawOpen=0.1")))
        edit = editor.edit(kept, "happy:0.8,jawOpen=0.1", 0.7, face=2)
        assert file.content == edit.save(tmp_path / f"expected{suffix}").read_bytes()
        assert file.name == f"up-load_happy-0.8+jawOpen-0.1{suffix}"
    untouched = made.saved(session, folder, "PNG", Wish())
    pixels = cv2.imdecode(np.frombuffer(untouched.content, np.uint8), cv2.IMREAD_COLOR)
    assert (pixels == cv2.imread(str(kept))).all()
    assert not list(folder.iterdir())


def test_what_is_handed_out_is_signed_and_names_the_upload(editor, photo, two_faces, tmp_path, monkeypatch):
    pytest.importorskip("c2pa")
    pytest.importorskip("av")
    from certificates import write_chain
    from mien import credentials

    monkeypatch.setattr(made, "CLIP_SIDE", 160)
    signer = credentials.load(*write_chain(tmp_path))
    session, folder, wish = Session(), tmp_path / "private", Wish("1", 1.0, parse("happy"))
    folder.mkdir()
    content = photo.read_bytes()
    session.take(photo, photo.name, editor, keep=True)
    for file in (
        made.saved(session, folder, made.AS_PHOTO, wish, signer),
        made.sheet(session, folder, wish, signer),
        made.clip(session, folder, "GIF", wish, editor, signer),
    ):
        path = tmp_path / file.name
        path.write_bytes(file.content)
        said = credentials.read(path)
        assert said["state"] == "Valid" and said["actions"][0]["action"] == "c2pa.opened"
        assert said["edits"] == inspect(path).edits and len(said["edits"]) == 1
    assert not list(folder.iterdir())
    photo.write_bytes(content)
    session.take(photo, photo.name, editor)
    assert session.upload == b""  # nothing is remembered that no signature needs


def test_the_sheet_of_one_face(editor, photo, two_faces, tmp_path):
    session = Session()
    session.take(photo, photo.name, editor)
    file = made.sheet(session, tmp_path, Wish("all"))
    assert file.name == "up-load_sheet.png" and file.content.startswith(b"\x89PNG")
    assert file.shown.startswith("<img") and "data:image/jpeg" in file.shown


def test_a_clip_goes_there_and_back(editor, photo, two_faces, tmp_path, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setattr(made, "CLIP_SIDE", 200)
    form = "MP4"
    before = editor._last
    session, folder = Session(), tmp_path / "private"
    folder.mkdir()
    session.take(photo, photo.name, editor)
    with pytest.raises(MienError, match="choose an expression"):
        made.clip(session, folder, form, Wish(), editor)
    file = made.clip(session, folder, form, Wish("1", 1.0, parse("happy")), editor)
    path = tmp_path / file.name
    path.write_bytes(file.content)
    assert inspect(path).edits[0]["keyframes"] == "0:neutral:0 1:happy 1.8:happy 2.8:neutral:0"
    assert file.name == f"up-load_happy.{form.lower()}" and "data:" in file.shown
    assert editor._last is before and not list(folder.iterdir())  # the photo is not remembered


def test_the_preview_is_small_but_keeps_faces_large_enough(editor, two_faces):
    def size(height, width):
        return factor(editor.open(np.zeros((height, width, 3), np.uint8)))

    assert size(400, 300) == 1
    assert size(1350, 1350) * 1350 >= PREVIEW
    assert size(300, 9000) * 9000 <= VIEW
    zoom = np.sqrt(np.linalg.det(two_faces[0].transform[:, :2]))
    assert size(2000, 3000) / zoom >= 0.9 - 1e-9


def test_boxes_are_shares_of_the_photo(editor, two_faces):
    found = boxes(editor.open(np.zeros((500, 700, 3), np.uint8)))
    assert len(found) == 2
    for x, y, w, h in found:
        assert 0 <= x <= x + w <= 1.00001 and 0 <= y <= y + h <= 1.00001


def test_a_picture_for_the_browser():
    deep = np.full((40, 60, 3), 30_000, np.uint16)
    shown = jpeg(deep, side=30)
    import base64

    data = base64.b64decode(shown.removeprefix("data:image/jpeg;base64,"))
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (20, 30, 3) and abs(int(pixels.mean()) - 117) <= 1


@needs_sample
def test_a_reduced_photo_has_its_faces_where_they_are():
    from mien.synthesis import generator

    if not generator.WEIGHTS.exists():
        pytest.skip("no weights/generator.onnx yet")
    portrait = Editor().open(SAMPLE)
    small = portrait.reduced(0.5)
    assert small.picture.pixels.shape == (500, 500, 3)
    large = portrait.edit("happy").image
    expected = cv2.resize(large, (500, 500), interpolation=cv2.INTER_AREA).astype(int)
    untouched = np.abs(small.picture.rgb - expected).max()
    difference = np.abs(small.edit("happy").image - expected)
    assert untouched > 60  # the edit is seen
    assert difference.mean() < 0.5 and np.percentile(difference, 99) < 12
