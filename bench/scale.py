"""How `mien data prepare` scales: time and memory for more and more pictures, and how fast a long manifest opens.

    python bench/scale.py --work /tmp/mien-scale [--pictures 2500,5000,10000] [--rows 1000000]

The pictures are the bundled sample in many tints, 320 x 320 px, of 100 made-up people. Seconds of processor time are
those of the command and all its processes: on a machine that others use too, the clock tells more of them. Memory is
that of all these processes together, read every half second: the sum of their resident sets, which counts shared pages
once a process, and of their proportional ones, which counts them once.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

import mien
from mien.data.manifest import read_manifest, write_manifest
from mien.expression import NAMES

SAMPLE = Path(mien.__file__).parent / "samples" / "nobody.jpg"
SIDE, PEOPLE = 320, 100


def pictures(folder: Path, count: int) -> list[dict[str, str]]:
    """Make the pictures that are not there yet; their rows for a table."""
    with Image.open(SAMPLE) as sample:
        face = np.asarray(sample.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    rows = []
    for number in range(count):
        path = folder / f"{number:06d}.jpg"
        if not path.exists():
            tint = np.random.default_rng(number).uniform(0.75, 1.1, 3)
            Image.fromarray((face * tint).clip(0, 255).astype(np.uint8)).save(path, quality=92)
        expression = NAMES[number // PEOPLE % len(NAMES)]
        rows.append({"path": path.name, "identity": f"p{number % PEOPLE:03d}", "expression": expression})
    return rows


def family(pid: int) -> list[int]:
    """A process and all that it began."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += family(int(child))
    return found


def memory(pids: list[int]) -> tuple[float, float]:
    """MiB: the sums of resident and of proportional sets."""
    resident = proportional = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        values = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
        resident += values.get("Rss:", 0)
        proportional += values.get("Pss:", 0)
    return resident / 1024, proportional / 1024


def processor(pid: int) -> float:
    """Seconds that a process has computed so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prepared(table: Path, out: Path, workers: int) -> tuple[float, float, float, float]:
    """Seconds by the clock and of the processor, and the most of each memory, of preparing what a table lists."""
    words = ["data", "prepare", "folder", str(table), str(out), "--workers", str(workers)]
    began = time.monotonic()
    run = subprocess.Popen([sys.executable, "-m", "mien", *words], stdout=subprocess.DEVNULL)
    most, computed = (0.0, 0.0), dict[int, float]()
    while run.poll() is None:
        pids = family(run.pid)
        for pid in pids:
            computed[pid] = max(computed.get(pid, 0.0), processor(pid))
        now = memory(pids)
        most = (max(most[0], now[0]), max(most[1], now[1]))
        time.sleep(0.5)
    if run.returncode:
        raise SystemExit(f"mien {' '.join(words)} ended with {run.returncode}")
    return time.monotonic() - began, sum(computed.values()), *most


def long_manifest(folder: Path, like: Path, rows: int) -> tuple[float, float]:
    """Seconds to open a manifest of so many rows (made of those of `like`): what training reads, and everything."""
    with (like / "manifest.csv").open(newline="") as file:
        some = list(csv.DictReader(file))
    folder.mkdir(exist_ok=True)
    write_manifest(folder, ({**some[n % len(some)], "crop": f"crops/{n:07d}.png"} for n in range(rows)))
    taken = []
    for columns in (("crop", "identity", "expression", "split"), tuple(some[0])):
        began = time.monotonic()
        assert len(read_manifest(folder, columns)) == rows
        taken.append(time.monotonic() - began)
    (folder / "manifest.csv").unlink()
    return taken[0], taken[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for pictures and crops")
    parser.add_argument("--pictures", default="2500,5000,10000")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rows", type=int, default=1_000_000)
    told = parser.parse_args()
    folder = told.work / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    counts = [int(word) for word in told.pictures.split(",")]
    rows = pictures(folder, max(counts))
    print("| pictures | seconds | processor seconds | ms of it a picture | MiB, shared pages once | MiB, per process |")
    print("| --- | --- | --- | --- | --- | --- |")
    for count in counts:
        table = folder / f"table-{count}.csv"
        with table.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["path", "identity", "expression"])
            writer.writeheader()
            writer.writerows(rows[:count])
        out = told.work / f"prepared-{count}"
        if out.exists():
            raise SystemExit(f"{out} is there already: remove it, or give another --work")
        seconds, computed, resident, proportional = prepared(table, out, told.workers)
        print(
            f"| {count} | {seconds:.0f} | {computed:.0f} | {1000 * computed / count:.1f} | {proportional:.0f} | "
            f"{resident:.0f} |",
            flush=True,
        )
    some, everything = long_manifest(told.work / "long", told.work / f"prepared-{counts[0]}", told.rows)
    print(
        f"\nA manifest of {told.rows} rows opens in {some:.1f} s (what training reads), {everything:.1f} s (all of it)."
    )


if __name__ == "__main__":
    main()
