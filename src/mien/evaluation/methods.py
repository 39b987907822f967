"""What is evaluated: anything that takes a crop and the name of an expression and gives a picture.

A method is named on the command line: `default`, `uc-gan` or other weights, `identity`, `morph`, `rig`, `folder:DIR`
(pictures that somebody else's program made), `run:DIR` (a training run). `NAME=SPEC` gives it another name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

import mien
from mien.errors import MienError
from mien.evaluation.protocol import Case, Crop
from mien.expression import parse

DLIB = "dlib"
"""What networks of identity losses are called: a judge of that name has been seen by the method's training."""


class Method(Protocol):
    """name: in the results. about: in a few words. sha256: of weights, None where there are none. state: changes with
    whatever its pictures depend on, but for the case. strengths: whether it can go part of the way. saw: names of
    networks that a loss of its training saw."""

    name: str
    about: str
    sha256: str | None
    state: str
    strengths: bool
    saw: tuple[str, ...]

    def make(self, case: Case) -> np.ndarray:
        """(H, W, 3) uint8 RGB, square; a `MienError` says why there is none."""
        ...


class Identity:
    """The identity copy: the input returned as it is. What a method must beat to have done anything."""

    about = "the input as it is"
    sha256: str | None = None
    state = "identity"
    strengths = False
    saw: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def make(self, case: Case) -> np.ndarray:
        return _image(case.source)


class Weights:
    """Weights of mien, by name or file, through the editor that users have, on the crop as a photo."""

    strengths = True

    def __init__(self, name: str, model: str) -> None:
        from mien.shelf import find
        from mien.synthesis.synthesiser import synthesiser

        self.name = name
        self._generator = synthesiser(find(model))
        self.sha256: str | None = self._generator.sha256
        self.state = f"{self.sha256} {_code()}"
        manifest = self._generator.manifest
        self.about = str(manifest.get("name", model))
        self.saw: tuple[str, ...] = (DLIB,) if _triplet(manifest.get("config")) else ()
        self._last: tuple[Crop, Any] | None = None

    def make(self, case: Case) -> np.ndarray:
        from mien.editor import Portrait
        from mien.picture import as_picture

        if self._last is None or self._last[0] is not case.source:
            portrait = Portrait(as_picture(_image(case.source)), self._generator)
            portrait.faces = [case.source.face]  # every method works from the same landmarks
            self._last = case.source, portrait
        made: np.ndarray = self._last[1].edit(case.target, case.strength).image
        return made


class Rig:
    """The classical baseline: the face model laid over the crop, its shapes moved (`mien rig`)."""

    about = "the 3D face model laid over the photo, with the vocabulary's shape weights"
    strengths = True
    saw: tuple[str, ...] = ()

    def __init__(self, name: str, assets: Path | None) -> None:
        if assets is None:
            raise MienError("the method rig needs --assets, the folder with ict-facekit.npz (see DATA_CARD.md)")
        try:
            from mien.rig.facekit import FaceKit
            from mien.rig.photo import PhotoRig
        except ImportError as error:
            raise MienError(f"the method rig needs {error.name}: pip install 'mien[rig]'") from None
        self.name = name
        self._kit, self._lay = FaceKit.load(assets), PhotoRig
        points = np.ascontiguousarray(self._kit.expressions)
        self.sha256: str | None = hashlib.sha256(points.tobytes()).hexdigest()
        self.state = f"{self.sha256} {_code()}"
        self._last: tuple[Crop, Any] | None = None

    def make(self, case: Case) -> np.ndarray:
        image = _image(case.source)
        if self._last is None or self._last[0] is not case.source:
            self._last = case.source, self._lay(self._kit, image, case.source.face)
        if case.strength == 0:
            return image.copy()
        made: np.ndarray = self._last[1].edit(image, parse(case.target).weights, case.strength)
        return made


class Morph:
    """The landmark morph: see `mien.evaluation.morph`."""

    about = "Beier & Neely's field morphing: landmarks moved by the mean displacement of the expression"
    strengths = True
    saw: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        from mien.evaluation import morph

        self.name = name
        self._morph = morph
        self.sha256: str | None = hashlib.sha256(morph.TABLE.read_bytes()).hexdigest()
        self.state = f"{self.sha256} {_code(Path(morph.__file__))}"

    def make(self, case: Case) -> np.ndarray:
        source = case.source
        if case.strength == 0:
            return _image(source).copy()
        return self._morph.morph(_image(source), source.face, source.expression, case.target, case.strength)


class Folder:
    """Pictures that another program made: DIR/<stem>_<expression>.png of each exported input."""

    sha256: str | None = None
    strengths = False
    saw: tuple[str, ...] = ()

    def __init__(self, name: str, folder: Path) -> None:
        if not folder.is_dir():
            raise MienError(f"no folder {folder} (of the method {name})")
        self.name, self.about, self._folder = name, f"pictures in {folder}", folder
        listed = sorted(path.name for path in folder.iterdir())
        if not listed:
            raise MienError(f"{folder} holds no pictures: make DIR/<stem>_<expression>.png of each exported input")
        self.state = f"folder {folder.resolve()}"

    def stamp(self, case: Case) -> str:
        """Changes with the file."""
        path = self._path(case)
        return digest_of(path) if path is not None else "none"

    def _path(self, case: Case) -> Path | None:
        whole = self._folder / case.file
        return next((p for s in (".png", ".jpg", ".jpeg", ".webp") if (p := whole.with_suffix(s)).is_file()), None)

    def make(self, case: Case) -> np.ndarray:
        path = self._path(case)
        if path is None:
            raise MienError(f"no {case.file}")
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise MienError(f"{path.name} cannot be read")
        return np.ascontiguousarray(image[..., ::-1])


