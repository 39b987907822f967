"""A rival's run as one TOML file: what all share, and in [loss] the rival's own options (`mien.models.baselines`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.expression import NAMES
from mien.models.baselines.base import Nets, Options, Rival
from mien.models.baselines.registry import RIVALS
from mien.training.paper.config import DataOptions, LogOptions, LossOptions, OptimiserOptions, PairOptions, PaperConfig
from mien.training.settings import configured, section


@dataclass(frozen=True)
class BaselineConfig:
    """model: the rival's name. sources: categories that a source photo may show, empty: any. width: channels of the
    first layers. The sections but [loss] are those of `PaperConfig`."""

    model: str = ""
    seed: int = 1
    size: int = 64
    width: int = 64
    categories: tuple[str, ...] = NAMES
    sources: tuple[str, ...] = ("neutral",)
    loss: Options = field(default_factory=Options)
    optimiser: OptimiserOptions = field(default_factory=OptimiserOptions)
    data: DataOptions = field(default_factory=DataOptions)
    log: LogOptions = field(default_factory=LogOptions)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def rival(self) -> Rival:
        """The method: networks and losses."""
        return RIVALS[self.model](Nets(self.size, self.width, len(self.categories)), self.loss)

    def paper(self) -> PaperConfig:
        """The same faces and draws, as the paper's system is told of them."""
        return PaperConfig(
            seed=self.seed,
            size=self.size,
            categories=self.categories,
            pairs=PairOptions(other_generated=False, sources=self.sources),
            loss=LossOptions(triplet_weight=0),
            optimiser=self.optimiser,
            data=self.data,
            log=self.log,
        )

    @property
    def embedder(self) -> str:
        """The file of the embedder of an identity loss, "" if there is no such loss."""
        if not getattr(self.loss, "identity_weight", 0):
            return ""
        return str(getattr(self.loss, "embedder", ""))

    def check(self) -> None:
        """Raise a `MienError` for what cannot be trained."""
        for sound, what in (
            (self.width > 0, "width starts at 1"),
            (set(self.sources) <= set(self.categories), "sources must be of the categories"),
            (
                getattr(self.loss, "identity_weight", 0) == 0 or self.embedder != "",
                "the identity loss needs loss.embedder, a file of 'python -m mien.models.embedder_convert -o FILE' "
                "(or loss.identity_weight = 0)",
            ),
            (
                not RIVALS[self.model].paired or self.sources == ("neutral",),
                f'{self.model} learns from pairs of a neutral face and another: sources = ["neutral"]',
            ),
            (
                not RIVALS[self.model].guided or not self.data.prepared,
                f"{self.model} needs landmarks, which only the open set's faces have here: data.prepared must be empty",
            ),
            (getattr(self.loss, "critic_steps", 1) >= 1, "loss.critic_steps starts at 1"),
        ):
            if not sound:
                raise MienError(what)
        self.paper().check()
        self.loss.check()


def configure(values: dict[str, Any], path: Path | str) -> BaselineConfig:
    """The configuration that a TOML table gives; `path` is named where it is wrong."""
    default, values = _default(values)
    return configured(default, values, path)


def from_dict(values: dict[str, Any]) -> BaselineConfig:
    """The configuration that `BaselineConfig.as_dict` gave, after a way through JSON."""
    default, values = _default(values)
    config: BaselineConfig = section(default, values)
    return config


def _default(values: dict[str, Any]) -> tuple[BaselineConfig, dict[str, Any]]:
    """The rival's own options are known by its name."""
    name = values["model"]
    if name not in RIVALS:
        raise MienError(f"model is one of {', '.join(RIVALS)}, not {name!r}")
    return BaselineConfig(model=name, loss=RIVALS[name].Own()), {"loss": {}, **values}
