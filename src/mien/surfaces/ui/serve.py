"""The page on 127.0.0.1: one process, one set of weights, a private folder that ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from mien.credentials import Credentials
from mien.editor import Editor
from mien.errors import MienError
from mien.surfaces.ui.folder import private_folder
from mien.surfaces.ui.state import MAX_BYTES, Sessions

HOST = "127.0.0.1"
PORT = 7860
TRIES = 20
"""If `PORT` is taken, so many after it are tried."""

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1",
    "GRADIO_RUN_HISTORY": "False", "GRADIO_SSR_MODE": "False", "GRADIO_MCP_SERVER": "False", "GRADIO_SHARE": "False",
    "GRADIO_ALLOWED_PATHS": "", "GRADIO_ROOT_PATH": "",
}  # fmt: skip
"""Set before Gradio is imported: it tells nobody anything, and remembers nothing in the browser."""


def quiet() -> None:
    """Set what `QUIET` says in this process."""
    os.environ.update(QUIET)


def application(editor: Editor, sessions: Sessions, folder: Path, credentials: Credentials | None = None) -> Callable:
    """The ASGI application. folder: where uploads lie until they are read. credentials: to sign what is handed out."""
    quiet()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    import gradio as gr
    from fastapi import FastAPI, Response

    from mien.surfaces.ui.guard import Guard
    from mien.surfaces.ui.layout import layout
    from mien.surfaces.ui.page import Page

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/mien/file/{ticket}")
    def file(ticket: str) -> Response:
        """A finished file, once."""
        found = sessions.redeem(ticket)
        if found is None:
            return Response("this file was fetched already", 404, media_type="text/plain")
        name, content = found
        head = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type="application/octet-stream", headers=head)

    system = ["system-ui", "sans-serif"]
    theme = gr.themes.Base(
        primary_hue="slate", neutral_hue="slate", font=system, font_mono=["ui-monospace", "monospace"]
    )
    page = Page(editor, sessions, folder, credentials)
    gr.mount_gradio_app(
        app, layout(page), path="/", server_name=HOST, footer_links=[], run_history=False,
        allowed_paths=[], blocked_paths=[], show_error=False, max_file_size=MAX_BYTES, ssr_mode=False,
        enable_monitoring=False, pwa=False, mcp_server=False, theme=theme,
        css=(Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
    )  # fmt: skip
    return Guard(app, folder)


def bound(port: int | None) -> socket.socket:
    """A socket on 127.0.0.1: at `port` (0: any that is free), or at the first free one from `PORT` on."""
    for number in range(PORT, PORT + TRIES) if port is None else (port,):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name != "nt":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((HOST, number))
            sock.listen(64)
            return sock
        except OSError as error:
            sock.close()
            why = error.strerror or error
    if port is None:
        raise MienError(f"the ports {PORT} to {PORT + TRIES - 1} are all taken: choose one with --port, 0 for any")
    raise MienError(f"cannot use port {port}: {why}; choose another, 0 for any that is free")


def serve(
    editor: Editor,
    port: int | None = None,
    browser: bool = True,
    tell: Callable[[str], None] = print,
    credentials: Credentials | None = None,
) -> None:
    """Serve the page until Ctrl+C or SIGTERM; then the private folder is gone. `tell` gets a line with the address."""
    quiet()
    import uvicorn

    with bound(port) as sock, private_folder() as folder:
        app = application(editor, Sessions(), folder, credentials)
        address = f"http://{HOST}:{sock.getsockname()[1]}"
        tell(f"{address} (this machine alone; Ctrl+C ends it)")
        if browser:
            threading.Timer(1.0, webbrowser.open, [address]).start()
        signal.signal(signal.SIGTERM, _ends)  # uvicorn stops, then hands the signal on: the folder must still go
        config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1, ws="none")
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[sock])


def _ends(*_: object) -> None:
    raise KeyboardInterrupt
