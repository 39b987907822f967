"""Weights by name: where they are looked for, and how they are fetched from a server of our own."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mien import Editor, MienError, shelf
from mien.cli import main
from mien.info import weights
from mien.shelf import DEFAULT, Entry, clone, fetch, find, index, located
from mien.synthesis.painter import Painter
from support import write_painter


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The user's cache, empty; mien runs from no clone."""
    monkeypatch.setenv(shelf.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(shelf, "clone", lambda: None)
    return tmp_path / "cache"


@pytest.fixture
def entry(tmp_path, monkeypatch) -> Entry:
    """An index in which 'uc-gan' is a small network of the tests, in tmp_path/release."""
    (tmp_path / "release").mkdir()
    data = write_painter(tmp_path / "release" / "uc-gan.onnx").read_bytes()
    made = Entry("uc-gan.onnx", len(data), hashlib.sha256(data).hexdigest(), "CC0-1.0", "a tiny one")
    entries = index() | {"uc-gan": made}
    monkeypatch.setattr(shelf, "index", lambda: entries)
    monkeypatch.setattr("mien.info.index", lambda: entries)
    return made


@pytest.fixture
def server(tmp_path, entry, monkeypatch):
    """A release page on this machine; the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "release")))
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    monkeypatch.setenv(shelf.RELEASES_VARIABLE, f"http://127.0.0.1:{http.server_port}/")
    yield asked
    http.shutdown()
    thread.join()
    http.server_close()


def run(*arguments: object, capsys: pytest.CaptureFixture) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def test_fetched_checked_and_used(cache, server, entry, tmp_path):
    told = []
    path = fetch("uc-gan", lambda done, size: told.append((done, size)))
    assert path == cache / "uc-gan.onnx" and told[-1] == (entry.bytes, entry.bytes)
    assert path.read_bytes() == (tmp_path / "release" / "uc-gan.onnx").read_bytes()
    assert [p.name for p in cache.iterdir()] == ["uc-gan.onnx"] and server == ["/uc-gan.onnx"]
    assert fetch("uc-gan") == find("uc-gan") == path and len(server) == 1  # it is there
    assert isinstance(Editor("uc-gan").generator, Painter)
    one = next(one for one in weights() if one["file"] == "uc-gan.onnx")
    assert one["checked"] and one["path"] == str(path) and one["licence"] == "CC0-1.0"
    path.write_bytes(b"of another version")
    assert located("uc-gan") is None
    assert not next(one for one in weights() if one["file"] == "uc-gan.onnx")["checked"]
    assert fetch("uc-gan") == path and located("uc-gan") == path


@pytest.mark.parametrize("wrong", ["exchanged", "longer", "cut short", "absent"])
def test_what_is_not_the_file_leaves_nothing(wrong, cache, server, entry, tmp_path):
    served = tmp_path / "release" / "uc-gan.onnx"
    data = served.read_bytes()
    changed = {"exchanged": data[:-1] + bytes([data[-1] ^ 1]), "longer": data + b"x", "cut short": data[:-9]}
    served.write_bytes(changed[wrong]) if wrong in changed else served.unlink()
    says = {"cut short": "it ends after", "absent": "cannot fetch .*(404|File not found)"}.get(wrong, "SHA-256 differs")
    with pytest.raises(MienError, match=says):
        fetch("uc-gan")
    assert not list(cache.iterdir())


def test_no_network(cache, server, monkeypatch):
    monkeypatch.setenv(shelf.RELEASES_VARIABLE, "http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(MienError, match=r"cannot fetch http://127.0.0.1:9/uc-gan.onnx: .*refused"):
        fetch("uc-gan")
    for address in ("file:///etc", "ftp://x"):
        monkeypatch.setenv(shelf.RELEASES_VARIABLE, address)
        with pytest.raises(MienError, match="must be an https address"):
            fetch("uc-gan")
    assert not list(cache.iterdir())


def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(shelf.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(shelf, "clone", lambda: None)
    with pytest.raises(MienError, match="cannot write"):
        fetch("uc-gan")
    assert not server


def test_where_a_name_is_looked_for(cache, entry, tmp_path, monkeypatch):
    """Package, then clone, then cache; what lies in a clone must be what the index says."""
    data = (tmp_path / "release" / "uc-gan.onnx").read_bytes()
    folders = [tmp_path / "src" / "mien" / "weights", tmp_path / "weights", cache]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "uc-gan.onnx").write_bytes(data)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(shelf, "PACKAGE", folders[0])
    monkeypatch.setattr(shelf, "clone", clone)
    for folder in folders:
        assert find("uc-gan") == folder / "uc-gan.onnx"
        (folder / "uc-gan.onnx").unlink()
    (folders[1] / "uc-gan.onnx").write_bytes(b"other")
    with pytest.raises(MienError, match="SHA-256 differs"):
        find("uc-gan")
    (tmp_path / "pyproject.toml").unlink()  # an installed package has none
    assert clone() is None
    with pytest.raises(MienError, match="mien weights fetch uc-gan"):
        find("uc-gan")


def test_names_and_paths(cache, tmp_path, monkeypatch):
    assert find(DEFAULT) == shelf.PACKAGE / "generator.onnx"
    monkeypatch.chdir(tmp_path)
    for text in ("missing.onnx", "folder/model", "./model", "/model"):
        assert find(text) == Path(text)
    with pytest.raises(MienError, match="no weights are called 'ucgan': give default, uc-gan or the path"):
        find("ucgan")
    Path("ucgan").touch()
    assert find("ucgan") == Path("ucgan") and find(Path("uc-gan")) == Path("uc-gan")


def test_only_fetch_uses_the_network(cache, server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").touch()
    for command in (["edit", "a.png", "-e", "happy"], ["sheet", "a.png"], ["demo"]):
        code, said, err = run(*command, "-o", "b.png", "--model", "uc-gan", capsys=capsys)
        assert (code, said) == (2, "") and err.count("\n") == 1
    assert err == "mien: the weights 'uc-gan' are not here: 'mien weights fetch uc-gan' fetches them\n"
    code, said, _ = run("weights", "list", capsys=capsys)
    assert code == 0 and "not here: mien weights fetch uc-gan" in said
    assert run("info", capsys=capsys)[0] == 0 and not server
    code, said, err = run("weights", "fetch", "uc-gan", capsys=capsys)
    assert (code, said) == (0, f"{cache / 'uc-gan.onnx'}\n") and server == ["/uc-gan.onnx"]
    assert "Traceback" not in err
    told = json.loads(run("weights", "list", "--json", capsys=capsys)[1])
    assert [one["name"] for one in told] == [DEFAULT, "uc-gan"] and told[1]["path"] == str(cache / "uc-gan.onnx")
    assert json.loads(run("weights", "fetch", "default", "--json", capsys=capsys)[1])["name"] == DEFAULT


def test_what_cannot_be_fetched_is_one_line(cache, monkeypatch, capsys):
    monkeypatch.delenv(shelf.RELEASES_VARIABLE, raising=False)
    monkeypatch.setattr(shelf, "RELEASES", "")
    for name, says in (("uc-gan", "has no release page yet; a clone"), ("ucgan", "no weights are called 'ucgan'")):
        code, said, err = run("weights", "fetch", name, capsys=capsys)
        assert (code, said) == (2, "") and says in err and err.startswith("mien: ") and err.count("\n") == 1
    assert not cache.exists()


def test_the_index_knows_what_the_clone_holds():
    """Weights in a clone's folder are those that this version would fetch, in at most 24 MB, with their manifest."""
    entry, folder = index()["uc-gan"], clone()
    path = folder / entry.file if folder else None
    if path is None or not path.is_file():
        pytest.skip("no weights/uc-gan.onnx yet")
    data = path.read_bytes()
    assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest()) and len(data) <= 24e6
    manifest = json.loads(path.with_suffix(".json").read_text())
    assert manifest["sha256"] == entry.sha256 and manifest["licence"] == entry.licence
