"""The notebook runs and stays small; the site's hooks find what they include. `make docs` builds the site."""

from __future__ import annotations

import importlib.util
import json
import re
from types import ModuleType

import pytest

from docs.shown import ROOT
from support import needs_sample, needs_weights

NOTEBOOK = ROOT / "docs" / "notebooks" / "quickstart.ipynb"


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.replace("/", "_")[:-3], ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_weights
@needs_sample
def test_the_notebook_runs():
    pytest.importorskip("matplotlib")
    stored = json.loads(NOTEBOOK.read_text())
    assert NOTEBOOK.stat().st_size < 500 * 1024
    made = load("bench/notebook.py").run(json.loads(NOTEBOOK.read_text()))
    for old, new in zip(stored["cells"], made["cells"], strict=True):
        if old["cell_type"] == "code":  # it shows as much as is stored
            kinds = [[sorted(o.get("data", {"text": 0})) for o in cell["outputs"]] for cell in (old, new)]
            assert kinds[0] == kinds[1] and old["execution_count"] == new["execution_count"]
    curve = next(o for cell in made["cells"] for o in cell.get("outputs", []) if "happy:" in str(o.get("text")))
    happy = [float(number) for number in re.findall(r"[\d.]+", curve["text"][0])]
    assert happy[0] < 0.3 and happy == sorted(happy) and happy[-1] > 4


def test_the_hooks_include_what_there_is():
    pytest.importorskip("mkdocs", reason="the extra `docs` is not here")
    hooks = load("docs/hooks.py")
    for page in (ROOT / "docs").glob("*.md"):
        for file, title in re.findall(r'^--8<-- "([\w./]+)#([^"]*)"$', page.read_text(), re.MULTILINE):
            assert len(hooks.section((ROOT / file).read_text(), title)) > 100
    with pytest.raises(ValueError, match="no section"):
        hooks.section("# A\n\n## B\n\nc\n", "C")
    assert hooks.section("# A\n\na\n\n## B\n\nc\n", "B") == "c" and hooks.section("# A\n\na\n\n## B\n", "") == "a"
    assert (
        hooks.turn_links("[x](docs/a.md) [y](../DATA_CARD.md) [z](LICENSE)", 1) == "[x](../a.md) [y](../data_card.md) z"
    )
