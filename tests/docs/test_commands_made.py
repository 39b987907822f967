"""The commands of the documentation that work on what nobody has lying about: made up small, then run as they stand."""

from __future__ import annotations

import importlib

import pytest

from docs.made import MADE, Made
from docs.shown import Shown
from docs.test_commands import ALL, run
from support import needs_sample, needs_weights

pytestmark = [needs_weights, needs_sample]


def found() -> list[tuple[Made, Shown]]:
    """Each command once."""
    pairs = {shown.words: (next((made for made in MADE if made.fits(shown)), None), shown) for shown in ALL}
    return [(made, shown) for made, shown in pairs.values() if made is not None]


@pytest.mark.parametrize(("made", "shown"), found(), ids=[f"{shown.page}: {shown}"[:120] for _, shown in found()])
def test_it_runs(made, shown, tmp_path, monkeypatch, capsys):
    made.make(tmp_path, shown.words)
    before = set(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    if shown.words[0] == "python":
        importlib.import_module(shown.words[2]).main(shown.words[3:])
    else:
        code = run((*shown.words, *made.more))
        assert not code, f"exit code {code}: {capsys.readouterr().err.strip()}"
    assert set(tmp_path.rglob("*")) - before or "check" in shown.words or "measure" in shown.words


def test_every_kind_of_it_is_shown_somewhere():
    assert {made.pattern for made, _ in found()} == {made.pattern for made in MADE}
