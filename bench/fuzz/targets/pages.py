"""What a browser asks: of the camera's page, and of the guard before the page of `mien ui`."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from threading import Condition
from types import SimpleNamespace

from targets.base import Run, Target

ASKED = (
    b"GET /key/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n",
    b"GET /key/ask?expression=happy&strength=0.5 HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: http://localhost\r\n\r\n",
    b"GET /key/frames HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET http://127.0.0.1/key/ask?expression=jawOpen%3D0.4&strength=1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
)


class _Wire:
    """A connection that holds a request."""

    def __init__(self, data: bytes) -> None:
        self.asked, self.answered = io.BytesIO(data), io.BytesIO()

    def makefile(self, mode: str, *_: object) -> io.BytesIO:
        return self.asked

    def sendall(self, data: bytes) -> None:
        self.answered.write(data)

    def settimeout(self, _: float) -> None:
        pass


def _camera(folder: Path) -> Run:
    from mien.editor import Editor
    from mien.surfaces.camera import Preview, _Handler
    from mien.surfaces.clips.keyframes import constant
    from support import write_stand_in

    folder.mkdir(parents=True)
    editor = Editor(write_stand_in(folder / "x.onnx"))
    preview = Preview(editor, constant("happy"), "largest", True, ended=True, changed=Condition())
    server = SimpleNamespace(preview=preview, key="key")

    def run(data: bytes) -> None:
        wire = _Wire(data)
        _Handler(wire, ("127.0.0.1", 1), server)  # type: ignore[arg-type]
        said = wire.answered.getvalue()
        assert b"Traceback" not in said
        assert preview.track.at(0.0)[1] <= 1.3

    return run


GUARDED = (
    b"http\n/gradio_api/upload\nhost: 127.0.0.1:7860\ncontent-length: 500\norigin: http://127.0.0.1:7860\n",
    b"http\n/\nhost: localhost\nreferer: http://localhost/x\n",
    b"websocket\n/queue/join\nhost: 127.0.0.1\n",
    b"http\n/gradio_api/proxy=http://a\nhost: 127.0.0.1:1\ncontent-length: 99999999999\n",
)


def _guard(folder: Path) -> Run:
    """The application behind it answers 200; nothing else but a refusal may come."""
    from mien.surfaces.ui.guard import HEADERS, HOSTS, Guard

    folder.mkdir(parents=True)
    (folder / "waiting").write_bytes(b"x")
    loop = asyncio.new_event_loop()

    async def app(scope: dict, receive: object, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame", b"1")]})
        await send({"type": "http.response.body", "body": b""})

    guard = Guard(app, folder)

    def run(data: bytes) -> None:
        kind, path, *lines = [*data.split(b"\n"), b"", b""][:20]
        head = [tuple(part.strip() for part in line.lower().partition(b":")[::2]) for line in lines if line]
        scope = {"type": "websocket" if kind == b"websocket" else "http", "method": "POST", "headers": head}
        scope["path"] = path.decode(errors="replace")
        said: list[dict] = []

        async def send(message: dict) -> None:
            said.append(message)

        loop.run_until_complete(guard(scope, None, send))
        assert said[0]["status"] in (200, 403, 404, 411, 413, 429)
        if said[0]["status"] == 200:
            assert set(HEADERS) <= set(said[0]["headers"])
            host = dict(head)[b"host"].decode("latin-1")
            assert any(host == one or host.startswith(f"{one}:") for one in HOSTS), host

    return run


TARGETS = {
    "camera": Target("text", lambda: list(ASKED), _camera),
    "guard": Target("text", lambda: list(GUARDED), _guard),
}
