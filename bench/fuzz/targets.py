"""What is fuzzed: for each target small valid files to start from, and what is done with an input."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mutate import SEAM

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))  # the makers of small folders and networks

Run = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """kind: of its mutations (`mutate`). seeds: inputs to start from. prepare: a folder of its own -> what to run."""

    kind: str
    seeds: Callable[[], list[bytes]]
    prepare: Callable[[Path], Run]


def _pictures() -> list[bytes]:
    """A small picture in every format, plain and with all that a file carries beside its pixels."""
    import numpy as np
    from PIL import Image, ImageCms

    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    image, exif = Image.fromarray(rgb), Image.Exif()
    exif[274], exif[271], exif[34665] = 6, "maker", {36867: "2020:01:01 00:00:00", 37500: b"note"}
    exif[34853] = {1: "N", 2: (1.0, 2.0, 3.0)}
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    from mien.provenance import RECORD, SOURCE_TYPE
    from mien.xmp import put

    xmp = put(b"", {RECORD: json.dumps({"edits": [{"mien": "0", "expression": "happy"}]}), SOURCE_TYPE: "x"})
    files = []

    def add(one: Image.Image, form: str, **more: object) -> None:
        buffer = io.BytesIO()
        one.save(buffer, form, **more)
        files.append(buffer.getvalue())

    for form in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"):
        add(image, form)
    add(image, "JPEG", exif=exif, icc_profile=icc, xmp=xmp, dpi=(300, 300))
    add(image, "JPEG", progressive=True, subsampling=0, exif=exif)
    add(image, "PNG", exif=exif, icc_profile=icc, dpi=(72, 72), pnginfo=_itxt(xmp))
    add(image, "WEBP", exif=exif.tobytes(), icc_profile=icc, xmp=xmp, lossless=True)
    read = Image.Exif()
    read.load(exif.tobytes())
    add(image, "TIFF", exif=read, icc_profile=icc)
    add(image, "TIFF", compression="tiff_lzw")
    add(image, "TIFF", compression="tiff_adobe_deflate")
    for mode in ("L", "LA", "1", "P", "RGBA"):
        add(image.convert(mode), "PNG")
    add(image.convert("CMYK"), "JPEG")
    add(image, "PNG", save_all=True, append_images=[image])
    add(image, "WEBP", save_all=True, append_images=[image])
    add(Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "PNG")
    add(Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "TIFF")
    import cv2

    for end in (".png", ".tiff"):
        files.append(cv2.imencode(end, rgb.astype(np.uint16) * 257)[1].tobytes())
    return files


def _itxt(xmp: bytes):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return info


def _picture(folder: Path) -> Run:
    import mien.picture
    from mien import MienError, provenance
    from mien.formats import encode

    folder.mkdir(parents=True)
    path = folder / "x"
    mien.picture.MAX_PIXELS = 4_000_000  # what the true limit costs is measured by bombs.py; here inputs are many

    def run(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(MienError):
            provenance.inspect(path)
        picture = mien.picture.read(path)
        assert picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3 and picture.rgb.dtype == "uint8"
        if picture.pixels.size < 300_000:  # and the copy can be written with all that came along
            told = provenance.stamped(picture, {"mien": "0", "edited": True})
            for form in ("PNG", "TIFF") if picture.pixels.dtype == "uint16" else ("PNG", "TIFF", "JPEG", "WEBP"):
                if form != "JPEG" or picture.alpha is None:
                    (folder / "y").write_bytes(encode(told, form))
                    assert provenance.inspect(folder / "y").edits, f"{form} has lost what was done"

    return run


def _xmp_seeds() -> list[bytes]:
    from mien.provenance import RECORD, SOURCE_TYPE
    from mien.xmp import put

    one = put(b"", {RECORD: json.dumps({"edits": [{"mien": "0"}]}), SOURCE_TYPE: "x"})
    return [
        one,
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Thumbnails><rdf:Alt><rdf:li>a</rdf:li></rdf:Alt>'
        b"</xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>",
    ]


def _xmp(folder: Path) -> Run:
    from mien import provenance, xmp

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        tidy = xmp.tidy(data)
        provenance._told(data)
        after = xmp.put(tidy, {provenance.RECORD: '{"edits": [{"a": 1}]}'})
        assert provenance._told(after).edits, "what was put in cannot be read back"

    return run


@cache
def _made() -> tuple[bytes, bytes]:
    import tempfile

    from made_prepared import write_prepared

    with tempfile.TemporaryDirectory() as folder:
        write_prepared(Path(folder) / "p", takes=1, renders=("happy",))
        return (Path(folder) / "p" / "manifest.csv").read_bytes(), (Path(folder) / "p" / "dataset.json").read_bytes()


def _prepared(folder: Path) -> Run:
    from made_prepared import write_prepared
    from mien import MienError
    from mien.augment.make import Options, chosen_parts, face_of
    from mien.augment.plan import people_of, plan
    from mien.data.labelled import licence_of, read_rows
    from mien.data.manifest import read_dataset, read_manifest
    from mien.data.prepared import check_prepared, read_prepared
    from mien.evaluation.protocol import read_protocol
    from mien.training.classifier.config import ClassifierConfig
    from mien.training.classifier.pictures import lesson

    write_prepared(folder, takes=1, renders=("happy",))

    def run(data: bytes) -> None:
        manifest, _, told = data.partition(SEAM)
        (folder / "manifest.csv").write_bytes(manifest)
        (folder / "dataset.json").write_bytes(told)
        for what in (
            lambda: read_manifest(folder),
            lambda: read_protocol(folder, "val"),
            lambda: lesson(folder, ClassifierConfig(size=32)),
            lambda: check_prepared(folder, 32, 0, ("neutral", "happy")),
            lambda: read_prepared(folder, ("neutral", "happy"), 32),
        ):
            with suppress(MienError):
                what()
        told, rows = read_dataset(folder), read_rows(folder)
        parts = chosen_parts(folder, told, Options())
        licence_of(told, "made of")
        planned = plan(people_of(rows, parts), ("happy", "sad"), (0.5, 1.0), 2, 1)
        for one in planned:
            assert not Path(one.name).is_absolute() and ".." not in Path(one.name).parts, one.name
        for row in rows[:4]:
            with suppress(MienError):
                face_of(row, 64)

    return run


TABLES = (
    b"path,identity,expression,pose,strength,split\na/happy/1.png,anna,happy,,0.5,train\na/sad/2.png,anna,sad,,,val\n",
    b"emotion,pixels,Usage\n0,"
    + b" ".join(b"%d" % (v % 256) for v in range(2304))
    + b",Training\n6,1 2 3,PublicTest\n",
    b"subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    b"103/abc123.png,0,0,9,9,1;2;3,1,0.1,-0.2\n103/def456.png,0,0,9,9,1;2;3,8,-2,-2\n",
    b"file;subject;label\na/happy/1.png;b;Happiness\n../x.png;c;sad\n",
)


def _tables(folder: Path) -> Run:
    import numpy as np
    from PIL import Image

    from mien import MienError
    from mien.data.check import check
    from mien.data.databases import DATABASES

    for name in ("a/happy/1.png", "a/sad/2.png", "103/abc123.png", "103/def456.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(name)).integers(50, 256, (8, 8, 3), np.uint8)
        Image.fromarray(noise).save(folder / name)

    def run(data: bytes) -> None:
        (folder / "table.csv").write_bytes(data)
        for name in ("folder", "fer2013", "affectnet", "raf-db"):
            with suppress(MienError):
                json.dumps(check(DATABASES[name], folder).as_dict()).encode()
        json.dumps(check(DATABASES["folder"], folder / "table.csv").as_dict()).encode()

    return run


def _names(folder: Path) -> Run:
    """Trees of odd names: one name a line, read as every database."""
    from mien import MienError
    from mien.data.databases import DATABASES
    from mien.data.locate import locate
    from mien.data.names import crop_names
    from mien.surfaces.folders.names import labels, stems

    def run(data: bytes) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for line in data.split(b"\n")[:24]:
            name = line.decode("utf-8", "surrogateescape").replace("\0", "")
            parts = [part[:60] for part in name.split("/") if part not in ("", ".", "..")][:6]
            with suppress(OSError, UnicodeError):
                (folder / "/".join(parts)).parent.mkdir(parents=True, exist_ok=True)
                (folder / "/".join(parts)).write_bytes(b"")
        for database in DATABASES.values():
            with suppress(MienError):
                found = locate(database, folder)
                for name in crop_names(found.reading.records):
                    assert ".." not in Path(name).parts and not Path(name).is_absolute() and name.startswith("crops/")
        lines = [line.decode("utf-8", "surrogateescape") for line in data.split(b"\n")[:24] if line.strip(b"/. ")]
        paths = [line for line in lines if not Path(line).name.startswith(".")]  # those are no pictures
        for made in (stems(paths, "png"), labels(paths)):
            assert len({one.lower() for one in made}) == len(set(paths)), "two photos get the same name"

    return run


NAMES = (
    b"anna/happy/1.jpg\nanna/neutral/2.jpg\nbert/sad/1.png\nbert/happy/x (1).png\n",
    b"Rafd090_01_Caucasian_female_happy_frontal.jpg\nRafd090_02_Caucasian_male_neutral_left.jpg\n",
    b"KDEF/AF01/AF01HAS.JPG\nKDEF/AF01/AF01NES.JPG\nKDEF/BM02/BM02AFHL.JPG\n",
    b"VL/Strong/P001/Anger/000.jpeg\nVL/Strong/P001/Happiness/001.jpeg\nNI/Dark/P002/Sadness/002.jpeg\n",
    b"cohn-kanade-images/S005/001/S005_001_00000001.png\nEmotion/S005/001/S005_001_00000001_emotion.txt\n",
    b"KA.AN1.39.tiff\nKA.HA1.29.tiff\nYM.NE1.49.tiff\n",
    b"basic/Image/aligned/train_00001_aligned.jpg\nbasic/EmoLabel/list_patition_label.txt\n",
)


def _configs() -> list[bytes]:
    files = [path.read_bytes() for path in sorted((ROOT / "configs").glob("*.toml"))]
    return [one + SEAM + b"seed=2\nloss.triplet_weight=0.5\nwidths=[1,2]" for one in files]


def _config(folder: Path) -> Run:
    from mien import MienError
    from mien.training import config
    from mien.training.classifier import config as classifier
    from mien.training.paper import config as paper

    folder.mkdir(parents=True)
    path = folder / "x.toml"

    def run(data: bytes) -> None:
        table, _, settings = data.partition(SEAM)
        path.write_bytes(table)
        words = settings.decode("utf-8", "surrogateescape").split("\n")[:8] if settings else []
        for read in (config.read_config, paper.read_config, classifier.read_config):
            for given, more in ((path, []), (path, words)):
                with suppress(MienError):
                    told = read(given, more)
                    json.dumps(told.as_dict())

    return run


def _expression(folder: Path) -> Run:
    from mien.expression import parse

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        found = parse(data.decode("utf-8", "surrogateescape"))
        assert parse(str(found)) == found and 0 <= found.amount <= 1.3
        assert found.weights.min() >= -1 and found.weights.max() <= 2

    return run


@cache
def _judge() -> tuple[bytes, dict]:
    import tempfile

    from evaluation.small import expression_judge

    with tempfile.TemporaryDirectory() as folder:
        path = expression_judge(Path(folder) / "judge.onnx")
        return path.read_bytes(), json.loads(path.with_suffix(".json").read_text())


def _card(folder: Path) -> Run:
    import numpy as np

    from mien import MienError
    from mien.evaluation.card import check_people
    from mien.evaluation.classifier import Classifier
    from mien.evaluation.judges import Onnx

    folder.mkdir(parents=True)
    network, _ = _judge()
    path = folder / "judge.onnx"
    path.write_bytes(network)

    def run(data: bytes) -> None:
        path.with_suffix(".json").write_bytes(data)
        with suppress(MienError):
            Classifier(path).called(np.zeros((2, 40, 40, 3), np.uint8))
        judge = Onnx(path)
        check_people(judge.card, "open", "val", ["a", "b"])
        shutil.rmtree(folder / "store", ignore_errors=True)
        judge.judge([np.zeros((40, 40, 3), np.uint8)], folder / "store")

    return run


@cache
def _stand_in() -> tuple[bytes, bytes]:
    import tempfile

    from support import write_stand_in

    with tempfile.TemporaryDirectory() as folder:
        path = write_stand_in(Path(folder) / "x.onnx")
        return path.read_bytes(), path.with_suffix(".json").read_bytes()


def _onnx(folder: Path) -> Run:
    """A network as weights and as a judge whose card is right; nothing is computed if it cannot be opened."""
    import numpy as np

    from mien import MienError
    from mien.evaluation.network import Network
    from mien.synthesis.synthesiser import synthesiser

    folder.mkdir(parents=True)
    _, card = _judge()
    path, weights = folder / "judge.onnx", folder / "weights.onnx"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        told = card | {"sha256": hashlib.sha256(data).hexdigest()}
        path.with_suffix(".json").write_text(json.dumps(told))
        weights.write_bytes(data)
        with suppress(MienError):
            made = synthesiser(weights)
            made.maps(np.zeros((256, 256, 3), np.uint8), np.zeros(57, np.float32), 1.0)
        Network(path).ask([np.zeros((32, 32, 3), np.uint8)])

    return run


def _manifest(folder: Path) -> Run:
    from mien.editor import Editor
    from mien.provenance import step

    folder.mkdir(parents=True)
    path = folder / "x.onnx"
    path.write_bytes(_stand_in()[0])

    def run(data: bytes) -> None:
        path.with_suffix(".json").write_bytes(data)
        editor = Editor(path)
        json.dumps(step(editor.generator, {}, [], True))

    return run


def _checkpoint_seeds() -> list[bytes]:
    import torch
    from safetensors.torch import save

    state = {"step": 3, "config": {"size": 32}, "losses": [0.5], "random": {"a": [1, 2]}}
    return [save({"a.b": torch.zeros(2, 3), "c": torch.ones(1)}, metadata={"state": json.dumps(state)})]


def _checkpoint(folder: Path) -> Run:
    from mien.training.checkpoint import load_checkpoint

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        (folder / "checkpoint.safetensors").write_bytes(data)
        load_checkpoint(folder)

    return run


def _template(folder: Path) -> Run:
    from mien.data.templates import landmarks68, read_template

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        (folder / "x.tem").write_bytes(data)
        landmarks68(read_template(folder / "x.tem"))

    return run


def _journal(folder: Path) -> Run:
    """What runs leave behind to go on from: journals of prepare, batch and evaluate, and judgements."""
    from mien import MienError
    from mien.data.journal import Journal as Preparing
    from mien.evaluation.methods import Identity
    from mien.evaluation.pictures import Pictures
    from mien.evaluation.seen import Store
    from mien.surfaces.folders.journal import Journal

    folder.mkdir(parents=True)
    head = {"format": 1, "size": 64}

    def run(data: bytes) -> None:
        for name in (".progress.jsonl", "journal", "p-v.jsonl", "made.jsonl"):
            (folder / name).write_bytes(data)
        with suppress(MienError), Preparing(folder, head) as journal:
            for name in list(journal.entries):
                journal.row(name)
        with suppress(MienError), Journal(folder / "journal", head) as other:
            for name in list(other.entries):
                other.read(name)
        with suppress(MienError):
            Store(folder, "p", "v")
        Pictures(folder, Identity("i"), 64).make([])

    return run


LINES = (
    b'{"format": 1, "size": 64}\n{"name": "a", "digest": "d", "trouble": "", "stamp": "s", "row": {"found": ""}}\n',
    b'{"format": 1, "size": 64}\n{"input": "a", "stamp": "s", "rows": []}\n',
    b'{"key": "k", "seen": {"p": {"score": 0.5, "probabilities": {"happy": 1}, "descriptor": "AAAAAA=="}}}\n',
    b'{"file": "a.png", "key": "k", "seconds": 0.1, "file_sha256": "d", "error": ""}\n',
)

TARGETS = {
    "picture": Target("picture", _pictures, _picture),
    "xmp": Target("text", _xmp_seeds, _xmp),
    "prepared": Target("parts", lambda: [SEAM.join(_made())], _prepared),
    "tables": Target("text", lambda: list(TABLES), _tables),
    "names": Target("text", lambda: list(NAMES), _names),
    "config": Target("parts", _configs, _config),
    "expression": Target("text", lambda: [b"happy:0.6", b"jawOpen=0.4,AU12=-.5,browInnerUp_L=0.8"], _expression),
    "card": Target("json", lambda: [json.dumps(_judge()[1]).encode()], _card),
    "onnx": Target("picture", lambda: [_judge()[0]], _onnx),
    "manifest": Target("json", lambda: [_stand_in()[1]], _manifest),
    "checkpoint": Target("safetensors", _checkpoint_seeds, _checkpoint),
    "template": Target(
        "text", lambda: [b"189\n" + b"".join(b"%d %d\n" % (i, 2 * i) for i in range(189)) + b"0\n"], _template
    ),
    "journal": Target("text", lambda: list(LINES), _journal),
}
