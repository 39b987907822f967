"""`mien camera` in a real browser, a clip in the camera's place: look, choose, save, two tabs, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import cv2
import numpy as np
import pytest

import mien
from mien.provenance import COMPOSITE, inspect
from support import needs_sample
from surfaces.moving import decoded, write_clip
from surfaces.ui.browser import CHROMIUM, WAIT, chromium

missing = [name for name in ("av", "playwright") if find_spec(name) is None]
if CHROMIUM is None:
    missing.append("chromium")

pytestmark = [
    needs_sample,
    pytest.mark.skipif(bool(missing), reason=f"the camera is not tried in a browser: {', '.join(missing)} missing"),
]
ACTING = Path(__file__).with_name("acting.mp4")


@contextmanager
def camera(clip: Path, model: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The page's address and its process."""
    src = str(Path(mien.__file__).parents[1])
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [src, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "mien", "camera", "--device", str(clip), "--model", str(model), *options]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("open http://127.0.0.1:"), line
        yield line.split()[1], process
    finally:
        process.kill()
        process.wait(30)


def visit(browser, address: str):
    page = browser.new_context(viewport={"width": 900, "height": 900}, accept_downloads=True).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda told: page.complaints.append(told.text) if told.type == "error" else None)
    page.goto(address, wait_until="commit")
    says(page, "a second")
    return page


def shown(page) -> np.ndarray:
    png = page.locator("#picture").screenshot(timeout=WAIT)
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).astype(int)


def says(page, words: str) -> None:
    page.locator("#status", has_text=words).wait_for(timeout=WAIT)


def test_look_choose_and_save(stand_in, tmp_path):
    first = decoded(ACTING)[0]
    clip = write_clip(tmp_path / "in.mp4", [first] * 600)  # a still face: what changes is the edit
    with camera(clip, stand_in, "-e", "neutral:0") as (address, process), chromium() as browser:
        page = visit(browser, address)
        says(page, "as it is")
        before, again = shown(page), shown(page)
        assert np.abs(before - again).mean() < 0.1 and before.std() > 30
        page.get_by_role("button", name="surprise").click()
        says(page, "surprise")
        assert page.get_by_role("button", name="surprise").get_attribute("aria-pressed") == "true"
        whole = shown(page)
        assert np.abs(whole - before).max() > 25
        # another tab knows of it, and may choose too
        other = visit(browser, address)
        assert other.get_by_role("button", name="surprise").get_attribute("aria-pressed") == "true"
        other.get_by_role("button", name="happy").click()
        page.wait_for_selector("button[aria-pressed=true][value=happy]", timeout=WAIT)
        other.close()
        page.locator("#strength").focus()
        for _ in range(12):
            page.keyboard.press("ArrowLeft")
        assert page.locator("#amount").inner_text() == "40 %"
        says(page, "happy")
        page.uncheck("#mirror")
        assert page.locator("#stage.mirrored").count() == 0
        with page.expect_download(timeout=WAIT) as waiting:
            page.click("#save")
        saved = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved)
        assert saved.suffix == ".jpg" and cv2.imread(str(saved)).shape == first.shape
        told = inspect(saved)
        assert told.source_type == COMPOSITE
        assert told.edits[0]["made"] == "camera preview" and "happy" in told.edits[0]["expression"]
        assert told.edits[0]["strength"] == pytest.approx(0.4)
        key = address.rstrip("/").rsplit("/", 1)[1]
        for wrong in (address.replace(key, key[::-1]), address.rsplit("/", 2)[0] + "/", address + "frames/x"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(wrong, timeout=30)
        assert page.complaints == []
        page.screenshot(path=str(tmp_path / "page.png"))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130 and b"Traceback" not in err
        says(page, "has ended")
        assert page.get_by_role("button", name="happy").is_disabled()


def test_the_end_of_the_clip_ends_it_and_the_page_says_so(stand_in, tmp_path):
    clip = write_clip(tmp_path / "in.mp4", decoded(ACTING)[:40])
    with camera(clip, stand_in, "-e", "happy") as (address, process), chromium() as browser:
        page = visit(browser, address)
        says(page, "has ended")
        assert process.wait(60) == 0
