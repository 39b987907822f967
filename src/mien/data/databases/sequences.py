"""Which frames of a sequence from neutral to its peak are used, and how strong the expression is in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mien.data.record import Note, Reading


class Frame(NamedTuple):
    """at: place in the sequence; strength: 0 neutral, 1 the last frame; neutral: whether it is the neutral one."""

    at: int
    strength: float
    neutral: bool


def one_a_number(frames: Sequence[tuple[int, str]], reading: Reading) -> list[tuple[int, str]]:
    """Frames (number, path) in order, one a number; a second file of a number is noted as skipped."""
    kept: list[tuple[int, str]] = []
    for number, path in sorted(frames):
        if kept and kept[-1][0] == number:
            reading.skipped.append(Note(path, f"duplicate: a second file for {kept[-1][1]}"))
        else:
            kept.append((number, path))
    return kept


def onset_to_peak(numbers: Sequence[int], peak: int, first: int) -> list[Frame]:
    """The neutral frame and the last `peak` ones of a sequence whose frames have these ascending `numbers`.

    `first` is the number that the first frame of a whole sequence has (or one more): where the beginning is cut off
    there is no neutral frame. Strength is the frame's place between the first number and the last.
    """
    last = numbers[-1]
    whole = numbers[0] <= first + 1
    start = numbers[0] if whole else first
    frames = [Frame(0, 0.0, True)] if whole and len(numbers) > 1 else []
    after = range(len(frames), len(numbers)) if len(numbers) > 1 or not whole else range(0)
    for index in list(after)[-peak:]:
        frames.append(Frame(index, round((numbers[index] - start) / max(last - start, 1), 4), False))
    return frames


def apex(count: int, peak: int) -> list[int]:
    """The `peak` frames in the middle of a sequence of `count` that begins and ends neutral; never more than half of a
    long one."""
    wanted = min(peak, max(count // 2, min(count, 3)))
    start = (count - wanted) // 2
    return list(range(start, start + wanted))
