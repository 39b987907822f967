"""`mien data`: list the databases, check a folder, prepare it for training, fetch the open set."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.needs import needs
from mien.cli.options import Json, print_json
from mien.errors import MienError

if TYPE_CHECKING:
    from mien.data.check import Report
    from mien.data.filters import Filters

app = typer.Typer(help="Databases of faces: list, check, prepare, fetch.", no_args_is_help=True)

OPEN_FOLDER = Path("mien-open")
"""Where the open set is fetched to, and looked for, unless another folder is given."""

SHOWN = 8
"""Lines of a kind on the screen; --json has them all."""

Name = Annotated[str, typer.Argument(help="A database that 'mien data list' names.", show_default=False)]
Pose = Annotated[str | None, typer.Option("--pose", help="Keep these, such as frontal or frontal,half.")]
Gaze = Annotated[str | None, typer.Option("--gaze", help="Keep these: frontal, left, right.")]
Light = Annotated[str | None, typer.Option("--light", help="Keep these: strong, weak, dark.")]
Camera = Annotated[str | None, typer.Option("--camera", help="Keep these: visible or VL, infrared or NI.")]
Keep = Annotated[str | None, typer.Option("--expressions", help="Keep these, such as seven or neutral,happy.")]
Without = Annotated[str | None, typer.Option("--without", help="Leave these out, such as contempt,compound.")]
Frames = Annotated[
    str | None, typer.Option("--frames", metavar="N|all", help="Last frames of a sequence that show its expression.")
]


@app.command("list")
def list_(json: Json = False) -> None:
    """Name every database: what it holds, its licence, how to get it, what it is fit for."""
    from mien.data.databases import DATABASES

    if json:
        keys = ("name", "title", "holds", "licence", "source", "example", "fit_for")
        print_json([{key: getattr(one, key) for key in keys} for one in DATABASES.values()])
        return
    for one in DATABASES.values():
        typer.echo(f"{one.name}: {one.title}, fit for {one.fit_for}")
        typer.echo(f"  {one.holds}")
        typer.echo(f"  licence: {one.licence}")
        typer.echo(f"  to get it: {one.source}")
        typer.echo(f"  its files: {one.example}")


@app.command()
def check(
    name: Name,
    path: Annotated[Path, typer.Argument(help="The database's folder.", show_default=False)],
    pose: Pose = None,
    gaze: Gaze = None,
    light: Light = None,
    camera: Camera = None,
    expressions: Keep = None,
    without: Without = None,
    frames: Frames = None,
    json: Json = False,
) -> None:
    """Say what is in a folder, what is missing and what cannot be used; nothing is written.

    The exit code is 0 if training can go ahead, 2 if not.
    """
    from mien.data.check import TOLD
    from mien.data.check import check as look
    from mien.data.databases import database

    one, filters = database(name), _filters(pose, gaze, light, camera, expressions, without)
    with progress("pictures") as tell:
        report = look(one, path, filters, _frames(frames), tell)
    if json:
        print_json({key: value for key, value in report.as_dict().items() if key in TOLD})
    elif report.records or report.skipped:
        _show(report)
    if not report.trainable:
        raise MienError(report.wrong)


@app.command()
def prepare(
    name: Name,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH] [OUT]", help="The database's folder, and the one to make: prepared/NAME."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="The database's folder, instead of PATH.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The folder to make, instead of OUT.")] = None,
    size: Annotated[int, typer.Option("--size", help="Pixels of a crop: 128 or 256.")] = 128,
    split: Annotated[
        str | None, typer.Option("--split", metavar="k-fold|stargan|exprgan|own", help="Who is kept for testing.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", help="Parts of a k-fold split.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the split.")] = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; as many as there are cores.")
    ] = None,
    variants: Annotated[int, typer.Option("--variants", min=1, help="open: renders a person and expression.")] = 3,
    pose: Pose = None,
    gaze: Gaze = None,
    light: Light = None,
    camera: Camera = None,
    expressions: Keep = None,
    without: Without = None,
    frames: Frames = None,
    json: Json = False,
) -> None:
    """Find, align and crop every face into a folder to train from; run it again to go on where it stopped.

    The folder gets crops, manifest.csv, dataset.json and a contact sheet.
    """
    from mien.data.databases import database
    from mien.data.prepare import Options
    from mien.data.prepare import prepare as make

    one = database(name)
    path, target = _paths(one.name, list(paths or []), source, out)
    filters = _filters(pose, gaze, light, camera, expressions, without)
    options = Options(size, filters, _frames(frames), split or "", folds, seed, variants)
    if one.name == "open":
        needs("rig", "numba", "scipy")
    with progress("pictures") as tell:
        summary = make(one, path, target, options, workers, tell)
    told = summary.told
    if json:
        print_json(told)
    else:
        counts = told["counts"]
        typer.echo(f"{target}: {counts['pictures']} crops of {size} px, {counts['identities']} people")
        typer.echo("  " + ", ".join(f"{expression} {count}" for expression, count in counts["by_expression"].items()))
        parts = ", ".join(f"{part} {count}" for part, count in counts["by_split"].items())
        typer.echo(f"  split ({told['split']['scheme']}, by person): {parts}")
        _lines("found only when turned or enlarged", [f"{one['path']}: {one['how']}" for one in told["retried"]])
        _lines("put right", [f"{note['path']}: {note['reason']}" for note in told["repaired"]])
        _lines("skipped", [f"{note['path']}: {note['reason']}" for note in told["skipped"]])
        if summary.untrainable:
            typer.echo(f"note: nothing can be trained on this alone: {summary.untrainable}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="open: the only set that may be fetched.")],
    target: Annotated[Path | None, typer.Argument(metavar="[OUT]", help="The folder to make: mien-open.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="A copy on this machine, instead of the network.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The folder to make, instead of OUT.")] = None,
) -> None:
    """Fetch the open set, 0.5 GB, file by file, each checked by its SHA-256; run it again to go on where it stopped."""
    from mien.data.databases import database

    one = database(name)
    if one.name != "open":
        raise MienError(f"{one.title} cannot be fetched, its owner hands it out: {one.source}")
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from mien.data.fetch import LICENCES
    from mien.data.fetch import fetch as get

    folder = out or target or OPEN_FOLDER
    for line in LICENCES:
        typer.echo(line)
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        missing = get(folder, source, lambda done, total: bar.update(task, completed=done, total=total))
    typer.echo(f"{folder}: complete and checked" if not missing else f"{folder}: checked, all that is needed to train")
    if missing:
        typer.echo(f"note: {len(missing)} files of the people kept for evaluation (split 'test') are not in {source}")
    typer.echo(f"next: mien data prepare open --from {folder}")


def _paths(name: str, paths: list[Path], source: Path | None, out: Path | None) -> tuple[Path, Path]:
    """The database's folder and the one to make, however they were given."""
    if source is None and paths:
        source = paths.pop(0)
    if out is None and paths:
        out = paths.pop(0)
    if paths:
        raise MienError(f"what is {paths[0]}? 'mien data prepare NAME PATH OUT' takes two folders")
    if source is None:
        source = OPEN_FOLDER
        if name != "open":
            raise MienError(f"give the folder of the database: mien data prepare {name} PATH OUT")
        if not source.is_dir():
            raise MienError("the open set is not here: 'mien data fetch open' first, or --from DIR with a copy of it")
    return source, out or Path("prepared") / name


