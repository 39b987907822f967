"""MkDocs hooks: the cards and the changelog of the repository as pages, and sections of them inside others.

Nothing is copied by hand. A line `--8<-- "MODEL_CARD.md#Where it fails"` is replaced by that section, a line
`--8<-- "README.md#"` by what stands before the first section; links are turned to where they lead on the site.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"MODEL_CARD.md": "model_card.md", "DATA_CARD.md": "data_card.md", "CHANGELOG.md": "changelog.md"}
NOTEBOOK = "notebooks/quickstart.md"
SHIM = "https://unpkg.com/iframe-worker/shim"
_INCLUDE = re.compile(r'^--8<-- "([\w./]+)#([^"]*)"$', re.MULTILINE)


def turn_links(text: str, depth: int = 0) -> str:
    """Links as written in the repository's root, as seen from a page `depth` folders below the site's root."""
    up = "../" * depth
    text = re.sub(r"\]\(docs/", f"]({up}", text)
    for name, page in PAGES.items():
        text = re.sub(rf"\]\((\.\./)*{re.escape(name)}", f"]({up}{page}", text)
    # pages of the repository that the site does not have: their names remain, not their links
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)*(README\.md|CONTRIBUTING\.md|LICENSE)\)", r"\1", text)


def section(text: str, title: str) -> str:
    """What stands under the heading `## title`; with an empty title, what stands before the first such heading."""
    parts = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)
    if not title:
        return re.sub(r"^# .+\n", "", parts[0]).strip()
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    if title not in found:
        raise ValueError(f"no section '{title}'; there are {', '.join(found)}")
    return found[title].strip()


def notebook_page(path: Path) -> str:
    """A notebook with what its cells printed and showed, as Markdown."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            if "text" in output:
                parts.append("```text\n" + "".join(output["text"]).rstrip("\n") + "\n```")
            for kind, data in output.get("data", {}).items():
                if kind.startswith("image/"):
                    parts.append(f"![what the cell shows](data:{kind};base64,{data})")
    parts.insert(1, f"[The notebook itself]({path.name})")
    return "\n\n".join(parts) + "\n"


def on_post_page(output, page, config):
    """The offline plugin would load this script from elsewhere."""
    return output.replace(SHIM, page.url.count("/") * "../" + "assets/file-worker.js")


def on_post_template(output_content, template_name, config):
    """The same for the page of what is not found."""
    return output_content.replace(SHIM, "assets/file-worker.js")


def on_files(files, config):
    """Add the repository's own pages, and the notebook as one."""
    notebook = ROOT / "docs" / NOTEBOOK
    files.append(File.generated(config, NOTEBOOK, content=notebook_page(notebook.with_suffix(".ipynb"))))
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=turn_links((ROOT / name).read_text())))
    return files


def on_page_markdown(markdown, page, config, files):
    """Sections of other files, and links out of docs/."""
    depth = page.file.src_uri.count("/")

    def include(match: re.Match[str]) -> str:
        return turn_links(section((ROOT / match[1]).read_text(), match[2]), depth)

    markdown = _INCLUDE.sub(include, markdown).replace(f"({NOTEBOOK[:-3]}.ipynb)", f"({NOTEBOOK})")
    return turn_links(markdown, depth) if page.file.src_uri not in PAGES.values() else markdown
