import sys

import pytest

from mien import MienError
from mien.cli import main
from mien.surfaces.ui.serve import HOST, PORT, bound


def test_only_this_machine_is_listened_on():
    with bound(0) as sock:
        assert sock.getsockname()[0] == HOST == "127.0.0.1"


def test_a_taken_port_is_one_line_and_without_a_wish_the_next_is_taken():
    with bound(0) as sock, pytest.raises(MienError, match="cannot use port"):
        bound(sock.getsockname()[1])
    with bound(None) as one, bound(None) as two:
        assert PORT <= one.getsockname()[1] < two.getsockname()[1]


def test_without_the_extra_it_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(SystemExit) as end:
        main(["ui", "--no-browser"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "mien: this command needs gradio: pip install 'mien[ui]'\n"
