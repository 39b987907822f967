"""The open set: photographs that may be used (CC BY 4.0), and the rig, which makes the expressions nobody photographed.

`data/london/{people.csv,neutral/001.jpg,neutral/001.tem,smiling/001.jpg}`, `data/canada/003f.jpg` and
`assets/ict-facekit/ict-facekit.npz`, as `mien data fetch open` leaves them. The people of the split 'test' are for
evaluation alone: they are never read here.
"""

from __future__ import annotations

from pathlib import Path

from mien.data.databases.base import Database
from mien.data.people import read_people
from mien.data.record import Note, Reading, Record
from mien.data.tree import Tree
from mien.errors import MienError

TABLE = "london/people.csv"
KEPT = "test"


def home(root: Path) -> Path | None:
    """The folder that holds data/london, if it is `root` or the one above it."""
    for folder in (root, root.absolute().parent):
        if (folder / "data" / TABLE).is_file() and (folder == root or root.name == "data"):
            return folder
    return None


def read(tree: Tree, peak: int = 0) -> Reading:
    """Neutral and smiling photographs of the people of 'train' and 'val'."""
    reading = Reading()
    shared = home(tree.root)
    if shared is None:
        inner = [path for path in tree.files if path.endswith(f"data/{TABLE}")]
        reading.inner = inner[0].removesuffix(f"data/{TABLE}").rstrip("/") if inner else ""
        for low, folder in enumerate(list(tree.root.absolute().parents)[:4], start=1):
            if (folder / "data" / TABLE).is_file():
                reading.hints.append(f"you are {low} level{'s' * (low > 1)} too low: give {folder}")
        return reading
    try:
        people = read_people(shared)
    except MienError as error:
        reading.hints.append(str(error))
        return reading
    base = tree.root.absolute()
    kept = [person for person in people if person.split == KEPT]
    for person in people:
        if person.split == KEPT:
            reading.left_out += 1 + (person.smile is not None)
            continue
        name = person.neutral.absolute().relative_to(base).as_posix()
        reading.records.append(Record(name, "neutral", person.key, "neutral", strength=0.0, split=person.split))
        if person.smile is not None:
            name = person.smile.absolute().relative_to(base).as_posix()
            reading.records.append(Record(name, "happy", person.key, "smiling", split=person.split))
        elif person.key.startswith("london-"):
            reading.missing.append(f"{person.key}: no smiling photograph")
    if kept:
        reading.hints.append(f"{len(kept)} people of the split '{KEPT}' are kept for evaluation")
    if not (shared / "assets" / "ict-facekit" / "ict-facekit.npz").is_file():
        reading.missing.append("assets/ict-facekit/ict-facekit.npz: without it there are no other expressions")
    used = {record.path for record in reading.records}
    used |= {file.absolute().relative_to(base).as_posix() for p in kept for file in (p.neutral, p.smile) if file}
    for path in tree.pictures:
        if path not in used and "london/" in path:
            reading.skipped.append(Note(path, f"unlabelled: nobody's in {TABLE}"))
    return reading


OPEN = Database(
    name="open",
    title="the open set",
    holds="London (102 people, neutral and smiling) and Canada (40, neutral); the rig makes the other expressions",
    licence="CC BY 4.0 (photographs), MIT (face model): may be used, changed and passed on with attribution",
    source="mien data fetch open",
    example="data/london/neutral/001.jpg",
    read=read,
    home=r"(data/)?((london/(neutral|smiling)/)|canada/)?",
    aliases=("london",),
)
