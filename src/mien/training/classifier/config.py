"""How the classifier is trained: every field has a default, an unknown key is an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.expression import ALL_NAMES
from mien.models.resnet import ResNetConfig
from mien.training.settings import configured, read_table, section


@dataclass(frozen=True)
class ClassifierConfig:
    """size: px of the square that it sees. widths, blocks, dropout: as in `ResNetConfig`.

    steps: updates, by AdamW (Loshchilov & Hutter 2019) with `decay`, at `rate` after `warmup` steps and falling to 0 by
    a cosine. batch: pictures a step, as many of each label. smoothing: of the labels (Szegedy et al. 2016).

    expressions: those to tell apart; none named: all of the vocabulary that the training people show. fold: of a k-fold
    split, the part that is not trained on. renders: whether to learn from what the rig rendered too. paired: whether to
    leave out people who show one expression alone: they teach to tell people, or studios, apart.

    Each picture is varied: flips: half are mirrored; turn: degrees; zoom, shift: shares of the size; colour: 1 as
    `mien.training.classifier.batches.recoloured` has it, 0 not at all; blur: share of the pictures.

    save_every, values_every: steps between checkpoints and written values."""

    seed: int = 1
    size: int = 64
    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    dropout: float = 0.2
    steps: int = 800
    batch: int = 32
    rate: float = 2e-3
    warmup: int = 50
    decay: float = 0.02
    smoothing: float = 0.05
    expressions: tuple[str, ...] = ()
    fold: int = 0
    renders: bool = False
    paired: bool = False
    flips: bool = True
    turn: float = 8.0
    zoom: float = 0.08
    shift: float = 0.04
    colour: float = 1.0
    blur: float = 0.3
    save_every: int = 100
    values_every: int = 20

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def net(self, labels: int) -> ResNetConfig:
        return ResNetConfig(labels, self.widths, self.blocks, self.dropout)

    def check(self) -> None:
        """Raise a `MienError` for what cannot be trained."""
        deepest = 2 ** len(self.widths)
        for sound, what in (
            (16 <= self.size <= 256, "size is within 16 to 256"),
            (self.size >= deepest, f"size must be {deepest} or more for {len(self.widths)} stages"),
            (
                min(self.steps, self.save_every, self.values_every) > 0,
                "steps and what is done every so many start at 1",
            ),
            (self.batch > 1, "batch starts at 2"),
            (self.rate > 0 and self.decay >= 0, "rate must be above 0, decay not below"),
            (min(self.seed, self.warmup, self.fold) >= 0, "a count must not be negative"),
            (0 <= self.smoothing < 1 and 0 <= self.blur <= 1, "smoothing and blur are shares"),
            (min(self.turn, self.colour) >= 0, "turn and colour must not be negative"),
            (0 <= self.zoom <= 0.5 and 0 <= self.shift <= 0.5, "zoom and shift are within 0 to 0.5"),
            (set(self.expressions) <= set(ALL_NAMES), f"expressions are of {', '.join(ALL_NAMES)}"),
            (len(set(self.expressions)) == len(self.expressions) != 1, "expressions are two or more different names"),
        ):
            if not sound:
                raise MienError(what)
        self.net(2).check()


def read_config(path: Path | None, settings: Sequence[str] = ()) -> ClassifierConfig:
    """The TOML file `path` (None: the defaults), changed by `settings` such as "steps=300"."""
    return configured(ClassifierConfig(), read_table(path, settings), path or "--set")


def from_dict(values: dict[str, Any]) -> ClassifierConfig:
    """The configuration that `as_dict` gave, after a way through JSON; what is newer has its default."""
    config: ClassifierConfig = section(ClassifierConfig(), values)
    return config
