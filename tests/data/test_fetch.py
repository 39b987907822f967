"""`mien data fetch open` from a server on this machine and from a copy; `mien data prepare open` on painted people."""

from __future__ import annotations

import csv
import functools
import hashlib
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.cli import main
from mien.data import fetch as fetching
from mien.data.databases import DATABASES
from mien.data.fetch import Listed, fetch, listed
from mien.data.manifest import read_dataset, read_manifest
from mien.data.objects import build
from mien.data.people import read_people
from mien.data.prepare import Options, prepare
from mien.errors import MienError
from mien.training.paper import faces as faces_of
from mien.training.paper.config import DataOptions, LogOptions, PaperConfig
from support import SHARED, needs_shared
from synthetic import paint


def test_every_file_is_listed():
    files = listed()
    assert len({file.to for file in files}) == len(files) == 386 + 160
    assert all(len(file.sha256) == 64 and file.bytes > 0 and ".." not in file.to for file in files)
    splits = [
        sum(f.split == s and f.to.endswith("neutral/" + f.to[-7:-4] + ".jpg") for f in files)
        for s in ("train", "val", "test")
    ]
    assert splits == [68, 14, 20]
    assert files[0].url.startswith("https://raw.githubusercontent.com/debruine/webmorphR.stim/fa8b78fd")
    people = list(csv.DictReader(Path(fetching.__file__).with_name("open_people.csv").open()))
    assert len(people) == 102 and all((row["age"] == "") == (row["split"] == "test") for row in people)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A small open set on a server of its own; gives the folder that is served and the files asked for."""
    root = tmp_path / "served"
    files, asked = [], []
    for number, split in ((1, "train"), (2, "val"), (3, "test")):
        for kind, name in (
            ("neutral", f"{number:03d}.jpg"),
            ("neutral", f"{number:03d}.tem"),
            ("smiling", f"{number:03d}.jpg"),
        ):
            data = f"{kind}{name}".encode() * 50
            path = root / "owner" / "photos" / "abc" / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            files.append(Listed(f"{kind}/{name}", f"data/london/{kind}/{name}", split, len(data), digest))

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(fetching, "HOST", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(fetching, "REPOSITORIES", {"data": ("owner/photos", "abc")})
    monkeypatch.setattr(fetching, "listed", lambda: files)
    yield root, asked
    server.shutdown()
    server.server_close()


def test_files_come_once_and_are_checked(served, tmp_path):
    root, asked = served
    out, told = tmp_path / "out", []
    smile = root / "owner" / "photos" / "abc" / "smiling" / "002.jpg"
    sound = smile.read_bytes()
    smile.write_bytes(b"x" * len(sound))
    with pytest.raises(MienError, match=r"smiling/002\.jpg: what comes is not the listed file \(SHA-256 differs\)"):
        fetch(out)
    smile.unlink()
    with pytest.raises(MienError, match=r"smiling/002\.jpg: the server says 404"):
        fetch(out)
    smile.write_bytes(sound)
    (out / "data" / "london" / "neutral" / "001.tem").write_bytes(b"damaged")
    asked.clear()
    assert fetch(out, tell=lambda *n: told.append(n)) == []
    assert sum("001.tem" in path for path in asked) == 1 and not any("001.jpg" in path for path in asked)
    assert told[-1][0] == told[-1][1] and not list(out.rglob("*.part"))
    table = (out / "data" / "london" / "people.csv").read_text().splitlines()
    assert table[1].startswith("001,24,female,white,train") and len(table) == 4
    assert table[-1] == "003,,,,test"  # last, so that nobody else's number changes
    people = {person.key: person.split for person in read_people(out)}
    assert people["london-003"] == "test" and "CC BY 4.0" in (out / "LICENCES.txt").read_text()
    asked.clear()
    assert fetch(out) == [] and not asked  # nothing is fetched twice


def test_offline_and_copies(served, tmp_path, monkeypatch, capsys):
    root, _ = served
    copy = tmp_path / "copy"
    shutil.copytree(root / "owner" / "photos" / "abc", copy / "photos")  # as a clone lies
    monkeypatch.setattr(fetching, "HOST", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main(["data", "fetch", *map(str, words)])
        return left.value.code, *capsys.readouterr()

    code, _, err = call("open")
    assert code == 2 and "offline? give a copy of the files with --from DIR" in err and err.count("\n") == 1
    assert not Path("mien-open").exists()
    code, out, err = call("open", "--from", copy)
    assert (code, err) == (0, "") and "mien-open: complete and checked" in out and out.count("CC BY 4.0") == 2
    (copy / "photos" / "smiling" / "003.jpg").unlink()
    code, out, _ = call("open", "a", "--from", copy)
    assert code == 0 and "1 files of the people kept for evaluation" in out
    code, out, _ = call("open", "-o", "b", "--from", "mien-open")  # from its own layout
    assert code == 0 and "complete" in out
    (copy / "photos" / "neutral" / "001.tem").write_bytes(b"other")
    code, _, err = call("open", "c", "--from", copy)
    assert code == 2 and "lacks 1 files of the open set, the first is data/london/neutral/001.tem" in err
    assert "is not a folder" in call("open", "--from", "nowhere")[2]
    assert "KDEF cannot be fetched" in call("kdef")[2]


def test_a_model_of_meshes(tmp_path):
    rng = np.random.default_rng(0)
    neutral = rng.normal(0, 5, (6, 3)).astype(np.float32)
    faces = "f 1/1/1 2/2/2 3/3/3 4/4/4\nf 4/4 5/5 6/6\n"
    moved = {"generic_neutral_mesh": 0, "jawOpen": 1, "browDown_L": 2, "identity000": 3, "identity001": 4}
    for name, seed in moved.items():
        points = neutral + (np.random.default_rng(seed).normal(0, 0.5, (6, 3)) if seed else 0)
        lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in points]
        lines += [f"vt {i / 10} {i / 20}" for i in range(6)] + ["vn 0 0 1"]
        (tmp_path / f"{name}.obj").write_text("# a mesh\n" + "\n".join(lines) + "\n" + faces)
    arrays = build(tmp_path)
    assert arrays["F"].tolist() == [[0, 1, 2, 3], [3, 4, 5, 5]] == arrays["FT"].tolist()
    np.testing.assert_allclose(arrays["V"], neutral, atol=1e-6)
    assert arrays["names"].tolist() == ["browDown_L", "jawOpen"] and arrays["VT"].shape == (6, 2)
    expected = np.stack([np.random.default_rng(s).normal(0, 0.5, (6, 3)) for s in (2, 1)])
    np.testing.assert_allclose(arrays["E"], expected, atol=2e-3)
    assert arrays["I"].shape == (2, 6, 3) and arrays["E"].dtype == np.float16
    (tmp_path / "jawOpen.obj").write_text("v 0 0 0\n")
    with pytest.raises(MienError, match="has 1 vertices, not 6"):
        build(tmp_path)
    with pytest.raises(MienError, match="has no generic_neutral_mesh"):
        build(tmp_path / "nowhere")


@pytest.fixture(scope="module")
def painted_set(people, kit_file, tmp_path_factory) -> Path:
    """Painted people with the made-up model; one smiles, another is kept for evaluation."""
    shared = shutil.copytree(people, tmp_path_factory.mktemp("open") / "set")
    (shared / "assets" / "ict-facekit").mkdir(parents=True)
    shutil.copy(kit_file, shared / "assets" / "ict-facekit")
    london = shared / "data" / "london"
    for kind in ("jpg", "tem"):
        shutil.copy(london / "neutral" / f"003.{kind}", london / "neutral" / f"004.{kind}")
    image, _ = paint(400, seed=9)
    cv2.imwrite(str(london / "neutral" / "004.jpg"), image)
    with (london / "people.csv").open("a") as file:
        file.write("004,test,50\n")
    return shared


def test_the_open_set_as_it_is_trained_on(painted_set, kit, tmp_path):
    """The crops of a prepared folder are the faces that the paper's system renders for itself."""
    out = tmp_path / "out"
    told = prepare(DATABASES["open"], painted_set, out, Options(variants=2), workers=1).told
    assert told["counts"]["by_split"] == {"train": 2 * (1 + 6 * 2), "val": 1}
    table = read_manifest(out)
    assert set(table["identity"]) == {"london-001", "london-002", "london-003"}  # nobody of the split 'test'
    assert table["source"].str.startswith("data/london/neutral/").all()
    config = PaperConfig(data=DataOptions(variants=2, smiles=0), log=LogOptions(faces=1))
    own = faces_of.render(config, painted_set, kit, lambda rgb: rgb)
    read = faces_of.of_prepared(PaperConfig(data=DataOptions(prepared=str(out)), log=LogOptions(faces=1)))
    assert read.identities.tolist() == own.identities.tolist() and read.categories.tolist() == own.categories.tolist()
    assert np.array_equal(read.images, own.images) and np.array_equal(read.held_out, own.held_out)
    first = table[table["expression"] == "anger"].iloc[1]
    assert (first["session"], first["frame"], first["crop"]) == ("rig", "1", "crops/london-001/anger-rig1.png")


