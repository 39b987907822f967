"""The card of an ONNX judge: a small JSON beside the network that says how to ask it, and what it has seen.

    {"name": "resnet18-open", "kind": "expression", "size": 128, "channels": "RGB",
     "normalise": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
     "labels": ["neutral", "happy"], "output": "logits",
     "trained_on": {"database": "open", "split": "train", "people": ["london-001"]},
     "losses_of": [], "sha256": "...", "licence": "CC BY 4.0"}

The input is the aligned crop, resized, values in [0, 1] less mean over std, NCHW float32. kind "identity" has output
"descriptor" and no labels; its distances are Euclidean, of descriptors of unit length if "unit" is true.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.expression import ALL_NAMES, SYNONYMS

KINDS = ("expression", "identity")

KEYS = (
    "name", "kind", "size", "channels", "normalise", "labels", "output", "trained_on", "losses_of", "sha256", "licence",
)  # fmt: skip
"""What the card of an expression judge says; what else stands in it may be missing."""


@dataclass(frozen=True)
class TrainedOn:
    """people: identities, None where only their SHA-256 or nothing is told."""

    database: str = ""
    split: str = ""
    people: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Card:
    """What a judge says of itself. mean, std: of RGB or BGR, as `channels` has it. losses_of: methods whose training
    loss saw this network; about, seen_as: in words, and under which names methods' losses call it. unsaid: those of
    `KEYS` for which defaults stand, and what `trained_on` leaves out."""

    name: str
    kind: str
    sha256: str
    licence: str
    size: int = 0
    channels: str = "RGB"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    labels: tuple[str, ...] = ()
    output: str = ""
    unit: bool = False
    trained_on: TrainedOn = field(default_factory=TrainedOn)
    losses_of: tuple[str, ...] = ()
    seen_as: tuple[str, ...] = ()
    about: str = ""
    unsaid: tuple[str, ...] = ()


def read_card(network: Path) -> Card:
    """The card FILE.json of FILE.onnx; a `MienError` in one line for whatever is wrong with either."""
    path = network.with_suffix(".json")
    if not network.is_file():
        raise MienError(f"no judge {network}")
    if not path.is_file():
        raise MienError(f"the judge {network} has no card {path}: docs/evaluation.md says what stands in it")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MienError(f"the card {path} is not JSON: {error}") from None
    card = card_of(told, path)
    with network.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != card.sha256:
            raise MienError(f"{network} is not the network of its card (SHA-256 differs): damaged or exchanged")
    return card


def card_of(told: Any, path: Path) -> Card:
    """The content of a card as one; a `MienError` that names `path` for whatever is wrong with it."""
    if not isinstance(told, dict):
        raise MienError(f"the card {path} must be one JSON object")
    try:
        return _card(told)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise MienError(f"the card {path}: {what}") from None


def _card(told: dict[str, Any]) -> Card:
    kind = _word(told, "kind")
    if kind not in KINDS:
        raise ValueError(f"kind is {' or '.join(KINDS)}, not {kind!r}")
    size = told["size"]
    if not isinstance(size, int) or isinstance(size, bool) or not 8 <= size <= 2048:
        raise ValueError(f"size is px, 8 to 2048, not {size!r}")
    channels = told.get("channels", "RGB")
    if channels not in ("RGB", "BGR"):
        raise ValueError(f"channels is RGB or BGR, not {channels!r}")
    outputs = ("logits", "probabilities") if kind == "expression" else ("descriptor",)
    output = told.get("output", outputs[0])
    if output not in outputs:
        raise ValueError(f"output of {kind} is {' or '.join(outputs)}, not {output!r}")
    normalise = told.get("normalise", {})
    if not isinstance(normalise, dict):
        raise ValueError("normalise must hold mean and std")
    mean, std = _three(normalise.get("mean", (0, 0, 0)), "mean"), _three(normalise.get("std", (1, 1, 1)), "std")
    if min(std) <= 0:
        raise ValueError("std must be above 0")
    labels: tuple[str, ...] = ()
    if kind == "expression":
        labels = tuple(SYNONYMS.get(str(name), str(name)) for name in _list(told["labels"], "labels"))
        unknown = [name for name in labels if name not in ALL_NAMES]
        if unknown or len(set(labels)) != len(labels) or len(labels) < 2:
            raise ValueError(
                f"labels are two or more different names out of {', '.join(ALL_NAMES)}, not {list(labels)}"
            )
    name = _word(told, "name")
    if not re.fullmatch(r"[\w .+-]{1,60}", name):
        raise ValueError(f"name is up to 60 letters, digits, spaces, dots, + and -, not {name!r}")
    return Card(
        name, kind, _word(told, "sha256"), _word(told, "licence"), size, channels, mean, std, labels,
        output, bool(told.get("unit", False)), _trained_on(told["trained_on"]),
        tuple(str(name) for name in _list(told.get("losses_of", []), "losses_of")), (), str(told.get("about", "")),
        _unsaid(told),
    )  # fmt: skip


def _unsaid(told: dict[str, Any]) -> tuple[str, ...]:
    parts = [key for key in KEYS if key not in told]
    parts += [f"normalise.{key}" for key in ("mean", "std") if key not in told.get("normalise", {})]
    return tuple(
        parts + [f"trained_on.{key}" for key in ("database", "split", "people") if key not in told["trained_on"]]
    )


def _trained_on(told: Any) -> TrainedOn:
    if not isinstance(told, dict):
        raise ValueError("trained_on must hold database, split and people")
    database, split, people = told.get("database", ""), told.get("split", ""), told.get("people")
    if not isinstance(database, str) or not isinstance(split, str):
        raise ValueError("trained_on says database and split as text")
    if people is None or isinstance(people, str):
        return TrainedOn(database, split, None)
    if not isinstance(people, list) or not all(isinstance(who, str) for who in people):
        raise ValueError("people of trained_on is a list of identities, or the SHA-256 of one")
    return TrainedOn(database, split, tuple(people))


def check_people(card: Card, database: str, split: str, people: Sequence[str]) -> str:
    """Refuse a judge that was trained on the people evaluated; else a warning where that cannot be told, or ""."""
    trained = card.trained_on
    if trained.database and trained.database != database:
        return ""
    if trained.people is not None:
        both = sorted(set(trained.people) & set(people))
        if both:
            raise MienError(
                f"the judge {card.name} was trained on {len(both)} of the people evaluated, such as {both[0]}: "
                "use one that was not"
            )
        return ""
    if trained.database and trained.split == split:
        raise MienError(f"the judge {card.name} was trained on the split '{split}' of {database}: use one that was not")
    return "" if trained.database else f"the card of {card.name} does not say on whom it was trained"


def _word(told: dict[str, Any], key: str) -> str:
    value = told[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} must be text, not {value!r}")
    return value


def _list(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{key} must be a list, not {value!r}")
    return value


def _three(value: Any, key: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or any(isinstance(v, str | bool) for v in value):
        raise ValueError(f"{key} must be three numbers, not {value!r}")
    numbers = tuple(float(v) for v in value)
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{key} must be three numbers, not {value!r}")
    return numbers
