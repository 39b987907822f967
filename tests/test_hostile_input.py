"""What strangers' files did before they were fuzzed (bench/fuzz): each once more, and nothing leads out of a folder."""

import base64
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from evaluation.small import expression_judge
from made_prepared import change_rows, change_told, write_prepared
from mien.augment.make import Options, augment
from mien.data.databases import DATABASES
from mien.data.journal import Journal as Preparing
from mien.data.labelled import licence_of
from mien.data.manifest import read_dataset, read_manifest
from mien.data.prepare import prepare
from mien.data.prepared import check_prepared, read_prepared
from mien.decoding import most_pixels
from mien.editor import Editor
from mien.errors import MienError
from mien.evaluation.methods import Identity
from mien.evaluation.pictures import Pictures
from mien.evaluation.protocol import read_protocol
from mien.evaluation.seen import Store
from mien.formats import encode
from mien.inside import outside, target
from mien.picture import as_picture
from mien.picture import read as read_picture
from mien.provenance import stamped
from mien.surfaces.folders.journal import Journal
from mien.surfaces.folders.runs import is_done
from mien.synthesis.session import open_weights

HEAD = {"format": 1, "size": 64}


@pytest.fixture
def prepared(tmp_path) -> Path:
    return write_prepared(tmp_path / "prepared", takes=1)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"database": None}, "database must be text"),
        ({"options": "64"}, "options.size must be px"),
        ({"options": {}}, "options.size must be px"),
        ({"options": {"size": float("inf")}}, "options.size must be px"),
        ({"options": {"size": True}}, "options.size must be px"),
        ({"options": {"size": 10**9}}, "options.size must be px, 1 to 4096"),
        ({"counts": "x"}, "counts must be a table"),
        ({"counts": {"by_split": ["train"]}}, "by_split must be a table of whole numbers"),
        ({"counts": {"by_expression": {"happy": "many"}}}, "by_expression must be a table"),
        ({"title": 3}, "title must be text"),
        ({"fit_for": []}, "fit_for must be text"),
    ],
)
def test_a_description_of_the_wrong_shape_is_one_line(told, says, prepared):
    change_told(prepared, **told)
    with pytest.raises(MienError, match=says) as error:
        read_dataset(prepared)
    assert "\n" not in str(error.value)


def test_a_description_that_says_little(prepared):
    told = {"format": 1, "database": "folder", "options": {"size": 64}}
    (prepared / "dataset.json").write_text(json.dumps(told))
    assert "not told" in licence_of(read_dataset(prepared), "made of")
    with pytest.raises(MienError, match="fit for nothing that it tells"):
        check_prepared(prepared, 32, 0)


