"""Every method makes its pictures, once: what is there and depends on nothing that has changed is not made again."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.data.crops import write_crop
from mien.errors import MienError
from mien.evaluation.methods import Folder, Method, digest_of, key, resized
from mien.evaluation.protocol import Case, Crop
from mien.evaluation.seen import Tell
from mien.inside import own

JOURNAL = "made.jsonl"


@dataclass(frozen=True)
class Made:
    """What became of a case. error: why there is no picture; seconds: of a face; file_sha256: of the picture."""

    file: str
    key: str
    seconds: float = 0.0
    file_sha256: str = ""
    error: str = ""


class Pictures:
    """The pictures of one method in a folder of its own, square, at the inputs' size."""

    def __init__(self, folder: Path, method: Method, size: int) -> None:
        self.folder, self.method, self.size = folder, method, size
        self.made: dict[str, Made] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if own(folder / JOURNAL).is_file():
                self._load((folder / JOURNAL).read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise MienError(f"cannot use {folder}: {error.strerror or error}") from None

    def _load(self, text: str) -> None:
        for line in text.splitlines():
            try:
                one = Made(**json.loads(line))
                mine = one.file == Path(one.file).name and one.file.endswith(".png")  # nothing outside this folder
            except (ValueError, TypeError, AttributeError, RecursionError):
                continue  # cut off by a kill
            if mine:
                self.made[one.file] = one

    def make(self, cases: Sequence[Case], tell: Tell | None = None) -> None:
        """Make what is missing or was made by something else; failures are tried again."""
        todo = [case for case in cases if not self._there(case)]
        for number, case in enumerate(todo):
            made = self._one(case)
            self.made[made.file] = made
            with (self.folder / JOURNAL).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(made)) + "\n")
            if tell:
                tell(number + 1, len(todo))
        wanted = {case.file for case in cases}
        for name in self.made.keys() - wanted:  # of an earlier protocol; nothing else is touched
            with contextlib.suppress(OSError):  # a name that no run of ours wrote
                (self.folder / name).unlink(missing_ok=True)
        self.made = {name: one for name, one in self.made.items() if name in wanted}

    def _there(self, case: Case) -> bool:
        one = self.made.get(case.file)
        path = self.folder / case.file
        return bool(
            one and not one.error and one.key == key(self.method, case)
            and path.is_file() and digest_of(path) == one.file_sha256
        )  # fmt: skip

    def _one(self, case: Case) -> Made:
        name = key(self.method, case)
        path = self.folder / case.file
        path.unlink(missing_ok=True)
        began = time.perf_counter()
        try:
            if case.source.image is not None:
                _ = case.source.face  # is found once, by whichever method is first: no part of its time
            began = time.perf_counter()
            image = self.method.make(case)
            took = time.perf_counter() - began
            image = squared(image, self.size)
        except Exception as error:  # a method may fail in any way; that is counted, and the others go on
            why = str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
            return Made(case.file, name, 0.0, "", " ".join(why.split())[:300] or "failed")
        write_crop(path, image)
        return Made(case.file, name, 0.0 if isinstance(self.method, Folder) else took, digest_of(path))

    def read(self, case: Case) -> np.ndarray | None:
        """(S, S, 3) uint8 RGB at the inputs' size; None where there is none."""
        one = self.made.get(case.file)
        if one is None or one.error:
            return None
        image = cv2.imread(str(self.folder / case.file), cv2.IMREAD_COLOR)
        return None if image is None else np.ascontiguousarray(image[..., ::-1])


def squared(image: np.ndarray, size: int) -> np.ndarray:
    """A method's picture at the inputs' size; a `MienError` if it is not square."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.shape[0] != image.shape[1]:
        raise MienError(f"the picture is {image.shape} {image.dtype}, not square 8-bit RGB like its input")
    return resized(image, size)


def export_inputs(folder: Path, cases: Sequence[Case]) -> int:
    """Write the inputs for another program: <stem>.png, and wanted.csv with the file that is asked for each."""
    import csv

    from mien.formats import write_bytes

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MienError(f"{folder} is not empty: give a new folder")
    inputs: dict[str, Crop] = {case.source.stem: case.source for case in cases}
    unreadable = [crop for crop in inputs.values() if crop.image is None]
    folder.mkdir(parents=True, exist_ok=True)
    for stem, crop in inputs.items():
        if crop not in unreadable:
            write_bytes(folder / f"{stem}.png", crop.path.read_bytes())
    part = folder / f".wanted.{os.getpid()}.part"
    with part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("input", "person", "shows", "asked", "strength", "write"))
        for case in cases:
            row = (
                f"{case.source.stem}.png",
                case.person,
                case.source.expression,
                case.target,
                case.strength,
                case.file,
            )
            table.writerow(row)
    part.replace(folder / "wanted.csv")
    return len(inputs) - len(unreadable)
