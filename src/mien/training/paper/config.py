"""A run of the paper's system as one TOML file: each choice of docs/paper.md is a named option, with its default here.

An unknown key is an error, and `--set section.key=value` overrides the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien.data.identity_pairs import PairConfig
from mien.errors import MienError
from mien.expression import ALL_NAMES, NAMES
from mien.models.patch_discriminator import PatchDiscriminatorConfig
from mien.models.unet import UNetConfig
from mien.training.settings import configured, read_table, section
from mien.training.triplet import TripletConfig


@dataclass(frozen=True)
class DiscriminatorOptions:
    """As in `PatchDiscriminatorConfig`; condition: "planes" or "projection"."""

    width: int = 64
    layers: int = 3
    norm: str = "batch"
    condition: str = "planes"


@dataclass(frozen=True)
class PairOptions:
    """As in `PairConfig`; sources are names of categories. aliases: another name of a person -> the one to count."""

    other_generated: bool = True
    other_real: bool = False
    sources: tuple[str, ...] = ("neutral",)
    same_category: bool = False
    other_alike: bool = True
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LossOptions:
    """adversarial: "cross-entropy" (pix2pix) or "least-squares". l1_weight: for images in [-1, 1], as pix2pix counts.
    triplet_weight: 0 is without."""

    adversarial: str = "cross-entropy"
    adversarial_weight: float = 1.0
    l1_weight: float = 100.0
    triplet_weight: float = 1.0


@dataclass(frozen=True)
class TripletOptions:
    """embedder: file that `python -m mien.models.embedder_convert` wrote; the rest as in `TripletConfig`."""

    embedder: str = ""
    margin: float = 0.2
    mining: str = "batch-hard"
    distance: str = "squared"
    normalise: bool = True
    form: str = "hinge"


@dataclass(frozen=True)
class OptimiserOptions:
    """steps: updates of each network. batch: faces a step, over all devices together. beta1, beta2: Adam's. flips:
    half of the draws are mirrored. ema: how much of the average stays at a step. precision: "fp32", "bf16" or "auto",
    which is bf16 where the hardware multiplies it."""

    steps: int = 20000
    batch: int = 8
    rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    flips: bool = True
    ema: float = 0.999
    precision: str = "auto"


@dataclass(frozen=True)
class DataOptions:
    """A database that `mien data prepare` has prepared, or what stands in for one (see `mien.training.paper.faces`).

    prepared: its folder, "" for the open set; fold: of a k-fold split, the part that is not trained on, -1: none.
    With a folder only people counts of what follows.

    seed: of the renders. people: the first so many, 0 for all. canada: also the people of the Canadian set, who have
    no smile. variants: renders by the rig of each person in each category but neutral, the first the vocabulary's own
    prototype; strength: range of the others'. smiles: how often a real smile counts among the happy photos.
    """

    seed: int = 1
    people: int = 0
    canada: bool = False
    variants: int = 3
    strength: tuple[float, ...] = (0.8, 1.2)
    smiles: int = 3
    prepared: str = ""
    fold: int = 0


@dataclass(frozen=True)
class LogOptions:
    """Steps between checkpoints, sample sheets and written values. faces: rows of a sheet."""

    save_every: int = 500
    sample_every: int = 1000
    values_every: int = 20
    faces: int = 4


@dataclass(frozen=True)
class PaperConfig:
    """model: "unet" is the only one. categories: names of expressions, in the order of the one-hot vector. The others
    of this section are the generator's, as in `UNetConfig`."""

    model: str = "unet"
    seed: int = 1
    size: int = 128
    width: int = 64
    categories: tuple[str, ...] = NAMES
    condition: str = "bottleneck"
    condition_width: int = 64
    skips: bool = True
    norm: str = "batch"
    dropout: float = 0.0
    discriminator: DiscriminatorOptions = DiscriminatorOptions()
    pairs: PairOptions = field(default_factory=PairOptions)
    loss: LossOptions = LossOptions()
    triplet: TripletOptions = TripletOptions()
    optimiser: OptimiserOptions = OptimiserOptions()
    data: DataOptions = DataOptions()
    log: LogOptions = LogOptions()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def generator_net(self) -> UNetConfig:
        return UNetConfig(
            size=self.size,
            categories=len(self.categories),
            width=self.width,
            condition=self.condition,
            condition_width=self.condition_width,
            skips=self.skips,
            norm=self.norm,
            dropout=self.dropout,
        )

    def discriminator_net(self) -> PatchDiscriminatorConfig:
        return PatchDiscriminatorConfig(categories=len(self.categories), **asdict(self.discriminator))

    def pair_rules(self) -> PairConfig:
        told = self.pairs
        return PairConfig(
            other_generated=told.other_generated,
            other_real=told.other_real,
            sources=tuple(self.categories.index(name) for name in told.sources),
            same_category=told.same_category,
            other_alike=told.other_alike,
        )

    def triplet_rules(self) -> TripletConfig:
        return TripletConfig(**{name: value for name, value in asdict(self.triplet).items() if name != "embedder"})

    def check(self) -> None:
        """Raise a `MienError` for what cannot be trained."""
        run, data, log = self.optimiser, self.data, self.log
        for sound, what in (
            (self.model == "unet", f'model is "unet", not {self.model!r}'),
            (len(set(self.categories)) == len(self.categories) > 1, "categories are two or more different names"),
            (set(self.categories) <= set(ALL_NAMES), f"categories are of {', '.join(ALL_NAMES)}"),
            (set(self.pairs.sources) <= set(self.categories), "pairs.sources must be of the categories"),
            (
                self.loss.adversarial in ("cross-entropy", "least-squares"),
                'loss.adversarial is "cross-entropy" or "least-squares"',
            ),
            (
                min(self.loss.adversarial_weight, self.loss.l1_weight, self.loss.triplet_weight) >= 0,
                "a weight of [loss] must not be negative",
            ),
            (
                self.loss.triplet_weight == 0 or self.triplet.embedder != "",
                "the triplet loss needs triplet.embedder, a file of 'python -m mien.models.embedder_convert -o FILE' "
                "(or loss.triplet_weight = 0)",
            ),
            (run.precision in ("auto", "bf16", "fp32"), 'optimiser.precision is "auto", "bf16" or "fp32"'),
            (min(run.steps, run.batch) > 0, "optimiser.steps and optimiser.batch start at 1"),
            (run.rate > 0, "optimiser.rate must be above 0"),
            (all(0 <= b < 1 for b in (run.beta1, run.beta2, run.ema)), "beta1, beta2 and ema are from 0 to below 1"),
            (
                min(self.seed, data.seed, data.people, data.smiles, data.fold + 1, log.faces) >= 0,
                "a count must not be negative",
            ),
            (data.variants > 0, "data.variants starts at 1"),
            (
                len(data.strength) == 2 and 0 < data.strength[0] <= data.strength[1],
                "data.strength is two numbers above 0, the smaller first",
            ),
            (min(log.save_every, log.sample_every, log.values_every) > 0, "what is done every so many steps is >= 1"),
        ):
            if not sound:
                raise MienError(what)
        self.generator_net().check()
        self.discriminator_net().check()
        self.triplet_rules().check()


def read_config(path: Path | str, settings: Sequence[str] = ()) -> PaperConfig:
    """The TOML file `path`, changed by `settings` such as "loss.triplet_weight=0"; a `MienError` says what is wrong."""
    return configured(PaperConfig(), read_table(path, settings), path)


def from_dict(values: dict[str, Any]) -> PaperConfig:
    """The configuration that `PaperConfig.as_dict` gave, after a way through JSON."""
    config: PaperConfig = section(PaperConfig(), values)
    return config
