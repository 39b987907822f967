"""A training run as one TOML file; every field has a default and an unknown key is an error."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from mien.errors import MienError


@dataclass(frozen=True)
class TrainConfig:
    """steps: generator updates. chunk: pairs rendered together; repeats: how often each is used.
    small_size, small_steps: the first steps run on smaller crops, which cost less.
    adversarial_from: step at which the discriminator joins. real_share: share of real neutral/smiling pairs."""

    seed: int = 1
    size: int = 256
    small_size: int = 192
    small_steps: int = 0
    steps: int = 9000
    batch: int = 10
    chunk: int = 160
    repeats: int = 2
    rate: float = 6e-4
    final_rate: float = 2e-5
    warmup: int = 200
    ema: float = 0.998
    real_share: float = 0.06
    adversarial_from: int = 10**9
    adversarial_weight: float = 0.05
    flow_weight: float = 0.5
    bend_weight: float = 0.02
    shading_weight: float = 6.0
    alpha_weight: float = 0.6
    paint_weight: float = 2.0
    image_weight: float = 8.0
    real_weight: float = 1.5
    sparse_weight: float = 0.05
    people: int = 0
    widths: tuple[int, ...] = (16, 32, 64, 128, 224)
    head: int = 12

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def size_at(self, number: int) -> int:
        """The crop size of the pair with this number; a chunk has one size."""
        chunk = number // self.chunk
        return (
            self.small_size
            if (chunk + 1) * (self.chunk * self.repeats // self.batch) <= self.small_steps
            else self.size
        )

    def smaller(self, **changes: Any) -> TrainConfig:
        """The same run with some fields changed."""
        return replace(self, **changes)


def read_config(path: Path | str) -> TrainConfig:
    """Read a TOML file of `TrainConfig` fields."""
    try:
        values = tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise MienError(f"cannot read the configuration {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise MienError(f"{path} is not valid TOML: {error}") from None
    known = {f.name for f in fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise MienError(f"{path}: unknown key {unknown[0]!r}; the keys are {', '.join(sorted(known))}")
    if "widths" in values:
        values["widths"] = tuple(values["widths"])
    return TrainConfig(**values)
