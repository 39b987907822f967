"""Between browser and page: only this machine is answered, uploads are counted, and the page may reach nobody."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mien.surfaces.ui.folder import files, forget_old
from mien.surfaces.ui.state import MAX_BYTES

HOSTS = ("127.0.0.1", "localhost")

MAX_WAITING = 16
"""Uploaded files that may lie in the private folder at once: each is read into memory and deleted."""

UPLOAD_AGE = 300.0
"""Seconds after which a file that nothing was done with is deleted."""

REFUSED = ("/gradio_api/proxy=", "/gradio_api/deep_link", "/gradio_api/runs", "/gradio_api/run-history", "/monitoring")
"""What Gradio would answer beside the page, and nothing here needs."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # as Gradio's page is made
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""The browser itself keeps the page from any other host, whatever its scripts would like."""

HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_OURS = {name for name, _ in HEADERS}

Message = dict[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Guard:
    """ASGI middleware. `folder`: where uploads lie until they are read."""

    def __init__(self, app: App, folder: Path) -> None:
        self._app, self._folder = app, folder

    async def __call__(self, scope: Message, receive: Callable, send: Callable) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        refused = self._refusal(scope)
        if refused is not None:
            status, text = refused
            head = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": status, "headers": head})
            return await send({"type": "http.response.body", "body": text.encode()})

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in _OURS]
                store = [] if scope["path"].startswith(("/assets/", "/static/")) else [(b"cache-control", b"no-store")]
                message = message | {"headers": [*kept, *HEADERS, *store]}
            await send(message)

        await self._app(scope, receive, answer)

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """(status, one line) for what is not answered."""
        head = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if _host(head.get(b"host", "")) not in HOSTS:
            return 403, "mien answers this machine alone: open http://127.0.0.1"
        origin = head.get(b"origin")
        if origin is not None and _netloc(origin) != head.get(b"host"):
            return 403, "another page may not use this one"
        path = scope["path"]
        if scope["type"] == "websocket" or path.startswith(REFUSED):
            return 404, "not here"
        if path.rstrip("/").endswith("/upload"):
            return self._upload(head.get(b"content-length"))
        return None

    def _upload(self, length: str | None) -> tuple[int, str] | None:
        if length is None or not re.fullmatch("[0-9]{1,18}", length):
            return 411, "an upload must say how long it is"
        if int(length) > MAX_BYTES + 2**16:  # what a form adds
            return 413, f"the file is larger than {MAX_BYTES // 2**20} MiB"
        forget_old(self._folder, UPLOAD_AGE)
        if len(files(self._folder)) >= MAX_WAITING:
            return 429, "too many uploads at once"
        return None


def _netloc(origin: str) -> str | None:
    """Host and port of an Origin header, None where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # such as half an IPv6 address
        return None


def _host(value: str) -> str:
    """A Host header without its port."""
    return value.rsplit(":", 1)[0] if value.rsplit(":", 1)[-1].isdigit() else value
