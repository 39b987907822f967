"""What an editor asks of weights of any kind, and the kinds there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mien.errors import MienError
from mien.expression import Expression
from mien.face import Face
from mien.synthesis import generator, painter
from mien.synthesis.maps import Maps
from mien.synthesis.session import open_weights


class Sitting(Protocol):
    """One face of a photo, edited any number of times."""

    def edit(self, pixels: np.ndarray, expression: Expression, amount: float) -> tuple[np.ndarray, Maps]:
        """`pixels` (H, W, 3) uint8 or uint16 with this face changed, as a new array, and the maps that did it; amount
        in (0, 1.3] as in `Portrait.edit`."""
        ...

    @property
    def irises(self) -> float | None:
        """The irises' contrast in [0, 1], little behind closed lids; None where no single shape can be asked for."""
        ...

    def talks(self, still: Sitting, jaw: float) -> None:
        """Say that the face talks: `jaw` is its jawOpen beyond its rest, `still` the same face with its mouth at rest,
        in another frame."""
        ...


class Synthesiser(Protocol):
    """Weights in a session. names: the expressions by name that it can be asked for."""

    path: Path
    sha256: str
    manifest: dict[str, Any]

    @property
    def names(self) -> tuple[str, ...]: ...

    def check(self, expression: Expression) -> None:
        """Raise a `MienError` for an expression that these weights cannot make."""

    def sit(self, rgb: np.ndarray, face: Face) -> Sitting:
        """A face of a photo (H, W, 3) uint8."""
        ...


def synthesiser(path: Path, providers: Sequence[str] | None = None, threads: int | None = None) -> Synthesiser:
    """The weights of an .onnx file, of whichever kind its inputs and outputs say."""
    weights = open_weights(path, providers, manifest=path == generator.WEIGHTS, threads=threads)
    for fits, kind in ((generator.fits, generator.Generator), (painter.fits, painter.Painter)):
        if fits(weights):
            return kind(weights)
    raise MienError(
        f"the weights {path} are not of a network that mien knows: {list(weights.inputs)} -> {list(weights.outputs)}"
    )
