import subprocess
import sys

import mien
from mien.surfaces.ui.folder import PREFIX, files, forget_old, private_folder


def test_it_is_private_and_gone_afterwards(tmp_path):
    with private_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "sub").mkdir()
        (folder / "sub" / "photo.jpg").write_bytes(b"x")
        assert [p.name for p in files(folder)] == ["photo.jpg"]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_page_leaves_nothing_for_long_and_a_living_one_is_left_alone(tmp_path):
    code = (
        "import os,sys,pathlib;from mien.surfaces.ui.folder import private_folder\n"
        "with private_folder(pathlib.Path(sys.argv[1])) as f:\n"
        " (f/'photo.jpg').write_bytes(b'x')\n os.kill(os.getpid(), 9)"
    )
    src = str(next(p for p in mien.__path__)) + "/.."
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": src}, check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "photo.jpg").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}no-lock").mkdir()  # not made by this
    with private_folder(tmp_path) as one, private_folder(tmp_path) as two:
        assert not left.exists()
        assert one.is_dir() and two.is_dir()
    assert {p.name for p in tmp_path.iterdir()} == {"other", f"{PREFIX}no-lock"}


def test_old_files_go(tmp_path):
    with private_folder(tmp_path) as folder:
        (folder / "a").write_bytes(b"x")
        forget_old(folder, 60)
        assert files(folder)
        forget_old(folder, -1)
        assert not files(folder)
