"""A real `mien ui` in a process of its own, and headless Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mien

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WAIT = 60_000  # ms: a busy machine is not a bug


@contextmanager
def page_server(temporary: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The page's address and its process, whose private folder lies in `temporary`; ended as by `kill`."""
    src = str(Path(mien.__file__).parents[1])
    env = os.environ | {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [src, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "mien", "ui", "--port", "0", "--no-browser", *options]
    log = (temporary / "log.txt").open("w+b")
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("http://127.0.0.1:"), (temporary / "log.txt").read_text()
        yield line.split()[0], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's browser: Debian's Chromium. Each `new_context` is a user of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, tempfile.TemporaryDirectory() as home:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(FLAGS), env=os.environ | {"HOME": home}
        )
        yield browser
        browser.close()


class User:
    """One tab."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = (1400, 900)) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(address)
        self.page.wait_for_selector("#mien-photo input[type=file]", state="attached", timeout=WAIT)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def drop(self, photo: Path) -> None:
        """Give it a photo, without waiting."""
        self.page.set_input_files("#mien-photo input[type=file]", str(photo))

    def open(self, photo: Path) -> None:
        """Give it a photo and wait until it is there."""
        self.drop(photo)
        self.page.wait_for_selector(".mien-stage[data-state]", timeout=WAIT)

    def after(self) -> str:
        """The data: address of the picture shown."""
        return self.page.eval_on_selector(".mien-after", "image => image.src")

    def settled(self) -> None:
        """Wait until the picture at full size is there, after a change."""
        self.page.wait_for_selector(".mien-stage[data-state=full]", timeout=WAIT)

    def drag(self, key: str, start: float, end: float, steps: int = 6) -> float:
        """Drag a slider with the mouse from one share of its length to another; returns the value it then has."""
        box = self.page.locator(f"#mien-{key} input[type=range]").bounding_box()
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] * start, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * end, y, steps=steps)
        self.page.wait_for_selector(".mien-stage[data-state=preview]", timeout=WAIT)
        self.page.mouse.up()
        self.settled()
        return float(self.page.locator(f"#mien-{key} input[type=number]").input_value())

    def download(self, to: Path) -> tuple[str, bytes]:
        """Press Download; the file's name and content."""
        with self.page.expect_download(timeout=WAIT) as waiting:
            self.page.click("#mien-download")
        waiting.value.save_as(to)
        return waiting.value.suggested_filename, to.read_bytes()

    def alert(self) -> str:
        """Wait for an error on the page; its text."""
        return self.page.wait_for_selector("#mien-status [role=alert]", timeout=WAIT).inner_text()