def test_without_the_model_there_are_photographs(painted_set, tmp_path, capsys):
    shared = shutil.copytree(painted_set, tmp_path / "set")
    shutil.rmtree(shared / "assets")
    (shared / "data" / "london" / "smiling").mkdir()
    flat = np.full((300, 300, 3), 128, np.uint8)
    cv2.imwrite(str(shared / "data" / "london" / "smiling" / "001.jpg"), flat)
    with pytest.raises(SystemExit) as left:
        main(["data", "prepare", "open", "--from", str(shared), "-o", str(tmp_path / "out"), "--workers", "1"])
    assert left.value.code == 0 and "no face" in capsys.readouterr().out
    told = read_dataset(tmp_path / "out")
    assert told["counts"]["by_expression"] == {"neutral": 3} and "ict-facekit.npz" in told["missing"][-1]
    assert not told["trainable"]


def test_fetching_needs_neither_torch_nor_the_rig():
    code = "import sys, mien.data.fetch; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"torch", "numba", "scipy", "pandas"}


@needs_shared
def test_from_the_real_copy(tmp_path):
    missing = fetch(tmp_path / "out", SHARED)
    assert all("london" in name for name in missing)
    ours = {person.key: person for person in read_people(tmp_path / "out")}
    for person in read_people(SHARED):
        assert ours[person.key].split == person.split
        assert ours[person.key].neutral.read_bytes() == person.neutral.read_bytes()
    kit = np.load(SHARED / "assets" / "ict-facekit" / "ict-facekit.npz")
    model = tmp_path / "FaceXModel"
    model.mkdir()
    faces = "\n".join(
        "f " + " ".join(f"{i + 1}/{j + 1}" for i, j in zip(q, t, strict=True))
        for q, t in zip(kit["F"], kit["FT"], strict=True)
    )
    meshes = {
        "generic_neutral_mesh": kit["V"],
        "jawOpen": kit["V"] + kit["E"][list(kit["names"]).index("jawOpen")],
        "identity000": kit["V"] + kit["I"][0],
    }
    for name, points in meshes.items():
        lines = "\n".join("v " + " ".join(repr(float(v)) for v in p) for p in points)
        (model / f"{name}.obj").write_text(f"{lines}\nvt 0 0\n{faces if 'neutral' in name else ''}\n")
    arrays = build(model)
    assert np.array_equal(arrays["V"], kit["V"]) and np.array_equal(arrays["F"], kit["F"])
    np.testing.assert_allclose(arrays["E"][0], kit["E"][list(kit["names"]).index("jawOpen")], atol=2e-5)
    np.testing.assert_allclose(arrays["I"][0], kit["I"][0], atol=2e-5)
