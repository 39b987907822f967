"""The contact sheet of a prepared folder: some people, each with every expression, from the crops as they are."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mien.data.record import Record
from mien.expression import ALL_NAMES
from mien.formats import write_bytes

ROWS, COLUMNS = 12, 12
TILE, GAP, BAND, SIDE = 96, 4, 18, 90  # px
WHITE, INK = (255, 255, 255), (40, 40, 40)


Rank = tuple[bool, bool, float]


def _rank(record: Record) -> Rank:
    """From the front before others, photographs before what is made of one, the peak of a sequence before the rest."""
    frontal = record.pose in ("", "frontal") or record.pose.startswith("frontal-")
    return frontal, record.frame is None, record.strength or 0.0


def contact_sheet(out: Path, made: Sequence[tuple[Record, str]], path: Path) -> Path:
    """Write `path` (JPEG): a row a person, evenly chosen, a column an expression; `made`: records and their crops below
    `out`. Where nobody is known, a row is one of several pictures of each expression."""
    shown = {record.expression for record, _ in made}
    columns = [*(n for n in ALL_NAMES if n in shown), *sorted(shown - set(ALL_NAMES))][:COLUMNS]
    cells: dict[tuple[str, str], tuple[Rank, str]] = {}  # person and expression -> crop
    counts: dict[str, int] = {}
    for record, name in made:
        who = record.identity
        if not who:
            counts[record.expression] = counts.get(record.expression, 0) + 1
            who = str(counts[record.expression])
        old, new = cells.get((who, record.expression)), _rank(record)
        if old is None or new > old[0]:
            cells[who, record.expression] = new, name
    people = sorted({who for who, _ in cells}, key=lambda who: (len(who), who) if who.isdigit() else (0, who))
    rows = people if len(people) <= ROWS else [people[i * len(people) // ROWS] for i in range(ROWS)]
    font = ImageFont.load_default(11)
    size = (SIDE + GAP + len(columns) * (TILE + GAP), BAND + GAP + len(rows) * (TILE + GAP))
    paper = Image.new("RGB", size, WHITE)
    pen = ImageDraw.Draw(paper)
    for across, expression in enumerate(columns):
        x = SIDE + GAP + across * (TILE + GAP) + TILE // 2
        pen.text((x, BAND // 2), expression[:18], INK, font, anchor="mm")
        for down, who in enumerate(rows):
            cell = cells.get((who, expression))
            if cell is not None:
                with Image.open(out / cell[1]) as crop:
                    tile = crop.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
                paper.paste(tile, (SIDE + GAP + across * (TILE + GAP), BAND + GAP + down * (TILE + GAP)))
    for down, who in enumerate(rows):
        pen.text((GAP, BAND + GAP + down * (TILE + GAP) + TILE // 2), who[:14], INK, font, anchor="lm")
    data = io.BytesIO()
    paper.save(data, "JPEG", quality=90)
    return write_bytes(path, data.getvalue())
