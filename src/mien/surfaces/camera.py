"""`mien camera`: a webcam seen with another expression, on a page of this machine alone.

The page lies under a name that nobody can guess, on 127.0.0.1, and answers no other host name, so other pages in the
browser cannot look. Nothing is stored; each picture says that it was edited, should somebody save one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np

from mien import provenance
from mien.editor import Editor
from mien.errors import MienError
from mien.expression import ALL_NAMES
from mien.face import Choice
from mien.formats import encode
from mien.picture import Picture
from mien.surfaces.clips.keyframes import Track, constant
from mien.surfaces.clips.take import Take

BOUNDARY = "mienframe"
WAIT = 5.0  # seconds for a frame

POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " + (
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE = Path(__file__).with_name("camera.html")


@contextlib.contextmanager
def opened(device: str, width: int = 640) -> Iterator[Any]:
    """A camera by its number, or a video file in its place, as OpenCV has it; a `MienError` if there is none."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        number = int(device) if re.fullmatch("[0-9]{1,4}", device) else None
        if number is None and not os.path.isfile(device):
            raise MienError(f"a camera is a number from 0 on, or a video file, not '{device[:200]}'")
        source = cv2.VideoCapture(device if number is None else number)
        if number is not None:
            source.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            source.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not what waited while one was edited
        good, first = source.read() if source.isOpened() else (False, None)
        if not good or first is None:
            source.release()
            name = f"no camera {number} here" if number is not None else f"{device} cannot be played"
            raise MienError(f"{name}: plug one in, close what else uses it, or try another with --device")
    finally:
        cv2.utils.logging.setLogLevel(level)
    try:
        yield source
    finally:
        source.release()


@dataclass
class Preview:
    """What the page shows; the camera's thread writes, the page's threads read."""

    editor: Editor
    track: Track
    face: Choice
    provenance: bool
    jpeg: bytes = b""
    count: int = 0
    ended: bool = False
    edited: bool = False  # the frame shown last
    shown: Track | None = None  # what it was made with
    rate: float = 0.0  # frames a second, lately
    changed: threading.Condition = field(default_factory=threading.Condition)

    def run(self, source: Any) -> None:
        """Read, edit and hand out frames until the camera ends or the page does."""
        take, track, began = Take(self.editor, self.track, self.face), self.track, time.monotonic()
        last = began
        try:
            while not self.ended:
                good, frame = source.read()
                if not good:
                    break
                if self.track is not track:
                    take.track = track = self.track
                rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                plan = take.plan(rgb, time.monotonic() - began)
                self._show(plan.carry_out(rgb), bool(plan.edits), track)
                now = time.monotonic()
                self.rate += (1 / max(now - last, 1e-3) - self.rate) * (0.2 if self.rate else 1.0)
                last = now
        finally:
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def state(self) -> dict[str, Any]:
        """What the page tells."""
        track = self.track
        return {
            "expression": str(track.keyframes[0].expression),
            "strength": track.strength,
            "edited": self.edited,
            "rate": round(self.rate, 2),
            "ended": self.ended,
        }

    def ask(self, expression: str, strength: float) -> None:
        """Another expression from the next frame on; a `MienError` if there is none such."""
        track = constant(expression, strength)
        for one in track.asked():
            self.editor.generator.check(one)
        self.track = track

    def wait(self, after: int) -> tuple[bytes, int]:
        """(JPEG, its number) of a frame later than `after`; b"" when there will be none."""
        with self.changed:
            self.changed.wait_for(lambda: self.count > after or self.ended, WAIT)
            return (self.jpeg, self.count) if self.count > after else (b"", after)

    def picture(self) -> bytes:
        """The newest frame, as a JPEG, made with what was asked last; b"" if there is none."""
        with self.changed:
            self.changed.wait_for(lambda: self.shown is self.track or self.ended, WAIT)
            return self.jpeg

    def _show(self, rgb: np.ndarray, edited: bool, track: Track) -> None:
        picture = Picture(np.ascontiguousarray(rgb), jpeg={"quality": 85})
        if self.provenance and edited:
            what = {"made": "camera preview", "expression": str(track), "strength": track.strength}
            step = provenance.step(self.editor.generator, {}, (), True, **what)
            picture = provenance.stamped(picture, step)
        jpeg = encode(picture, "JPEG")
        with self.changed:
            self.jpeg, self.count, self.edited, self.shown = jpeg, self.count + 1, edited, track
            self.changed.notify_all()


def serve(
    source: Any,
    editor: Editor,
    track: Track,
    face: Choice,
    port: int,
    provenance: bool,
    say: Callable[[str], None],
) -> None:
    """Show a camera's frames on a page until Ctrl-C, or until the camera ends."""
    preview = Preview(editor, track, face, provenance)
    try:
        server = _Server(("127.0.0.1", port), _Handler)
    except OSError as error:
        raise MienError(f"cannot open a page on port {port}: {error.strerror or error}; try --port 0") from None
    server.preview, server.key = preview, secrets.token_urlsafe(16)
    here = f"http://127.0.0.1:{server.server_address[1]}/{server.key}/"
    thread = threading.Thread(target=preview.run, args=(source,), daemon=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    thread.start()
    say(f"open {here} in a browser of this machine; Ctrl-C ends it")
    try:
        while thread.is_alive():
            thread.join(0.2)
    finally:
        preview.ended = True
        thread.join(WAIT)  # the camera must not be closed while it is read
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    preview: Preview
    key: str


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30

    def do_GET(self) -> None:
        try:
            url = urlsplit(self.path)
        except ValueError:  # such as half an IPv6 address
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        host = (self.headers.get("Host") or "").partition(":")[0]
        parts = url.path.split("/")
        mine = len(parts) == 3 and secrets.compare_digest(parts[1].encode(), self.server.key.encode())
        if host not in ("127.0.0.1", "localhost") or not mine:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif parts[2] == "":
            self._page()
        elif parts[2] == "frames":
            self._stream()
        elif parts[2] == "ask":
            self._ask(parse_qs(url.query))
        elif parts[2] == "state":
            self._answer(json.dumps(self.server.preview.state()).encode(), "application/json")
        elif parts[2] == "picture":
            self._picture()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _knows(self, name: str) -> bool:
        return name in self.server.preview.editor.generator.names

    def _page(self) -> None:
        page = PAGE.read_text()
        told = {"NAMES": [n for n in ALL_NAMES if self._knows(n)], "STATE": self.server.preview.state()}
        for word, value in told.items():
            page = page.replace(word, json.dumps(value).replace("<", "\\u003c"), 1)
        self._answer(page.encode(), "text/html; charset=utf-8", more={"Content-Security-Policy": POLICY})

    def _picture(self) -> None:
        """The newest frame as a file to keep."""
        jpeg = self.server.preview.picture()
        if not jpeg:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        name = time.strftime("mien-%Y%m%d-%H%M%S.jpg")
        self._answer(jpeg, "image/jpeg", more={"Content-Disposition": f'attachment; filename="{name}"'})

    def _ask(self, query: dict[str, list[str]]) -> None:
        try:
            strength = float(query.get("strength", ["1"])[0])
            self.server.preview.ask(query.get("expression", [""])[0], strength)
        except (MienError, ValueError) as error:
            self._answer(str(error).encode(), "text/plain; charset=utf-8", HTTPStatus.BAD_REQUEST)
        else:
            self._answer(b"", "text/plain; charset=utf-8")

    def _answer(
        self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        count = 0
        with contextlib.suppress(OSError):  # the page was closed
            while True:
                jpeg, count = self.server.preview.wait(count)
                if not jpeg:
                    return
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
