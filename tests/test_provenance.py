"""What a file says of how it was made: written, kept, merged, read back."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from mien import __version__, formats, picture, provenance, xmp
from mien.cli import main
from mien.editor import Editor
from mien.errors import MienError
from mien.provenance import COMPOSITE, RECORD, SOURCE_TYPE, SYNTHETIC, TYPES, inspect
from support import photo

OWN = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:1"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" xmlns:ext="{SOURCE_TYPE.space}"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" tiff:Orientation="6" GPano:ProjectionType="equirectangular">
<dc:creator><rdf:Seq><rdf:li>Zo\u00eb &amp; Co</rdf:li></rdf:Seq></dc:creator>
<ext:DigitalSourceType>{TYPES}digitalCapture</ext:DigitalSourceType>
<xmp:Thumbnails>the old face</xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>   """.encode()
CREATOR = xmp.Name("http://purl.org/dc/elements/1.1/", "dc", "creator")
TURN = xmp.Name("http://ns.adobe.com/tiff/1.0/", "tiff", "Orientation")
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + OWN.replace(b"Zo", b"&b;")
FORMATS = [".jpg", ".png", ".webp", ".tif"]


def save(path, packet: bytes, pixels: np.ndarray | None = None):
    """A file that has this XMP, written by Pillow alone."""
    image = Image.fromarray(photo() if pixels is None else pixels)
    if path.suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet.decode())
        image.save(path, pnginfo=text)
    elif path.suffix == ".tif":
        image.save(path, tiffinfo={700: packet})
    else:
        image.save(path, xmp=packet)
    return path


@pytest.fixture(scope="module")
def editor(stand_in) -> Editor:
    return Editor(stand_in)


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_a_saved_edit_says_what_was_done_and_keeps_the_photos_own(editor, two_faces, tmp_path, source, target):
    path = save(tmp_path / f"in{source}", OWN)
    out = editor.edit(path, "happy:0.8", 0.5, "all").save(tmp_path / f"out{target}")
    said = inspect(out)
    assert said.source_type == COMPOSITE
    assert said.edits == [
        {
            "mien": __version__,
            "edited": True,
            "expression": "happy:0.8",
            "strength": 0.5,
            "faces": [[round(float(v), 1) for v in face.box] for face in two_faces],
            "model": {"name": "stand-in", "sha256": hashlib.sha256(editor.generator.path.read_bytes()).hexdigest()},
            "input": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
            "source_type_before": f"{TYPES}digitalCapture",
        }
    ]
    packet = picture.read(out).xmp.decode()
    assert "Zo\u00eb &amp; Co" in packet and 'GPano:ProjectionType="equirectangular"' in packet
    assert packet.count("DigitalSourceType>") == 2 and "the old face" not in packet
    assert xmp.get(packet.encode(), TURN) in ("1", None)  # Pillow removes it from a TIFF that it has turned
    plain = editor.edit(path, "happy:0.8", 0.5, "all").save(tmp_path / f"plain{target}", provenance=False)
    assert np.array_equal(picture.read(plain).pixels, picture.read(out).pixels)
    assert inspect(plain).edits == [] and inspect(plain).source_type == f"{TYPES}digitalCapture"


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits(editor, two_faces, tmp_path, extension, alpha):
    pixels = photo().astype(np.uint16) * 257
    pixels = np.dstack([pixels, pixels[..., 0]]) if alpha else pixels
    edit = editor.edit(pixels, "sad")
    out = edit.save(tmp_path / f"out{extension}")
    said = inspect(out)
    assert said.source_type == COMPOSITE and said.edits == [edit.step]
    wanted = hashlib.sha256(np.ascontiguousarray(pixels[..., :3]).tobytes())
    if alpha:
        wanted.update(np.ascontiguousarray(pixels[..., 3]).tobytes())
    assert said.edits[0]["input"] == {"pixels_sha256": wanted.hexdigest()}
    assert np.array_equal(picture.read(out).pixels, edit.image)


def test_strength_zero_says_not_edited(editor, two_faces, tmp_path):
    path = save(tmp_path / "in.png", OWN)
    out = editor.edit(path, "happy", 0).save(tmp_path / "out.png")
    said = inspect(out)
    assert said.source_type == f"{TYPES}digitalCapture" and [one["edited"] for one in said.edits] == [False]
    assert np.array_equal(picture.read(out).pixels, picture.read(path).pixels)


