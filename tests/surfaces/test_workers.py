"""Work in other processes, some of which die."""

import os

import pytest

from mien.surfaces.folders.workers import DIED, count, work
from surfaces import jobs


@pytest.mark.parametrize("numbers", [[], [1, 2, 3], [0, -1, 2, 3, 4, 5, 6, -7, 8, 9]])
def test_a_task_that_kills_its_process_costs_itself(numbers):
    before = dict(os.environ)
    done = dict(work(numbers, jobs.double, jobs.start, (100,), jobs.lost, 2))
    assert done == {n: 100 + 2 * n if n >= 0 else f"{n}: {DIED}" for n in numbers}
    assert dict(os.environ) == before


def test_how_many():
    assert count(3) == 3 and 1 <= count(None) <= 8
