"""A run of the default generator as one TOML file; every field has a default and an unknown key is an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.training.settings import configured, read_table, section
from mien.training.triplet import TripletConfig


@dataclass(frozen=True)
class TrainConfig:
    """model: "warp" is the only one (`mien.models.warp_unet`). size: pixels of the square that the network works on.
    steps: generator updates. chunk: pairs rendered together; repeats: how often each is used.
    adversarial_from: step at which the discriminator joins. real_share: share of real neutral/smiling pairs;
    smile_share: of rendered pairs that start from a smiling photo. precision: "bf16", "fp32" or "auto".

    The paper's identity constraints (Wang et al. 2019): other_pairs: the discriminator is shown outputs beside photos
    of others too. triplet_weight: 0 is without; triplet_embedder: file that `python -m mien.models.embedder_convert`
    wrote; the others as in `TripletConfig`.

    save_every, sample_every, values_every: steps between checkpoints, sample sheets and written values."""

    model: str = "warp"
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
    other_pairs: bool = True
    triplet_weight: float = 0.0
    triplet_embedder: str = ""
    triplet_margin: float = 0.2
    triplet_mining: str = "batch-hard"
    triplet_distance: str = "squared"
    triplet_normalise: bool = True
    triplet_form: str = "hinge"
    save_every: int = 200
    sample_every: int = 500
    values_every: int = 20

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def compares(self) -> bool:
        """Whether a loss compares people, so that there must be two of them."""
        return self.triplet_weight > 0 or (self.other_pairs and self.adversarial_from < self.steps)

    def triplet_rules(self) -> TripletConfig:
        return TripletConfig(**{f.name: getattr(self, f"triplet_{f.name}") for f in fields(TripletConfig)})

    def check(self) -> None:
        """Raise a `MienError` for what cannot be trained."""
        step = 2 ** len(self.widths)
        for sound, what in (
            (self.model == "warp", f'model is "warp" or "unet", not {self.model!r}'),
            (self.precision in ("auto", "bf16", "fp32"), 'precision is "auto", "bf16" or "fp32"'),
            (
                len(self.widths) >= 2 and min(self.widths) > 0 and self.head > 0,
                "widths are two or more; they and head must be positive",
            ),
            (all(w % max(1, w // 16) == 0 for w in self.widths[1:]), "widths above 31 must be multiples of 16"),
            (self.size > 0 and self.size % step == 0, f"size must be a multiple of {step}"),
            (min(self.batch, self.chunk, self.repeats, self.steps) > 0, "batch, chunk, repeats, steps start at 1"),
            (self.chunk * self.repeats >= self.batch, "chunk times repeats must hold at least one batch"),
            (min(self.seed, self.people, self.warmup) >= 0, "a count must not be negative"),
            (
                0 <= self.real_share <= 1 and 0 <= self.smile_share <= 1 and 0 <= self.ema < 1,
                "shares and ema are within 0 to 1",
            ),
            (
                min(self.save_every, self.sample_every, self.values_every) > 0,
                "what is done every so many steps is >= 1",
            ),
            (self.triplet_weight >= 0, "triplet_weight must not be negative"),
            (
                self.triplet_weight == 0 or self.triplet_embedder != "",
                "the triplet loss needs triplet_embedder, a file of 'python -m mien.models.embedder_convert -o FILE' "
                "(or triplet_weight = 0)",
            ),
            (
                self.batch > 1 or not self.compares(),
                "other_pairs and the triplet loss need a batch of two or more",
            ),
        ):
            if not sound:
                raise MienError(what)
        self.triplet_rules().check()


def read_config(path: Path | str, settings: Sequence[str] = ()) -> TrainConfig:
    """The TOML file `path`, changed by `settings` such as "rate=3e-4"; a `MienError` says what is wrong."""
    return configured(TrainConfig(), read_table(path, settings), path)


def from_dict(values: dict[str, Any]) -> TrainConfig:
    """The configuration that `TrainConfig.as_dict` gave, after a way through JSON; what is newer has its default."""
    config: TrainConfig = section(TrainConfig(), values)
    return config