def test_an_edit_of_an_edit_says_both_and_the_same_edit_gives_the_same_bytes(editor, two_faces, tmp_path):
    first = editor.edit(photo(), "happy").save(tmp_path / "a.png")
    assert editor.edit(photo(), "happy").save(tmp_path / "b.png").read_bytes() == first.read_bytes()
    second = editor.edit(first, "sad").save(tmp_path / "c.jpg")
    edits = inspect(second).edits
    assert [one["expression"] for one in edits] == ["happy", "sad"]
    assert edits[1]["input"] == {"sha256": hashlib.sha256(first.read_bytes()).hexdigest()}


def test_many_edits_still_fit_a_jpeg(editor, two_faces, tmp_path):
    edit = editor.edit(photo(), "happy", face="all")
    one = edit.picture
    for _ in range(100):
        one = provenance.stamped(one, edit.step)
    assert len(inspect(formats.write(tmp_path / "a.jpg", one)).edits) == provenance.MAX_STEPS


def test_what_is_synthetic_stays_so(editor, two_faces, tmp_path):
    path = save(tmp_path / "in.png", OWN.replace(b"digitalCapture", SYNTHETIC.rpartition("/")[2].encode()))
    assert inspect(editor.edit(path, "happy").save(tmp_path / "out.png")).source_type == SYNTHETIC


BAD = {
    "a document type": LAUGHS,
    "no XML": b"\xff\xff<a",
    "cut": OWN[:300],
    "no rdf": b"<a/>",
    "deep": b"<a>" * 5000 + b"</a>" * 5000,
    "large": OWN.replace(b"Zo", b"Z" * (5 << 20)),
    "hidden in another encoding": LAUGHS.decode().encode("utf-16"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_strangers_packet_is_left_behind(case):
    assert xmp.tidy(BAD[case]) == b"" and xmp.get(BAD[case], CREATOR) is None
    made = xmp.put(BAD[case], {RECORD: "a <&> b"})
    assert xmp.get(made, RECORD) == "a <&> b" and len(made) < 1000


@pytest.mark.parametrize("record", ["[", "[]", "1", '{"edits": 3}', '{"edits": [1, null]}', "[" * 100_000])
def test_a_record_that_is_none(tmp_path, record):
    path = save(tmp_path / "a.png", xmp.put(b"", {RECORD: record}), photo(8, 8))
    assert inspect(path).edits == []


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(OWN)), st.integers(0, 40))
def test_a_damaged_packet_is_read_or_left(noise, at, cut):
    packet = OWN[:at] + noise + OWN[at + cut :]
    assert xmp.get(xmp.put(xmp.tidy(packet), {RECORD: "x"}), RECORD) == "x"


def test_the_commands(stand_in, two_faces, tmp_path, capsys):
    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert not leaving.value.code and not captured.err
        return captured.out

    Image.fromarray(photo()).save(tmp_path / "in.png")
    for command in (["edit", "-e", "fear"], ["sheet", "--strengths", "0.5,1"]):
        out, plain = tmp_path / f"{command[0]}.jpg", tmp_path / "plain.jpg"
        arguments = [command[0], tmp_path / "in.png", *command[1:], "--model", stand_in]
        run(*arguments, "-o", out)
        told = json.loads(run("inspect", out, "--json"))
        assert told["source_type"] == COMPOSITE and len(told["edits"]) == 1
        shown = run("inspect", out)
        assert (
            "fear" in shown
            and "stand-in" in shown
            and COMPOSITE in shown
            and told["edits"][0]["input"]["sha256"] in shown
        )
        run(*arguments, "-o", plain, "--no-provenance")
        told = json.loads(run("inspect", plain, "--json"))
        assert told == {"file": str(plain), "source_type": None, "edits": [], "c2pa": None}
        assert "nothing of mien" in run("inspect", plain)


def test_what_cannot_be_inspected(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"hello there")
    with pytest.raises(MienError, match="not an image"):
        inspect(tmp_path / "a.jpg")


def test_a_terminal_is_left_alone(tmp_path, capsys):
    record = json.dumps({"edits": [{"expression": "\x1b[2J\x9b", "faces": {}, "model": 3, "strengths": 1}]})
    path = save(tmp_path / "a.png", xmp.put(b"", {RECORD: record}), photo(8, 8))
    with pytest.raises(SystemExit):
        main(["inspect", str(path)])
    assert not set("\x1b\x9b") & set(capsys.readouterr().out)
