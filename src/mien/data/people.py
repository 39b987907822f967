"""The photographs that mien trains on: who is in them, where they lie, and which split they belong to.

London set (DeBruine & Jones 2017) and Young Adult White Faces (2016), both CC BY 4.0; see DATA_CARD.md.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from mien.errors import MienError


@dataclass(frozen=True)
class Person:
    """One person: key such as 'london-001', split 'train' or 'val', neutral photo and template, and a smile or None."""

    key: str
    split: str
    neutral: Path
    template: Path
    smile: Path | None


def read_people(shared: Path | str) -> list[Person]:
    """All people below `shared`/data, in a fixed order. The Canadian set has no smiles and trains whole."""
    data = Path(shared) / "data"
    table = data / "london" / "people.csv"
    if not table.is_file():
        raise MienError(f"no {table}: give the folder that holds data/london (see DATA_CARD.md)")
    people = []
    with table.open(newline="") as file:
        rows = csv.DictReader(file)
        if not {"id", "split"} <= set(rows.fieldnames or ()):
            raise MienError(f"{table} has no columns id and split")
        for row in rows:
            neutral = data / "london" / "neutral" / f"{row['id']}.jpg"
            smile = data / "london" / "smiling" / f"{row['id']}.jpg"
            people.append(
                Person(
                    f"london-{row['id']}",
                    row["split"],
                    neutral,
                    neutral.with_suffix(".tem"),
                    smile if smile.is_file() else None,
                )
            )
    for neutral in sorted((data / "canada").glob("*.jpg")):
        people.append(Person(f"canada-{neutral.stem}", "train", neutral, neutral.with_suffix(".tem"), None))
    missing = [str(p.neutral) for p in people if not (p.neutral.is_file() and p.template.is_file())]
    if missing:
        raise MienError(f"{len(missing)} photos or templates are missing, the first is {missing[0]}")
    return people
