"""Run the cells of a notebook in this process and store what they print and show -> the notebook itself.

    python bench/notebook.py docs/notebooks/quickstart.ipynb

No kernel is needed: a cell may use what Python has, and `display` for Pillow images and figures of Matplotlib. Pictures
are stored as small JPEGs, or PNGs for figures.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
from pathlib import Path
from typing import Any


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its code cells, run one after the other in one namespace."""
    shown: list[dict[str, Any]] = []

    def display(*things: object) -> None:
        shown.extend(picture(thing) for thing in things)

    names: dict[str, Any] = {"__name__": "notebook", "display": display}
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        shown.clear()
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile("".join(cell["source"]), f"cell {count}", "exec"), names)
        text = printed.getvalue()
        stream = [{"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}] if text else []
        cell["outputs"], cell["execution_count"] = [*stream, *shown], count
    return notebook


def picture(thing: Any) -> dict[str, Any]:
    """A Pillow image or a figure of Matplotlib as an output of a cell."""
    file = io.BytesIO()
    if hasattr(thing, "savefig"):
        kind = "image/png"
        thing.savefig(file, format="png", dpi=80, bbox_inches="tight")
    else:
        kind = "image/jpeg"
        thing.convert("RGB").save(file, "JPEG", quality=85)
    data = {kind: base64.b64encode(file.getvalue()).decode(), "text/plain": [f"<{type(thing).__name__}>"]}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path)
    path = parser.parse_args().notebook
    done = run(json.loads(path.read_text()))
    path.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n")
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
