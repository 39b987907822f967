"""A run's configuration: a TOML file, changed by `--set key=value`, read into frozen dataclasses.

The defaults say which keys there are and of which type; an unknown key is an error.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mien.errors import MienError


class Checked(Protocol):
    """A configuration that can say what is wrong with it."""

    def check(self) -> None: ...


Config = TypeVar("Config", bound=Checked)


def read_table(path: Path | str | None, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The TOML file `path`, or nothing where there is none, changed by `settings` such as "loss.triplet_weight=0"."""
    try:
        values = tomllib.loads(Path(path).read_text()) if path else {}
    except OSError as error:
        raise MienError(f"cannot read the configuration {path}: {error.strerror}") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise MienError(f"{path} is not valid TOML: {error}") from None
    for setting in settings:
        _set(values, setting)
    return values


def configured(default: Config, values: dict[str, Any], path: Path | str) -> Config:
    """A configuration like `default` with the values of a table, checked; `path` is named where it is wrong."""
    try:
        config = section(default, values)
        config.check()
    except MienError as error:
        raise MienError(f"{path}: {error}") from None
    return config


def section(default: Any, values: dict[str, Any], where: str = "") -> Any:
    """A dataclass like `default` with the values of a table; `where` names the table, such as "loss."."""
    known = {f.name for f in fields(default)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise MienError(f"unknown key {where + unknown[0]!r}; the keys here are {', '.join(sorted(known))}")
    told = {name: _typed(getattr(default, name), value, where + name) for name, value in values.items()}
    return type(default)(**told)


def _set(values: dict[str, Any], setting: str) -> None:
    """Put "a.b=value" into the table; the value as TOML writes it, where a bare word is a word."""
    key, sign, text = setting.partition("=")
    names = key.strip().split(".")
    if not sign or not all(names):
        raise MienError(f"--set takes key=value, such as seed=2, not {setting!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        value = text.strip()
    for name in names[:-1]:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise MienError(f"--set {setting}: {name!r} is not a section")
    values[names[-1]] = value


def _typed(default: Any, value: Any, name: str) -> Any:
    """The value as its default's type."""
    if is_dataclass(default):
        if not isinstance(value, dict):
            raise MienError(f"{name} must be a section, not {value!r}")
        return section(default, value, f"{name}.")
    if isinstance(default, dict):
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise MienError(f"{name} must be a section of words in quotes, not {value!r}")
        return value
    if isinstance(default, tuple):
        kind = type(default[0]) if default else str
        allowed = (int, float) if kind is float else (kind,)
        if not isinstance(value, list | tuple) or not all(type(v) in allowed for v in value):
            kinds = {int: "whole numbers", float: "numbers"}
            raise MienError(f"{name} must be a list of {kinds.get(kind, 'words in quotes')}, not {value!r}")
        return tuple(_finite(v, name) if kind is float else v for v in value)
    if isinstance(default, float) and type(value) in (int, float):
        return _finite(value, name)
    if type(value) is not type(default):
        kinds = {int: "a whole number", float: "a number", bool: "true or false"}
        raise MienError(f"{name} must be {kinds.get(type(default), 'a word in quotes')}, not {value!r}")
    return value


def _finite(value: Any, name: str) -> float:
    """A number of TOML, whole or not, as a float."""
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if not math.isfinite(number):
        raise MienError(f"{name} must be a finite number, not {number!r}")
    return number
