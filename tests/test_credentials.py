"""C2PA: signing with a certificate chain of our own, reading back, and what is said of bad ones."""

import json

import numpy as np
import pytest
from PIL import Image

from mien.cli import main
from mien.editor import Editor
from mien.errors import MienError
from mien.provenance import COMPOSITE, inspect
from support import photo

pytest.importorskip("c2pa")
from certificates import write_chain
from mien import credentials


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return write_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tif"])
def test_an_edit_is_signed_and_read_back(editor, two_faces, chain, tmp_path, extension):
    Image.fromarray(photo()).save(tmp_path / "in.png")
    edit = editor.edit(tmp_path / "in.png", "happy")
    out = edit.save(tmp_path / f"out{extension}", credentials=credentials.load(*chain))
    told = credentials.read(out)
    assert told["state"] == "Valid" and told["signed_by"] == "mien test signer" and told["generator"] == ["mien"]
    assert [one["action"] for one in told["actions"]] == ["c2pa.opened", "c2pa.edited"]
    assert told["actions"][1]["digitalSourceType"] == COMPOSITE
    assert told["problems"] == ["signingCredential.untrusted"]  # nobody knows our root
    assert inspect(out).source_type == COMPOSITE and inspect(out).edits == [edit.step] == told["edits"]
    plain = edit.save(tmp_path / f"plain{extension}")
    assert credentials.read(plain) is None
    with Image.open(out) as a, Image.open(plain) as b:
        assert np.array_equal(np.asarray(a), np.asarray(b))
    # the photo as it was is not in there
    assert b"thumbnail" not in out.read_bytes()


def test_an_edit_of_a_signed_edit_keeps_the_first_signature(editor, two_faces, chain, tmp_path):
    signer = credentials.load(*chain)
    first = editor.edit(photo(), "happy").save(tmp_path / "a.png", credentials=signer)
    assert [one["action"] for one in credentials.read(first)["actions"]] == ["c2pa.created", "c2pa.edited"]
    second = editor.edit(first, "sad").save(tmp_path / "b.jpg", credentials=signer)
    assert credentials.read(second)["state"] == "Valid"
    assert second.read_bytes().count(b"happy") >= 2  # in the XMP and in the manifest of before


def test_a_change_after_signing_is_seen(editor, two_faces, chain, tmp_path, capsys):
    out = editor.edit(photo(), "happy").save(tmp_path / "a.jpg", credentials=credentials.load(*chain))
    data = bytearray(out.read_bytes())
    data[-1000] ^= 1
    out.write_bytes(data)
    assert credentials.read(out)["state"] == "Invalid"
    with pytest.raises(SystemExit):
        main(["inspect", str(out)])
    assert "NOT sound" in capsys.readouterr().out


def test_the_settings_file(chain, tmp_path, monkeypatch, stand_in, two_faces, capsys):
    Image.fromarray(photo()).save(tmp_path / "in.png")
    (tmp_path / "c2pa.toml").write_text(f"certificate = '{chain[0]}'\nkey = '{chain[1]}'\n")
    monkeypatch.setenv(credentials.SETTINGS, str(tmp_path / "c2pa.toml"))
    for command in (["edit", "-e", "happy"], ["sheet"]):
        out = tmp_path / f"{command[0]}.png"
        with pytest.raises(SystemExit) as leaving:
            main([command[0], str(tmp_path / "in.png"), *command[1:], "-o", str(out), "--model", str(stand_in)])
        assert not leaving.value.code
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(["inspect", str(out), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["c2pa"]["state"] == "Valid" and told["c2pa"]["edits"] == told["edits"]


def test_bad_certificates_are_one_line_before_any_work(chain, tmp_path, monkeypatch):
    other = write_chain(tmp_path)
    (tmp_path / "noise.pem").write_bytes(b"\xff\x00")
    (tmp_path / "text.pem").write_text("hello")
    root = tmp_path / "root.pem"
    root.write_text("-----BEGIN CERTIFICATE-----" + chain[0].read_text().split("-----BEGIN CERTIFICATE-----")[2])
    (tmp_path / "bad.toml").write_text("certificate = 1")
    cases = [
        ((chain[0], None), "needs both"),
        ((None, chain[1]), "needs both"),
        ((tmp_path / "no.pem", chain[1]), "cannot read"),
        ((tmp_path / "noise.pem", chain[1]), "not a PEM file"),
        ((tmp_path / "text.pem", chain[1]), "no certificate in PEM"),
        ((chain[0], tmp_path / "text.pem"), "no private key in PEM"),
        ((chain[0], other[1]), "is not the key of"),
        ((root, chain[1]), "is not the key of"),
    ]
    for files, words in cases:
        with pytest.raises(MienError, match=words) as wrong:
            credentials.load(*files)
        assert "\n" not in str(wrong.value)
    monkeypatch.setenv(credentials.SETTINGS, str(tmp_path / "bad.toml"))
    with pytest.raises(MienError, match="two lines"):
        credentials.load()
    monkeypatch.delenv(credentials.SETTINGS)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert credentials.load() is None
