"""What the documentation shows: its commands and Python blocks, and whether the command line knows them."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer
import typer.main

from mien.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / f"{n}.md" for n in ("CONTRIBUTING", "MODEL_CARD", "DATA_CARD")),
]
SHELL = ("", "sh", "bash", "console")
_FENCE = re.compile(r"^( *)```(\w*)")
_FUNCTION = re.compile(r'^(\w+)\(\) \{ (.*) "\$@"; \}$')
USAGE = typer.BadParameter.__mro__[1]  # click's UsageError, wherever Typer keeps it
_ASSIGNED = re.compile(r"^[A-Z_]+=\S*$")


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it, its words without what a shell would take away."""

    page: str
    words: tuple[str, ...]
    complete: bool  # False: inline in a sentence, or a synopsis; only its names are checked

    def __str__(self) -> str:
        return shlex.join(self.words)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """(language, text) of each fenced block, and ("", text) of each one indented by four."""
    fence, language, lines = "", "", []
    blank = True
    for line in [*text.splitlines(), ""]:
        match = _FENCE.match(line)
        if fence:
            if match and match[2] == "":
                yield language, "\n".join(lines)
                fence, lines = "", []
            else:
                lines.append(line[len(fence) - 1 :])
        elif match:
            if lines:
                yield "", "\n".join(lines)
            fence, language, lines = match[1] + "`", match[2], []
        elif line.startswith("    ") and (lines or blank):
            lines.append(line[4:])
        elif lines and line.strip():
            yield "", "\n".join(lines)
            lines = []
        blank = not line.strip()
    if lines:
        yield "", "\n".join(lines)


def commands(page: Path) -> list[Shown]:
    """Every command of a page's blocks, then those of mien within its sentences."""
    text, name = page.read_text(), str(page.relative_to(ROOT))
    found: list[Shown] = []
    functions: dict[str, list[str]] = {}
    for language, block in blocks(text):
        if language not in SHELL:
            continue
        for line in block.replace("\\\n", " ").splitlines():
            line = line.strip().removeprefix("$ ")
            if match := _FUNCTION.match(line):
                functions[match[1]] = shlex.split(match[2])
                found.append(Shown(name, tuple(functions[match[1]]), complete=False))
                continue
            try:
                words = shlex.split(line, comments=True)
            except ValueError:
                continue  # a table or prose, no command: an apostrophe
            while words and _ASSIGNED.match(words[0]):
                words = words[1:]
            if words and words[0] in functions:
                words = functions[words[0]] + words[1:]
            if words and re.fullmatch(r"mien|pip|python3?|npm|pytest|tar|cp|make|git|for|done|node", words[0]):
                synopsis = any(word.startswith("[") for word in words) and "NAME" in words
                found.append(Shown(name, tuple(words), complete=not synopsis))
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    prose = "\n".join(line for line in prose.splitlines() if not line.startswith("    "))
    for code in re.findall(r"`(mien [^`]+)`", prose):
        found.append(Shown(name, tuple(code.replace("'", "").split()), complete=False))
    return found


def python_blocks(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return [textwrap.dedent(block) for language, block in blocks(page.read_text()) if language == "python"]


def unknown(shown: Shown) -> str | None:
    """What is wrong with a command of mien or a script of this repository as far as reading tells, else None."""
    words = list(shown.words)
    if words[0] == "cp":
        return None if (ROOT / words[1]).is_file() else f"there is no {words[1]}"
    if words[0] == "mien":
        return _unknown_to_mien(words[1:], shown.complete)
    if words[0].startswith("python") and len(words) > 1:
        if words[1] == "-m" and words[2].startswith("mien"):
            file = ROOT / "src" / (words[2].replace(".", "/") + ".py")
            file = file if file.is_file() else file.with_suffix("") / "__main__.py"
        elif words[1].endswith(".py"):
            file = ROOT / words[1]
        else:
            return None
        if not file.is_file():
            return f"there is no {file.relative_to(ROOT)}"
        source = file.read_text()
        missing = [w.split("=")[0] for w in words[2:] if w.startswith("-") and f'"{w.split("=")[0]}"' not in source]
        return f"{file.name} has no {', '.join(missing)}" if missing else None
    return None


@cache
def _mien() -> Any:
    return typer.main.get_command(app)


def _unknown_to_mien(words: list[str], complete: bool) -> str | None:
    command = _mien()
    context: Any = typer.Context(command, info_name="mien")
    while hasattr(command, "commands"):
        if not words or words[0].startswith("-"):
            break
        names = [w.strip(",.") for w in words]
        if names[0] not in command.commands:
            if not complete and not re.fullmatch(r"[a-z-]+", names[0]):
                return None  # `mien data list, check`: the second word was checked already
            return f"there is no command '{names[0]}'"
        command = command.commands[names[0]]
        context = typer.Context(command, parent=context, info_name=names[0])
        trailing, words = words[0] != names[0], words[1:]
        if trailing:
            return None
    if not complete:
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {
            "--help"
        }
        given = [re.split(r"[=,]", w.strip("[]"))[0] for w in words if re.match(r"\[?-[a-zA-Z-]", w)]
        missing = [option for option in given if option not in known]
        return f"'{context.command_path}' has no {', '.join(missing)}" if missing else None
    try:
        values, left, _ = command.make_parser(context).parse_args(list(words))
    except USAGE as error:
        return str(error)
    if left:
        return f"'{context.command_path}' takes no {' '.join(left)}"
    for parameter in command.params:
        given = values.get(parameter.name)
        try:  # no option looks at the disk when it is read: that is left to the commands
            parameter.process_value(context, None if given is None or given == () or given == [] else given)
        except USAGE as error:
            return f"'{context.command_path}', {parameter.name} {given or 'missing'}: {error}"
    return None
