"""What a command needs beyond the package: one line where an extra is missing."""

from __future__ import annotations

from importlib import import_module

from mien.errors import MienError


def needs(extra: str, *modules: str) -> None:
    """A `MienError` that says what to install, if one of the modules of an extra cannot be imported."""
    for module in modules:
        try:
            import_module(module)
        except ImportError:
            raise MienError(f"this command needs {module}: pip install 'mien[{extra}]'") from None
