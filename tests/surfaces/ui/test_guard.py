import asyncio

import pytest

from mien.surfaces.ui.guard import MAX_WAITING, POLICY, Guard
from mien.surfaces.ui.state import MAX_BYTES

HERE = {"host": "127.0.0.1:7860"}


def ask(folder, path="/", head=HERE, kind="http"):
    """(status, headers) of what the guard lets through or refuses; the application behind it says 200."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"referrer-policy", b"unsafe-url")]})
        await send({"type": "http.response.body", "body": b""})

    said = []

    async def send(message):
        said.append(message)

    headers = [(k.encode(), v.encode("latin-1")) for k, v in head.items()]
    scope = {"type": kind, "path": path, "headers": headers, "method": "GET"}
    asyncio.run(Guard(app, folder)(scope, None, send))
    return said[0]["status"], [(k.decode(), v.decode()) for k, v in said[0]["headers"]]


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "127.0.0.1"])
def test_this_machine_is_answered(tmp_path, host):
    assert ask(tmp_path, head={"host": host})[0] == 200
    assert ask(tmp_path, head={"host": host, "origin": f"http://{host}"})[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "192.168.0.2:7860", "", "[::1]:7860"])
def test_other_names_are_not(tmp_path, host):
    assert ask(tmp_path, head={"host": host})[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "http://localhost:7860"])
def test_other_pages_are_not(tmp_path, origin):
    assert ask(tmp_path, "/gradio_api/upload", HERE | {"origin": origin, "content-length": "5"})[0] == 403


def test_the_browser_is_told_to_reach_nobody(tmp_path):
    _, headers = ask(tmp_path)
    assert ("content-security-policy", POLICY) in headers
    assert [v for k, v in headers if k == "referrer-policy"] == ["no-referrer"]
    assert ("cache-control", "no-store") in headers
    assert "http" not in POLICY


@pytest.mark.parametrize("path", ["/gradio_api/proxy=http://a.example/", "/gradio_api/runs", "/monitoring"])
def test_what_gradio_offers_beside_the_page_is_shut(tmp_path, path):
    assert ask(tmp_path, path)[0] == 404
    assert ask(tmp_path, "/x", kind="websocket")[0] == 404


def test_uploads_are_limited_in_size_and_count(tmp_path):
    def upload(length):
        return ask(tmp_path, "/gradio_api/upload", HERE | ({} if length is None else {"content-length": length}))[0]

    assert upload(str(MAX_BYTES)) == 200
    assert upload(str(2 * MAX_BYTES)) == 413
    assert upload(None) == upload("-1") == upload("many") == 411
    for i in range(MAX_WAITING):
        (tmp_path / f"{i}").write_bytes(b"x")
    assert upload("5") == 429


def test_heads_that_nobody_should_send(tmp_path):
    """What the fuzzer's reader found: half an IPv6 address, and digits that are none to `int`."""
    assert ask(tmp_path, "/x", HERE | {"origin": "http://["})[0] == 403
    for length in ("\u00b2", "9" * 5000, "1_0", " 5"):
        assert ask(tmp_path, "/gradio_api/upload", HERE | {"content-length": length})[0] == 411
