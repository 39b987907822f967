"""Which pictures a folder has, and where nothing may be written."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import MienError
from mien.expression import parse
from mien.inside import target
from mien.surfaces.folders.folder import pictures, place
from mien.surfaces.folders.names import slug, stems


def test_links_lead_nowhere(tmp_path):
    root, away = tmp_path / "in", tmp_path / "away"
    (root / "sub").mkdir(parents=True)
    away.mkdir()
    for path in (root / "a.jpg", root / "sub/b.PNG", away / "c.jpg", root / "d.txt", root / ".hidden.jpg"):
        path.write_text("x")
    (root / "circle").symlink_to(root)
    (root / "out").symlink_to(away)
    (root / "c.jpg").symlink_to(away / "c.jpg")
    (root / "dots.jpg").symlink_to("sub/../../away/c.jpg")
    (root / "again.jpg").symlink_to(root / "a.jpg")
    (root / "dead.jpg").symlink_to(root / "nothing.jpg")
    os.mkfifo(root / "pipe.png")
    troubles = {found.path: found.trouble for found in pictures(root)}
    assert list(troubles) == sorted(troubles)
    assert {path for path, trouble in troubles.items() if not trouble} == {"a.jpg", "sub/b.PNG", "again.jpg"}
    assert {path for path, trouble in troubles.items() if "leads out" in trouble} == {"out", "c.jpg", "dots.jpg"}
    assert troubles["dead.jpg"] == "a link to nothing" and troubles["pipe.png"] == "not a file"


@pytest.mark.parametrize(
    ("source", "out", "says"),
    [
        ("in", "in", "the folder of the photos itself"),
        ("in", "in/../in", "the folder of the photos itself"),
        ("in", "link", "the folder of the photos itself"),
        ("in", "in/sub/out", "lies within"),
        ("in", "link/out", "lies within"),
        ("in/sub", "in", "lies within"),
        ("in", "file", "is a file"),
        ("in", "full", "is not empty"),
        ("file", "new", "is a file"),
        ("missing", "new", "no folder"),
    ],
)
def test_out_is_refused_where_photos_lie(source, out, says, tmp_path):
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    before = sorted(map(str, tmp_path.rglob("*")))
    with pytest.raises(MienError, match=says):
        place(tmp_path / source, tmp_path / out, ".mark")
    assert sorted(map(str, tmp_path.rglob("*"))) == before


def test_nothing_is_written_outside(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert target(out, "a/b.png") == out / "a/b.png" and (out / "a").is_dir()
    (out / "link").symlink_to(tmp_path)
    for path in ("../b.png", "a/../../b.png", "/b.png", "link/b.png"):
        with pytest.raises(MienError, match="out"):
            target(out, path)


NAMES = st.text("ab.A", min_size=1, max_size=4).filter(lambda text: set(text) != {"."})
PATHS = st.builds(
    lambda folder, stem, form: f"{folder}/{stem}.{form}", *[NAMES] * 2, st.sampled_from(["jpg", "JPG", "png"])
)


@given(st.lists(PATHS, unique=True, max_size=12), st.sampled_from(["", "png", "jpg"]))
def test_no_two_outputs_have_one_name(paths, form):
    made = [
        stem + (f".{form}" if form else Path(path).suffix) for stem, path in zip(stems(paths, form), paths, strict=True)
    ]
    assert len({name.lower() for name in made}) == len(paths)
    assert [str(Path(name).parent) for name in made] == [str(Path(path).parent) for path in paths]


def test_names_say_what_they_are_of():
    assert stems(["a.jpg", "s/b.png"]) == ["a", "s/b"]
    assert stems(["a.jpg", "a.png"]) == ["a", "a"]  # their extensions tell them apart
    assert stems(["a.jpg", "a.png"], "png") == ["a.jpg", "a"]
    assert slug(parse("happy:0.5,jawOpen=-0.2")) == "happy-0.5+jawOpen--0.2"
