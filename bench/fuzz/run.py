"""Fuzz what mien reads from strangers; see docs/security.md.

    python bench/fuzz/run.py --minutes 60 --corpus /tmp/mien-fuzz
    python bench/fuzz/run.py --corpus /tmp/mien-fuzz --replay /tmp/mien-fuzz/findings/picture-0a1b2c3d.bin

Each target runs in turn in a process of its own under atheris (coverage-guided, `pip install atheris`), on one core at
nice 19. An input must give a result or a `MienError`, within `SECONDS` and `MEGABYTES`, and write nothing outside its
own folder. What does not is kept in CORPUS/findings, one of a kind, with its traceback. The corpus stays: a later run
goes on from it. Exit code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from targets import TARGETS

SECONDS, MEGABYTES = 10, 2048
LONGEST = 1 << 16
"""Bytes of an input."""


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--minutes", type=float, default=60)
    words.add_argument("--corpus", type=Path, default=Path("/tmp/mien-fuzz"), help="folder that is kept")
    words.add_argument("--only", default="", help=f"some of {','.join(TARGETS)}")
    words.add_argument("--slice", type=int, default=45, help="seconds a target runs before the next one does")
    words.add_argument("--nice", type=int, default=19, help="of the processes; all run on one core")
    words.add_argument("--replay", type=Path, help="run one input alone, and let its exception through")
    asked = words.parse_args()
    if asked.replay:
        name = asked.replay.name.partition("-")[0]
        return subprocess.call([sys.executable, str(Path(__file__).parent / "one.py"), name, "--replay", asked.replay])
    names = asked.only.split(",") if asked.only else list(TARGETS)
    findings = asked.corpus / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    before = {path.name for path in findings.iterdir()}
    end, spent, runs = time.monotonic() + 60 * asked.minutes, dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    while time.monotonic() < end:
        for name in names:
            left = end - time.monotonic()
            if left <= 1:
                break
            began = time.monotonic()
            runs[name] += fuzz(name, asked.corpus, min(asked.slice, int(left)), asked.nice)
            spent[name] += time.monotonic() - began
    new = sorted({path.name for path in findings.iterdir()} - before)
    for name in names:
        print(f"{name:12} {runs[name]:9} inputs in {spent[name]:6.0f} s")
    print(f"{sum(runs.values())} inputs in {sum(spent.values()) / 60:.1f} minutes; new in {findings}: {len(new)}")
    for name in new:
        print(f"  {name}")
    return 1 if new else 0


def fuzz(name: str, corpus: Path, seconds: int, niceness: int) -> int:
    """Run one target for so long; how many inputs it was given."""
    folder, findings = corpus / name, corpus / "findings"
    folder.mkdir(exist_ok=True)
    command = [
        sys.executable, str(Path(__file__).parent / "one.py"), name, str(corpus), str(folder),
        f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST}",
        f"-artifact_prefix={findings}/{name}-", "-print_final_stats=1", "-verbosity=1", "-len_control=0",
    ]  # fmt: skip
    end, count = time.monotonic() + seconds, 0
    while (left := int(end - time.monotonic())) > 0:
        inputs, died = _once([*command, f"-max_total_time={left}"], name, corpus, niceness)
        count += inputs
        if not died or not inputs:  # after an input that ends the process, the others go on
            break
    return count


def _once(command: list[str], name: str, corpus: Path, niceness: int) -> tuple[int, bool]:
    """One process: how many inputs it was given, and whether one of them ended it."""
    findings = corpus / "findings"

    def gently() -> None:
        os.nice(max(0, niceness - os.nice(0)))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    # in one arena memory does not fragment by the threads of thousands of encoders
    told = {"capture_output": True, "text": True, "errors": "replace", "env": os.environ | {"MALLOC_ARENA_MAX": "1"}}
    done = subprocess.run(command, preexec_fn=gently, **told)
    (corpus / f"{name}.log").write_text(done.stdout[-20_000:] + done.stderr[-40_000:])
    if done.returncode:  # a crash, a hang or too much memory: libFuzzer has kept the input, this says what it said
        (findings / f"{name}-died-{int(time.time())}.txt").write_text(done.stderr[-20_000:])
    counts = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    return int(counts[-1]) if counts else 0, bool(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