def _filters(
    pose: str | None, gaze: str | None, light: str | None, camera: str | None, keep: str | None, without: str | None
) -> Filters:
    from mien.data.filters import Filters, words

    return Filters(words(pose), words(gaze), words(light), words(camera), words(keep), words(without))


def _frames(text: str | None) -> int | None:
    if text is None:
        return None
    if text.lower() == "all":
        return 1_000_000
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise MienError(f"--frames is a number from 1, or all, not {text!r}")
    return int(text)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error; gives what is told how many are done, of how many."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(report: Report) -> None:
    """The report for people."""
    one, people = report.database, report.by_identity()
    typer.echo(f"{one.title} in {report.path}: {len(report.records)} pictures of {len(people)} people")
    if one.repeats and people:
        for count, alike in _by_count(people)[:SHOWN]:
            typer.echo(f"  {count} of each: {', '.join(alike)}")
        if len(rest := _by_count(people)[SHOWN:]):
            typer.echo(f"  fewer of {sum(len(alike) for _, alike in rest)} more people")
    for expression, count in report.by_expression().items():
        typer.echo(f"  {expression}: {count}")
    if report.left_out:
        typer.echo(f"left out (not asked for, or frames between neutral and peak): {report.left_out}")
    _lines("put right", [f"{note.path}: {note.reason}" for note in report.repaired])
    kinds = Counter(note.reason.partition(":")[0] for note in report.skipped)
    for kind, count in kinds.items():
        mine = [f"{n.path}: {n.reason.partition(': ')[2]}" for n in report.skipped if n.reason.startswith(kind)]
        _lines(f"skipped, {kind}", mine, count)
    _lines("missing against the full set", report.missing)
    for hint in report.hints:
        typer.echo(f"note: {hint}")
    if report.trainable:
        typer.echo(f"training can go ahead: fit for {one.fit_for}")


def _by_count(people: dict[str, int]) -> list[tuple[int, list[str]]]:
    """How many pictures, and who has as many: the most first."""
    alike: dict[int, list[str]] = {}
    for who, count in people.items():
        alike.setdefault(count, []).append(who)
    return sorted(alike.items(), reverse=True)


def _lines(title: str, lines: list[str], count: int | None = None) -> None:
    if not lines:
        return
    typer.echo(f"{title}: {len(lines) if count is None else count}")
    for line in lines[:SHOWN]:
        typer.echo(f"  {line}")
    if len(lines) > SHOWN:
        typer.echo(f"  and {len(lines) - SHOWN} more (--json has them all)")
