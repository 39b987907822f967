"""What the processes of `mien stimuli` do: first cut every edit to the frame, then, once the set's luminance is known,
finish each picture and measure it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.credentials import Credentials
from mien.editor import Editor, Portrait
from mien.expression import Expression
from mien.face import Choice, align
from mien.face.detect import detect
from mien.face.landmarks import coarse, fuse, refine
from mien.formats import write
from mien.inside import target
from mien.picture import Picture, read
from mien.provenance import stamped, write_signed
from mien.surfaces.folders.folder import stamp
from mien.surfaces.folders.names import slug
from mien.surfaces.folders.runs import Made, boxes, failed, made_with, reason
from mien.surfaces.folders.table import sha256_of
from mien.surfaces.stimuli import luminance
from mien.surfaces.stimuli.framing import Framing, eye_centres
from mien.surfaces.stimuli.measures import Describer, measured_strength, motion

CROPS = ".crops"
"""Folder of the cut edits before they are finished: a run that was killed goes on from them."""

EYES = ("left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y")
COPIED = (
    "id", "input", "input_sha256", "box", "zoom", "beyond", "expression", "model", "model_sha256", "version", "seed",
    "error",
)  # fmt: skip
"""Columns that the first pass knows."""

FULL = 1.0
"""The strength that measured strength is a share of."""


@dataclass(frozen=True)
class Options:
    """expressions, strengths: as the batch has them; strengths in whole percent. background: RGB outside the oval,
    None to keep the photo's. match: whether luminance is made equal. embedder: dlib's .dat, or None."""

    expressions: tuple[str, ...] = ("all",)
    strengths: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    framing: Framing = field(default_factory=lambda: Framing(512, 512))
    background: tuple[int, int, int] | None = None
    match: bool = False
    face: Choice = "largest"
    embedder: Path | None = None
    provenance: bool = True


@dataclass(frozen=True)
class Job:
    """What every process has to know. model: a file; light: mean and standard deviation of L* to match, or None;
    credentials: to sign with, and in no file of ours."""

    root: Path
    out: Path
    model: Path
    expressions: tuple[Expression, ...]
    options: Options
    light: tuple[float, float] | None = None
    credentials: Credentials | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Seen:
    """A finished picture: what it was cut as, its row, its landmarks (68, 2) px, its descriptor (128,) or None."""

    cut: dict[str, Any]
    row: dict[str, Any]
    points: np.ndarray
    described: np.ndarray | None


@dataclass(frozen=True)
class Sitter:
    """A photo to do. label: its short name."""

    path: str
    trouble: str
    label: str


def name_of(label: str, number: int, expression: Expression, strength: float) -> str:
    """012_03-happy_050.png: the photo, the expression's place among those asked for, its name, percent."""
    return f"{label}_{number:02d}-{slug(expression)}_{round(100 * strength):03d}.png"


class Cutter:
    """A process of the first pass."""

    def __init__(self, job: Job) -> None:
        cv2.setNumThreads(1)  # the other processes have the other cores
        self.job, self.editor = job, Editor(job.model, threads=1)

    def make(self, sitter: Sitter) -> Made:
        """Every edit of a photo, cut to the frame; nothing that goes wrong with it is raised."""
        job = self.job
        read_at = stamp(job.root / sitter.path)
        if sitter.trouble:
            return failed(sitter.path, job.root, sitter.trouble, readable=False)
        try:
            portrait = self.editor.open(job.root / sitter.path)
            rows = self._cut(portrait, sitter)
        except Exception as error:
            return failed(sitter.path, job.root, reason(error, job.root, job.out), read_at)
        return Made(sitter.path, read_at, rows, 0)

    def _cut(self, portrait: Portrait, sitter: Sitter) -> list[dict[str, Any]]:
        job, options = self.job, self.job.options
        face = portrait.faces[portrait.choose(options.face)[0]]
        which = portrait.choose(options.face)[0] + 1
        transform = options.framing.transform(face.landmarks)
        known = {"input": sitter.path, "input_sha256": portrait.origin["sha256"], "box": boxes([face])}
        known |= {"id": sitter.label, "zoom": f"{align.scale(transform):.3f}"}
        known |= {"beyond": f"{options.framing.beyond(portrait.picture.rgb.shape, transform):.4f}"}
        known |= {"pose": align.apply(transform, face.landmarks).tolist(), "error": ""} | made_with(self.editor)
        rows = []
        for number, expression in enumerate(job.expressions, 1):
            for strength in sorted({*options.strengths, 0.0, FULL}):
                began = time.perf_counter()
                edit = portrait.edit(expression, strength, which)
                cut = luminance.to_srgb(options.framing.cut(edit.picture.rgb, transform), portrait.picture.icc)
                name = name_of(sitter.label, number, expression, strength)
                path = write(target(job.out, f"{CROPS}/{name}"), Picture(cut))
                mean, deviation = luminance.figures(cut, options.framing.region)
                rows.append(known | {
                    "output": f"{CROPS}/{name}", "stamp": stamp(path), "name": name, "number": number,
                    "expression": str(expression), "strength": strength, "mean": mean, "deviation": deviation,
                    "asked": strength in options.strengths, "seconds": time.perf_counter() - began,
                    "step": {**edit.step, "made": "stimulus"},
                })  # fmt: skip
        return rows