def test_a_description_nested_a_hundred_thousand_times(prepared):
    (prepared / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(MienError, match="is not the description"):
        read_dataset(prepared)


@pytest.mark.parametrize("crop", ["../elsewhere.png", "crops/../../elsewhere.png", "/etc/elsewhere.png", "..\\e.png"])
def test_a_manifest_reads_no_file_outside_its_folder(crop, prepared):
    change_rows(prepared, lambda row: row | {"crop": crop} if row["crop"] == "crops/dora/happy0.png" else row)
    for read in (
        read_manifest,
        lambda f: read_prepared(f, ("neutral", "happy"), 32),
        lambda f: read_protocol(f, "val"),
    ):
        with pytest.raises(MienError, match="lies outside the folder"):
            read(prepared)


def test_dots_inside_names_are_fine(prepared):
    change_rows(prepared, lambda row: row | {"crop": row["crop"].replace("happy0", "happy..0")})
    assert len(read_manifest(prepared)) == 18


LINES = (
    "null", "7", '{"name": "a"}', '{"name": [], "digest": "", "trouble": "", "stamp": ""}', "[" * 100_000,
    '{"name": "a", "digest": "", "trouble": "", "stamp": "", "row": 3}',
)  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_lines_that_no_run_wrote_are_done_again(line, tmp_path):
    first = json.dumps(HEAD)
    for journal in (Preparing, lambda folder, head: Journal(folder / ".progress.jsonl", head)):
        (tmp_path / ".progress.jsonl").write_text(f"{first}\n{line}\n")
        with journal(tmp_path, HEAD) as opened:
            assert not opened.entries
        assert (tmp_path / ".progress.jsonl").read_text() == f"{first}\n"
        (tmp_path / ".progress.jsonl").write_text(f"{line}\n")
        try:
            journal(tmp_path, HEAD).file.close()
        except MienError as error:
            assert "other options" in str(error)


def test_a_row_of_a_batch_that_no_run_wrote_is_done_again(tmp_path):
    (tmp_path / "a.png").touch()
    with Journal(tmp_path / "j", HEAD) as journal:
        stamp = f"{(tmp_path / 'a.png').stat().st_size} {(tmp_path / 'a.png').stat().st_mtime_ns}"
        for told in ({}, {"failed": 0, "rows": 3}, {"failed": 0, "rows": [{}]}, {"failed": 0, "rows": ["x"]}):
            journal.add({"input": "a.png", "stamp": stamp, **told})
            assert not is_done("a.png", tmp_path, tmp_path, journal)


@pytest.mark.parametrize("name", ["", "..", ".", "made.jsonl", "../victim.png", None, 3])
def test_pictures_made_before_are_of_this_folder(name, tmp_path):
    (tmp_path / "victim.png").touch()
    folder = tmp_path / "made"
    folder.mkdir()
    long = json.dumps({"file": "x" * 5000 + ".png", "key": "k"}).encode()
    (folder / "made.jsonl").write_bytes(long + b"\n")
    Pictures(folder, Identity("i"), 64).make([])
    (folder / "made.jsonl").write_bytes(json.dumps({"file": name, "key": "k"}).encode() + b"\n\x9b\n[[\n")
    pictures = Pictures(folder, Identity("i"), 64)
    assert not pictures.made
    pictures.make([])
    assert (tmp_path / "victim.png").exists() and (folder / "made.jsonl").exists()


def test_judgements_that_no_judge_wrote_are_asked_again(tmp_path):
    path = tmp_path / "p-v.jsonl"
    for line in ('{"key": "k", "seen": []}', "[" * 100_000, '{"key": "k", "seen": {"p": 3}}'):
        path.write_text(f"{line}\n")
        Store(tmp_path, "p", "v")
        assert path.read_text() == ""


def test_augment_removes_nothing_outside(prepared, tmp_path, stand_in):
    """Of an OUT that came from somebody else: its journal names files that are not in it."""
    editor, options = Editor(stand_in), Options(expressions=("happy",), per_person=1)
    augment(prepared, tmp_path / "out", editor, options)
    victim = tmp_path / "victim.png"
    victim.touch()
    entry = {"digest": "", "trouble": "", "stamp": "", "row": {}}
    with (tmp_path / "out" / ".progress.jsonl").open("a") as file:
        for name in ("../victim.png", str(victim), "x" * 5000):
            file.write(json.dumps({"name": name, **entry}) + "\n")
    augment(prepared, tmp_path / "out", editor, options)
    assert victim.exists()


def test_augment_follows_no_link_out(prepared, tmp_path, stand_in):
    editor, options = Editor(stand_in), Options(expressions=("happy",), per_person=1)
    augment(prepared, tmp_path / "out", editor, options)
    for path in (tmp_path / "out" / "happy").iterdir():
        path.unlink()
    (tmp_path / "out" / "happy").rmdir()
    (tmp_path / "else").mkdir()
    os.symlink(tmp_path / "else", tmp_path / "out" / "happy")
    with pytest.raises(MienError, match="a link that leads out"):
        augment(prepared, tmp_path / "out", editor, options)
    assert not list((tmp_path / "else").iterdir())


def test_prepare_follows_no_link_out(tmp_path):
    from data.trees import picture

    for who in ("a", "b"):
        for name in ("happy", "sad"):
            picture(tmp_path / "db" / who / name / "1.png")
    out, other = tmp_path / "out", tmp_path / "else"
    out.mkdir()
    other.mkdir()
    (out / ".progress.jsonl").touch()
    (other / "mine.png").touch()
    os.symlink(other, out / "crops")
    with pytest.raises(MienError, match="a link that leads out"):
        prepare(DATABASES["folder"], tmp_path / "db", out, workers=1)
    assert [path.name for path in other.iterdir()] == ["mine.png"]


def test_a_table_with_a_name_longer_than_any(tmp_path):
    (tmp_path / "t.csv").write_text(f"path,identity,expression\n{'é' * 5000}.png,anna,happy\n")
    with pytest.raises(MienError, match="nothing in"):
        prepare(DATABASES["folder"], tmp_path / "t.csv", tmp_path / "out", workers=1)


def test_the_xmp_of_a_deep_png_is_the_packet_and_nothing_more():
    """OpenCV wrote what lay behind it in memory too, and its letters as Latin-1."""
    picture = as_picture(np.full((4, 5, 3), 40_000, np.uint16))
    for size in range(1, 40):
        told = stamped(picture, {"mien": "é" * size, "edited": True})
        with Image.open(io.BytesIO(encode(told, "PNG"))) as image:
            image.load()
            assert image.info["XML:com.adobe.xmp"].encode() == told.xmp


def test_what_lies_outside(tmp_path):
    for name in ("../x", "/x", "a/../../x", "a\\..\\x", "a\0b"):
        assert outside(name)
    assert not outside("a/..b/c..d")
    for name in ("../x", "/x", "a\0b"):
        with pytest.raises(MienError, match="outside"):
            target(tmp_path, name)
    assert target(tmp_path, "a/b.png") == tmp_path / "a" / "b.png"


def test_a_network_that_wants_a_million_pictures_at_once(tmp_path):
    from onnx import TensorProto, helper

    from evaluation.small import card
    from mien.evaluation.network import Network

    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, [1_000_000, 3, 32, 32])
    said = helper.make_tensor_value_info("said", TensorProto.FLOAT, [1_000_000, 3, 32, 32])
    graph = helper.make_graph([helper.make_node("Identity", ["face"], ["said"])], "judge", [face], [said])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "judge.onnx"
    path.write_bytes(model.SerializeToString())

    card(path, hashlib.sha256(path.read_bytes()).hexdigest(), kind="identity", output="descriptor")
    with pytest.raises(MienError, match="wants 1000000 pictures of 32 px at once"):
        Network(path)


