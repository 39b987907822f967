"""The page in a real browser: upload, slide, see the picture change, download and compare; wrong files; two at once."""

from __future__ import annotations

import time
from importlib.util import find_spec
from urllib.error import HTTPError
from urllib.request import urlopen

import cv2
import numpy as np
import pytest

from mien import Editor, MienError
from mien.provenance import inspect
from mien.surfaces.ui.folder import files
from support import SAMPLE, needs_sample, needs_weights
from surfaces.ui.browser import CHROMIUM, User, chromium, page_server

missing = [name for name in ("gradio", "playwright") if find_spec(name) is None]
if CHROMIUM is None:
    missing.append("chromium")

pytestmark = [
    needs_sample,
    needs_weights,
    pytest.mark.skipif(bool(missing), reason=f"the page is not tried in a browser: {', '.join(missing)} not installed"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def server(place):
    with page_server(place) as (address, process):
        yield address, process
    # ended as by `kill`: nothing is left, and nothing of the photos was said
    assert not list(place.glob("mien-ui-*"))
    assert process.returncode == 0
    said = (place / "log.txt").read_text()
    assert "portrait" not in said and "Traceback" not in said and "POST" not in said


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture
def user(browser, server):
    one = User(browser, server[0])
    yield one
    one.context.close()


@pytest.fixture
def portrait(tmp_path):
    path = tmp_path / "my portrait.jpg"
    path.write_bytes(SAMPLE.read_bytes())
    return path


@pytest.fixture(scope="module")
def editor():
    return Editor()


def folder_of(place):
    (folder,) = place.glob("mien-ui-*")
    return folder


def test_upload_slide_and_download(user, portrait, place, tmp_path, editor):
    user.open(portrait)
    folder = folder_of(place)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert files(folder) == []  # read, and deleted
    before = user.after()
    value = user.drag("happy", 0.05, 0.5)
    assert 0.5 < value < 1 and user.after() != before
    name, content = user.download(tmp_path / "got.jpg")
    assert name == f"my-portrait_happy-{value:g}.jpg"
    edit = editor.edit(portrait, f"happy:{value}")
    assert content == edit.save(tmp_path / "expected.jpg").read_bytes()
    told = inspect(tmp_path / "got.jpg")
    assert told.source_type and told.edits[0]["expression"] == f"happy:{value:g}"
    # the picture on the page is the same, but for JPEG
    size = user.page.eval_on_selector(".mien-after", "i => [i.naturalWidth, i.naturalHeight]")
    assert size == [edit.image.shape[1], edit.image.shape[0]]
    assert files(folder) == []


def test_names_shapes_linking_and_reset(user, portrait, tmp_path, editor):
    user.open(portrait)
    photo = user.after()
    user.page.click("#mien-pick-surprise")
    user.settled()
    user.page.get_by_role("tab", name="Mouth").click()
    user.page.click("#mien-linked input")
    user.page.wait_for_selector("#mien-mouthSmile_R")
    smile = user.drag("mouthSmile_R", 1 / 3, 0.6)
    name, content = user.download(tmp_path / "got.jpg")
    expected = editor.edit(portrait, f"surprise,mouthSmile_R={smile}").save(tmp_path / "expected.jpg")
    assert content == expected.read_bytes()
    user.page.click("#mien-reset")
    user.page.wait_for_function("n => Number(document.querySelector('.mien-stage').dataset.n) > n", arg=2)
    user.page.wait_for_function("src => document.querySelector('.mien-after').src === src", arg=photo)
    name, _ = user.download(tmp_path / "same.png")
    assert name == "my-portrait_neutral-0.jpg"


def test_before_and_after(user, portrait, tmp_path):
    user.open(portrait)
    user.page.click("#mien-pick-surprise")
    user.settled()

    def mouth():
        shot = user.page.locator(".mien-stage").screenshot()
        pixels = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR).astype(int)
        h, w = pixels.shape[:2]
        return pixels[int(h * 0.5) : int(h * 0.65), int(w * 0.4) : int(w * 0.6)]

    after = mouth()
    user.page.focus(".mien-split")
    user.page.keyboard.press("End")  # all of the photo
    before = mouth()
    assert np.abs(after - before).mean() > 5
    user.page.keyboard.press("Home")
    assert np.abs(after - mouth()).mean() < 1


def test_the_sheet(user, portrait, tmp_path):
    user.open(portrait)
    user.page.click("#mien-sheet button")
    with user.page.expect_download(timeout=60_000) as waiting:
        user.page.click("#mien-make-sheet")
    waiting.value.save_as(tmp_path / "sheet.png")
    assert waiting.value.suggested_filename == "my-portrait_sheet.png"
    assert inspect(tmp_path / "sheet.png").edits[0]["made"] == "sheet"
    user.page.wait_for_selector("#mien-sheet-made img")


def test_wrong_files(user, portrait, tmp_path):
    user.open(portrait)
    shown = user.after()
    bad = tmp_path / "letter.jpg"
    bad.write_text("Dear Sir or Madam")
    user.drop(bad)
    assert user.alert() == "letter.jpg is not an image that mien reads (JPEG, PNG, WebP, TIFF, BMP)"
    empty = tmp_path / "wall.png"
    cv2.imwrite(str(empty), np.full((300, 300, 3), 200, np.uint8))
    user.drop(empty)
    user.page.wait_for_function("document.querySelector('#mien-status').innerText.includes('wall')")
    assert user.alert() == "no face found in wall.png"
    assert user.after() == shown  # the photo before is still there
    user.page.click("#mien-pick-happy")
    user.settled()


def test_nothing_to_download_yet(user):
    user.page.click("#mien-download")
    assert user.alert() == "drop a photo first"


def test_two_users_at_once(browser, server, portrait, tmp_path, editor):
    other = tmp_path / "other.png"
    cv2.imwrite(str(other), cv2.flip(cv2.imread(str(SAMPLE)), 1))
    one, two = User(browser, server[0]), User(browser, server[0])
    one.drop(portrait)
    two.drop(other)
    for user in (one, two):
        user.page.wait_for_selector(".mien-stage[data-state]", timeout=60_000)
    one.page.click("#mien-pick-happy")
    two.page.click("#mien-pick-sad")
    one.settled()
    two.settled()
    for user, photo, expression in ((one, portrait, "happy"), (two, other, "sad")):
        name, content = user.download(tmp_path / "got")
        assert name == f"{photo.stem.replace(' ', '-')}_{expression}{photo.suffix}"
        assert content == editor.edit(photo, expression).save(tmp_path / f"expected{photo.suffix}").read_bytes()
        user.context.close()


def test_a_closed_tab_is_forgotten(browser, server, portrait):
    user = User(browser, server[0])
    user.open(portrait)
    user.page.evaluate("HTMLAnchorElement.prototype.click = function () { window.caught = this.href; }")
    user.page.click("#mien-download")
    ticket = user.page.wait_for_function("window.caught", timeout=60_000).json_value()
    user.context.close()
    time.sleep(3)
    with pytest.raises(HTTPError, match="404"):
        urlopen(ticket)


def test_whatever_the_browser_sends_is_a_wish_or_one_line(editor, tmp_path):
    from mien.surfaces.ui.page import Page
    from mien.surfaces.ui.state import Sessions

    page = Page(editor, Sessions(), tmp_path)
    odd = [float("nan"), "1", None, 1e9, -1e9, [], {}, True]
    values = tuple(odd[i % len(odd)] for i in range(len(page.controls)))
    wish = page._wish(None, float("inf"), "yes", values)
    assert wish.face == "1" and wish.strength == 0
    assert np.isfinite(wish.expression.weights).all() and np.abs(wish.expression.weights).max() <= 2
    with pytest.raises(MienError):
        editor.edit(SAMPLE, wish.expression, 1.0, page._wish("nobody", 1.0, True, values).choice)


def test_several_faces(user, tmp_path, editor):
    sample = cv2.resize(cv2.imread(str(SAMPLE)), (600, 600), interpolation=cv2.INTER_AREA)
    small = np.full((600, 450, 3), sample[5, 5], np.uint8)
    small[100:500, 25:425] = cv2.resize(sample, (400, 400), interpolation=cv2.INTER_AREA)
    photo = tmp_path / "pair.png"
    cv2.imwrite(str(photo), np.hstack([sample, small]))
    user.open(photo)
    assert user.page.locator(".mien-boxes text").all_text_contents() == ["1", "2"]
    user.page.locator("#mien-face label", has_text="2").click()
    user.page.click("#mien-pick-happy")
    user.settled()
    _, content = user.download(tmp_path / "got.png")
    assert content == editor.edit(photo, "happy", face=2).save(tmp_path / "expected.png").read_bytes()
    assert user.page.locator(".mien-boxes text.mien-on").all_text_contents() == ["2"]


def test_nothing_leaves_the_machine(user, server, portrait, tmp_path):
    user.open(portrait)
    user.drag("anger", 0.05, 0.6)
    user.download(tmp_path / "got")
    user.page.wait_for_timeout(500)
    hosts = {url.split("/")[2] for url in user.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {server[0].removeprefix("http://")}
    assert user.complaints == []
    stored = user.page.evaluate("[Object.keys(localStorage), indexedDB.databases ? indexedDB.databases() : []]")
    assert "portrait" not in str(stored)
