"""The report of `mien evaluate` on the open set -> docs/results/open.{md,json} and docs/pictures/open.jpg.

    python bench/open_table.py REPORT

REPORT is the folder of the report. What stands between the marks of the page's reading is written by hand, and kept.
The picture shows what methods made and no photograph: neither the inputs, nor the identity copy, nor real smiles.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from mien.evaluation import figures, markdown
from mien.evaluation.methods import Identity
from mien.evaluation.results import read_results

DOCS = Path(__file__).resolve().parent.parent / "docs"
OPENS, CLOSES = "<!-- reading: by hand -->", "<!-- end of the reading -->"
LEFT_OUT = ("pictures",)
"""Too long for the repository; the report has it."""


def reading(page: Path) -> str:
    """What was written by hand into the page before."""
    text = page.read_text() if page.is_file() else ""
    _, found, rest = text.partition(OPENS)
    return rest.partition(CLOSES)[0].strip() if found else ""


def page(told: dict, said: str, command: str) -> str:
    asked = told["protocol"]
    expression = [name for name, one in told["judges"].items() if one["kind"] == "expression"]
    about = (
        f"{len(asked['people'])} people of the split `{asked['split']}`, on whom nothing here was trained; the same "
        f"crops of {asked['prepared_px']} px for every method, judged at {asked['judged_px']} px. Means over people, "
        "in brackets 95% bootstrap intervals over people. What was not made, or in which no face was found, counts as "
        "wrong and refused. L1, PSNR and SSIM: happy beside the person's real smile, the only truth there is here."
    )
    lines = [
        "# All methods on the open set",
        "",
        f"    {command}",
        "    python bench/open_table.py REPORT",
        "",
        about,
        "",
    ]
    lines += [f"- {warning}." for warning in told["warnings"]] + [""]
    lines += [OPENS, said, CLOSES, ""]
    lines += ["## The judges on real photographs of the same people", "", *markdown.judges(told), ""]
    lines += ["## From neutral to six expressions", "", *markdown.methods(told), ""]
    for judge in expression:
        lines += [f"Called right by {judge}:", "", *markdown.expressions(told, judge), ""]
    lines += ["## From a real smile back to neutral", "", *markdown.methods(told, "neutralise/"), ""]
    lines += ["## Person by person", "", *markdown.differences(told), ""]
    lines += ["Shares in percentage points; bold: the interval does not hold 0.", ""]
    lines += ["## Failures", "", *markdown.failures(told), ""]
    lines += ["## The same people by every method", "", "![The same people by every method](../pictures/open.jpg)", ""]
    lines += ["*Face Research Lab London Set, DeBruine & Jones 2017, CC BY 4.0; altered.*", "", "## Weights", ""]
    rows = [
        (name, one["about"], f"`{one['sha256'][:16]}`" if one["sha256"] else "") for name, one in told["about"].items()
    ]
    return "\n".join([*lines, *markdown.table(("", "what", "SHA-256"), rows), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--docs", type=Path, default=DOCS)
    parser.add_argument("--command", help="how the report was made, instead of the command with its own paths")
    parser.add_argument("--show", default="012,103,130,062", help="people in the picture")
    arguments = parser.parse_args()
    told = read_results(arguments.report)
    results, pictures = arguments.docs / "results", arguments.docs / "pictures"
    results.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(parents=True, exist_ok=True)
    command = arguments.command or told["command"]
    path = results / "open.md"
    path.write_text(page(told, reading(path), command))
    short = {key: one for key, one in told.items() if key not in LEFT_OUT} | {"command": command}
    (results / "open.json").write_text(json.dumps(short, indent=1, ensure_ascii=False) + "\n")
    people = figures.chosen(told["protocol"]["people"], arguments.show.split(","))
    made = [name for name, one in told["about"].items() if one["about"] != Identity.about]
    faces = figures.same_people(told, arguments.report, people, methods=made)
    cv2.imwrite(str(pictures / "open.jpg"), np.ascontiguousarray(faces[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 90])
    print(path)


if __name__ == "__main__":
    main()