def test_a_network_with_names_that_are_no_text(tmp_path):
    path = expression_judge(tmp_path / "judge.onnx")
    path.write_bytes(path.read_bytes().replace(b"face", b"fac\x80"))
    path.with_suffix(".json").unlink()
    with pytest.raises(MienError, match="not UTF-8"):
        open_weights(path)


@pytest.mark.parametrize(
    ("kind", "depth", "side", "refused"),
    [(2, 8, 13_000, False), (6, 8, 13_000, False), (2, 16, 12_800, False), (6, 16, 11_200, False),
     (2, 8, 13_100, True), (2, 16, 12_900, True), (6, 16, 11_300, True), (4, 16, 11_300, True)],
)  # fmt: skip
def test_pictures_are_limited_by_what_reading_them_takes(kind, depth, side, refused, tmp_path):
    head = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 99)), (b"IEND", b"")]
    (tmp_path / "x.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    )
    with warnings.catch_warnings(action="ignore"), Image.open(tmp_path / "x.png") as image:
        assert (side * side > most_pixels(image)) == refused
    if refused:
        with pytest.raises(MienError, match="million pixels; make it smaller first"):
            read_picture(tmp_path / "x.png")


PEAK = """
import sys
from mien.picture import read
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
before = peak()
picture = read(sys.argv[1])
print((peak() - before) / picture.rgb[..., 0].size)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize(("end", "depth", "most"), [("png", 16, 17), ("tiff", 16, 17), ("png", 8, 12), ("webp", 8, 17)])
def test_bytes_a_pixel_while_a_picture_is_read(end, depth, most, tmp_path):
    """The peak of a process of its own, as `most_pixels` counts with; bench/fuzz/bombs.py measures it at the limit."""
    pixels = np.zeros((3000, 4000, 4), np.uint16 if depth == 16 else np.uint8)
    pixels[::7] = 90
    (tmp_path / "x").write_bytes(cv2.imencode(f".{end}", pixels)[1].tobytes())
    done = subprocess.run([sys.executable, "-c", PEAK, tmp_path / "x"], capture_output=True, check=True)
    assert float(done.stdout) < most + 1.5  # of 12 million pixels: bands, and what comes with the first picture


def test_a_certificate_whose_key_cannot_be_read(tmp_path):
    """Its kind of key is unknown, or its curve's point is none."""
    pytest.importorskip("c2pa")
    from certificates import write_chain
    from mien import credentials

    chain, key = write_chain(tmp_path)
    text = chain.read_text()
    first = base64.b64decode("".join(text.split("-----")[2].split()))
    ec = bytes.fromhex("06072a8648ce3d0201")  # id-ecPublicKey
    at = first.index(ec)
    point = first.index(b"\x03\x42\x00\x04", at)
    for changed in (
        first[: at + 8] + b"\x7d" + first[at + 9 :],
        first[: point + 4] + bytes(64) + first[point + 68 :],
    ):
        rest = text.split("-----END CERTIFICATE-----", 1)[1]
        chain.write_text(
            "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(changed).decode() + "-----END CERTIFICATE-----" + rest
        )
        with pytest.raises(MienError, match="has no public key that can be read"):
            credentials.load(chain, key)


def test_a_report_of_crops_of_another_size_and_of_faces_nowhere(tmp_path):
    from contextlib import nullcontext

    from evaluation.small import prepared as small
    from mien.evaluation import run as evaluation

    folder = small(tmp_path / "p")
    options = evaluation.Options(folder, "val", ("identity",), tmp_path / "out", targets=("happy",), strengths=(1.0,))
    change_told(folder, options={"size": 3})
    told, _ = evaluation.evaluate(options, lambda title: nullcontext(lambda done, of: None))
    assert told["failures"]["identity"]["unreadable_inputs"] == ["happy.png", "neutral.png"]
    assert len(told["failures"]["identity"]["not_made"]) == told["failures"]["identity"]["asked"]
    for landmarks in ("nan " * 136, "1e300 " * 136, "1 1 " * 68):
        change_rows(folder, lambda row, landmarks=landmarks: row | {"landmarks": landmarks.strip()})
        with pytest.raises(MienError, match="has no landmarks or transform"):
            read_protocol(folder, "val")


@pytest.mark.parametrize("landmarks", ["nan " * 136, "inf " * 136, "1 " * 136])
def test_a_face_that_lies_nowhere(landmarks, prepared):
    from mien.augment.make import face_of
    from mien.data.labelled import read_rows

    change_rows(prepared, lambda row: row | {"landmarks": landmarks.strip()})
    with pytest.raises(MienError, match="does not say where the face lies"):
        face_of(read_rows(prepared)[0], 64)


def test_digits_that_are_none_to_int():
    """'²'.isdigit() is true, and int() takes no more than 4300 of the others."""
    from mien.cli.data import _frames
    from mien.data.filters import _matches
    from mien.surfaces.camera import opened
    from mien.surfaces.folders.runs import check_face
    from mien.surfaces.stimuli.framing import framing_of

    for odd in ("²", "9" * 5000):
        for read_it in (_frames, check_face, lambda text: framing_of(f"{text}x{text}")):
            with pytest.raises(MienError):
                read_it(odd)
        with pytest.raises(MienError, match="a camera is a number"), opened(odd):
            pass
        assert not _matches(odd, "half-045")
    assert _matches("45", "half-045")