class Run:
    """A training run of ours, at its own resolution: crops are reduced by area before and enlarged (cubic) after.

    Whether it can go part of the way is not known before it has been asked: see `look`.
    """

    def __init__(self, name: str, folder: Path) -> None:
        if not folder.is_dir():
            raise MienError(f"no folder {folder} (of the method {name})")
        self.name, self.strengths = name, True
        self._maker = _maker(folder)
        self.sha256: str | None = self._maker.sha256
        self.state = str(self.sha256)
        self.about = str(getattr(self._maker, "about", "")) or f"training run {folder.name}, {self._maker.size} px"
        self.saw: tuple[str, ...] = (DLIB,) if _triplet(_configuration(folder)) else ()

    def look(self, cases: Sequence[Case]) -> None:
        """Ask once for half the way; a refusal means that it has no strength."""
        fit = (case for case in cases if case.source.image is not None and case.target in self._maker.expressions)
        case = next(fit, None)
        if case is not None:
            try:
                self.make(replace(case, strength=0.5))
            except MienError:
                self.strengths = False

    def make(self, case: Case) -> np.ndarray:
        image, face, size = _image(case.source), case.source.face, self._maker.size
        if case.target not in self._maker.expressions:
            raise MienError(f"it does not know {case.target}")
        zoom = size / len(image)
        points = (face.landmarks + 0.5) * zoom - 0.5
        made = self._maker.make(resized(image, size)[None], points[None], case.target, case.strength)
        if made.shape != (1, size, size, 3) or made.dtype != np.uint8:
            raise MienError(f"it gave {made.shape} {made.dtype}, not a picture of {size} px")
        return np.asarray(made[0])


def parse_methods(specs: Sequence[str], assets: Path | None = None) -> list[Method]:
    """The methods of a command line, each checked and opened; a `MienError` names what is wrong with which."""
    methods: list[Method] = []
    for spec in specs:
        name, what = named(spec)
        if name in [method.name for method in methods]:
            raise MienError(f"two methods are called {name}: write OTHER={what} for one of them")
        methods.append(_method(name, what, assets))
    return methods


def named(spec: str) -> tuple[str, str]:
    """(name, what) of NAME=SPEC or SPEC; a folder's or file's name stands for what has none."""
    given, sign, what = spec.partition("=")
    if not sign or "/" in given or ":" in given:
        given, what = "", spec
    kind, _, rest = what.partition(":")
    name = given or (Path(rest).resolve().name if kind in ("folder", "run") and rest else Path(what).stem)
    if not re.fullmatch(r"[\w .+-]{1,60}", name) or name.startswith("."):
        raise MienError(
            f"'{name}' cannot name a method: letters, digits, spaces, dots, + and - only; write NAME={what}"
        )
    return name, what


def _method(name: str, what: str, assets: Path | None) -> Method:
    kind, sign, rest = what.partition(":")
    makers: dict[str, Callable[[], Method]] = {
        "identity": lambda: Identity(name),
        "morph": lambda: Morph(name),
        "rig": lambda: Rig(name, assets),
    }
    if what in makers:
        return makers[what]()
    if sign and kind in ("folder", "run"):
        if not rest:
            raise MienError(f"{kind}: needs a folder, such as {kind}:DIR")
        return Folder(name, Path(rest)) if kind == "folder" else Run(name, Path(rest))
    from mien.shelf import index

    if what not in index() and not what.endswith(".onnx"):
        shelf = ", ".join(index())
        raise MienError(
            f"unknown method '{what}': give {shelf}, an .onnx file, rig, morph, identity, folder:DIR or run:DIR"
        )
    return Weights(name, what)


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """A square picture at another size: reduced by area, enlarged by cubic interpolation."""
    if len(image) == size:
        return image
    mode = cv2.INTER_AREA if size < len(image) else cv2.INTER_CUBIC
    return cv2.resize(image, (size, size), interpolation=mode)


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _image(crop: Crop) -> np.ndarray:
    if crop.image is None:
        raise MienError(f"the input {crop.path.name} of {crop.person} cannot be read")
    return crop.image


def _maker(folder: Path) -> Any:
    """The run's generator; torch is only loaded here."""
    try:
        import_module("torch").set_num_threads(1)
        load = import_module("mien.training.baselines.apply").load_maker
    except ImportError as error:
        raise MienError(f"the method run: needs {error.name}: pip install 'mien[train]'") from None
    return load(folder)


def _configuration(folder: Path) -> Any:
    """What the header of a run's checkpoint says of its training; None where it says nothing."""
    try:
        safe_open = import_module("safetensors").safe_open
        with safe_open(folder / "checkpoint.safetensors", framework="np") as file:
            return json.loads(file.metadata()["state"])["config"]
    except Exception:  # whatever it is: `load_maker` has said what is wrong with the run
        return None


def _triplet(config: Any) -> bool:
    """Whether a configuration's triplet loss, and so dlib's network, was on."""
    text = json.dumps(config or {})
    weights = re.findall(r'"triplet_weight": ([\d.]+)', text)
    return any(float(weight) > 0 for weight in weights)


def _code(*more: Path) -> str:
    """SHA-256 of the code that makes pictures, and of files besides: another version's pictures are made anew."""
    root = Path(mien.__file__).parent
    files = [root / "expression.py", root / "editor.py", *more]
    for folder in ("face", "synthesis", "rig"):
        files += sorted((root / folder).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def key(method: Method, case: Case) -> str:
    """What a picture depends on: made again only if this changes."""
    stamp = method.stamp(case) if isinstance(method, Folder) else ""
    face = hashlib.sha256(case.source.told.tobytes()).hexdigest()[:16]
    text = f"{method.state} {stamp} {case.source.digest} {face} {case.target} {case.strength:g}"
    return hashlib.sha256(text.encode()).hexdigest()
