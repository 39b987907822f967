"""How fast the page answers a drag, in a real browser: from the slider's event to the new picture, decoded.

python bench/ui_latency.py [--size 1350] [--steps 40]; needs the extra ui, playwright and Chromium.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from mien.cli.sheet import SAMPLE
from surfaces.ui.browser import User, chromium, page_server

MEASURE = """
async ([key, steps]) => {
  const slider = document.querySelector(`#mien-${key} input[type=range]`);
  const stage = document.querySelector(".mien-stage"), image = document.querySelector(".mien-after");
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  const times = [], full = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now(), n = stage.dataset.n;
    const changed = (want) => new Promise((done) => {
      const look = () => { if (want()) { watcher.disconnect(); done(); } };
      const watcher = new MutationObserver(look);
      watcher.observe(stage, { attributes: true });
      look();
    });
    set.call(slider, String(0.3 + 0.02 * (i % 40)));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await changed(() => stage.dataset.n !== n);
    await image.decode();
    times.push(performance.now() - start);
    if (i % 8 === 7) {
      await changed(() => stage.dataset.state === "full");
      await image.decode();
      full.push(performance.now() - start);
    }
  }
  return [times, full];
}
"""


def cpu(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1350)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        size = (options.size, options.size)
        cv2.imwrite(str(photo), cv2.resize(cv2.imread(str(SAMPLE)), size, interpolation=cv2.INTER_CUBIC))
        with page_server(Path(folder)) as (address, process), chromium() as browser:
            user = User(browser, address)
            user.open(photo)
            user.page.evaluate(MEASURE, ["happy", 8])
            load, spent = os.getloadavg()[0], cpu(process.pid)
            times, full = user.page.evaluate(MEASURE, ["happy", options.steps])
            spent = cpu(process.pid) - spent
        low, middle, high = np.percentile(times, [5, 50, 95])
        print(f"{options.size}x{options.size}, {options.steps} moves, load {load:.1f} to {os.getloadavg()[0]:.1f}:")
        print(f"preview after {middle:.0f} ms (median; 5% to 95%: {low:.0f} to {high:.0f} ms)")
        print(f"full size {np.median(full):.0f} ms after the last move (median of {len(full)})")
        print(f"the server's CPU time a move, full sizes included: {1000 * spent / options.steps:.0f} ms")


if __name__ == "__main__":
    main()
