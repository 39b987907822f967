"""A training run as one TOML file; every field has a default and an unknown key is an error."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mien.errors import MienError


@dataclass(frozen=True)
class TrainConfig:
    """size: pixels of the square that the network works on. steps: generator updates.
    chunk: pairs rendered together; repeats: how often each is used.
    adversarial_from: step at which the discriminator joins. real_share: share of real neutral/smiling pairs;
    smile_share: of rendered pairs that start from a smiling photo. precision: "bf16", "fp32" or "auto"."""

    seed: int = 1
    size: int = 192
    steps: int = 9000
    batch: int = 10
    chunk: int = 160
    repeats: int = 2
    rate: float = 6e-4
    final_rate: float = 2e-5
    warmup: int = 200
    ema: float = 0.998
    real_share: float = 0.06
    smile_share: float = 0.08
    adversarial_from: int = 10**9
    adversarial_weight: float = 0.05
    flow_weight: float = 0.5
    bend_weight: float = 0.02
    shading_weight: float = 6.0
    alpha_weight: float = 0.6
    paint_weight: float = 2.0
    teeth_weight: float = 0.15
    image_weight: float = 8.0
    real_weight: float = 1.5
    sparse_weight: float = 0.05
    precision: str = "auto"
    people: int = 0
    widths: tuple[int, ...] = (16, 32, 64, 128, 224)
    head: int = 12

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_config(path: Path | str) -> TrainConfig:
    """Read a TOML file of `TrainConfig` fields."""
    try:
        values = tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise MienError(f"cannot read the configuration {path}: {error.strerror}") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise MienError(f"{path} is not valid TOML: {error}") from None
    known = {f.name for f in fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise MienError(f"{path}: unknown key {unknown[0]!r}; the keys are {', '.join(sorted(known))}")
    for name, value in values.items():
        values[name] = _typed(name, value, f"{path}: {name}")
    config = TrainConfig(**values)
    for sound, what in _rules(config):
        if not sound:
            raise MienError(f"{path}: {what}")
    return config


def _typed(name: str, value: Any, where: str) -> Any:
    """The value as its field's type, which is that of the default."""
    default = getattr(TrainConfig, name)
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(type(v) is int for v in value):
            raise MienError(f"{where} must be a list of whole numbers, not {value!r}")
        return tuple(value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        kind = {int: "a whole number", float: "a number"}.get(type(default), "a word in quotes")
        raise MienError(f"{where} must be {kind}, not {value!r}")
    return value


def _rules(config: TrainConfig) -> list[tuple[bool, str]]:
    """What must hold for a run to start, and what to say where it does not."""
    step = 2 ** len(config.widths)
    return [
        (config.precision in ("auto", "bf16", "fp32"), 'precision is "auto", "bf16" or "fp32"'),
        (len(config.widths) >= 2 and min(config.widths) > 0 and config.head > 0, "widths and head must be positive"),
        (all(w % max(1, w // 16) == 0 for w in config.widths[1:]), "widths above 31 must be multiples of 16"),
        (config.size > 0 and config.size % step == 0, f"size must be a multiple of {step}"),
        (min(config.batch, config.chunk, config.repeats, config.steps) > 0, "batch, chunk, repeats, steps start at 1"),
        (config.chunk * config.repeats >= config.batch, "chunk times repeats must hold at least one batch"),
        (min(config.seed, config.people, config.warmup) >= 0, "a count must not be negative"),
        (
            0 <= config.real_share <= 1 and 0 <= config.smile_share <= 1 and 0 <= config.ema < 1,
            "shares and ema are within 0 to 1",
        ),
    ]