class Finisher:
    """A process of the second pass."""

    def __init__(self, job: Job) -> None:
        cv2.setNumThreads(1)
        self.job = job
        self.describer = Describer(job.options.embedder) if job.options.embedder else None
        self._looks: dict[bytes, tuple[np.ndarray, dict[str, str], np.ndarray | None]] = {}

    def make(self, cut: Made) -> Made:
        """The pictures of a photo as they are handed over, and what is measured on them."""
        job = self.job
        self._looks.clear()
        try:
            rows = self._finish(cut.rows)
        except Exception as error:
            return failed(cut.path, job.root, reason(error, job.root, job.out), cut.stamp)
        return Made(cut.path, cut.stamp, rows, 0)

    def _finish(self, cuts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        distance, rows = self.job.options.framing.distance, []
        for number in dict.fromkeys(cut["number"] for cut in cuts):
            seen = {cut["strength"]: self._see(cut) for cut in cuts if cut["number"] == number}
            start, full = seen[0.0], seen[FULL]
            for one in seen.values():
                if not one.cut["asked"]:
                    continue
                strength = measured_strength(one.points, start.points, full.points, distance)
                one.row["measured_strength"] = "" if strength is None else f"{strength:.3f}"
                one.row["motion"] = f"{motion(one.points, start.points, distance):.2f}"
                if one.described is not None and start.described is not None:
                    one.row["identity_distance"] = f"{np.linalg.norm(one.described - start.described):.4f}"
                rows.append(one.row)
        return rows

    def _see(self, cut: dict[str, Any]) -> Seen:
        """Finish and write a picture, if it was asked for, and look at it."""
        job, options, began = self.job, self.job.options, time.perf_counter()
        pixels, clipped = read(job.out / CROPS / cut["name"]).pixels, 0.0
        if job.light:
            pixels, clipped = luminance.match(pixels, options.framing.region, *job.light)
        if options.background:
            oval = options.framing.oval[..., None]
            pixels = np.round(pixels * oval + np.array(options.background) * (1 - oval)).astype(np.uint8)
        mean, deviation = luminance.figures(pixels, options.framing.region)
        row = {key: cut[key] for key in COPIED} | {"strength": f"{cut['strength']:g}"}
        row |= {"lightness": f"{mean:.3f}", "contrast": f"{deviation:.3f}", "clipped": f"{clipped:.5f}"}
        points, eyes, described = self._look(pixels, np.array(cut["pose"]))
        row |= eyes
        if cut["asked"]:
            path, picture = target(job.out, cut["name"]), Picture(pixels)
            if options.provenance:
                write_signed(path, stamped(picture, cut["step"] | self._how()), job.credentials)
            else:
                write(path, picture)
            row |= {"output": cut["name"], "output_sha256": sha256_of(path)}
        row["time"] = f"{cut['seconds'] + time.perf_counter() - began:.3f}"
        return Seen(cut, row, points, described)

    def _look(self, pixels: np.ndarray, pose: np.ndarray) -> tuple[np.ndarray, dict[str, str], np.ndarray | None]:
        """Landmarks (68, 2) px, columns of the eyes, descriptor; a photo itself is looked at only once."""
        key = hashlib.sha256(pixels.data).digest() + pose.tobytes()
        if key not in self._looks:
            # in the photo's pose, so that what a detector does anew for each picture is no motion of the face
            points, eyes, described = refine(pixels, align.crop_transform(pose)), {}, None
            found = detect(pixels)
            if found:  # and once more as a stranger's picture
                rough = coarse(pixels, found[0])
                centres = eye_centres(fuse(refine(pixels, rough), rough))
                eyes = {name: f"{v:.2f}" for name, v in zip(EYES, centres.ravel(), strict=True)}
                described = self.describer.describe(pixels, found[0]) if self.describer else None
            self._looks[key] = points, eyes, described
        return self._looks[key]

    def _how(self) -> dict[str, Any]:
        """What the record of a picture says beside the edit."""
        options = self.job.options
        told: dict[str, Any] = {"crop": f"{options.framing.width}x{options.framing.height}"}
        if options.background:
            told["background"] = "#{:02x}{:02x}{:02x}".format(*options.background)
        if self.job.light:
            told["lightness"] = [round(value, 3) for value in self.job.light]
        return told


_worker: Cutter | Finisher | None = None


def begin(kind: type[Cutter] | type[Finisher], job: Job) -> None:
    """A process begins."""
    global _worker
    _worker = kind(job)


def make(task: Any) -> Made:
    """A process does a photo: a `Sitter` in the first pass, what became of it in the second."""
    assert _worker is not None
    return _worker.make(task)
