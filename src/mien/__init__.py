"""Facial expressions on photographs: `mien.edit(image, "happy", 0.8)`, or `mien.Editor` for many. docs/python.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.editor import Edit, Editor, Portrait
    from mien.expression import Expression, parse
    from mien.face import Face
    from mien.surfaces.python import edit

__version__ = "0.3.0"
__all__ = ["Edit", "Editor", "Expression", "Face", "MienError", "Portrait", "__version__", "edit", "parse"]

_HOME = {
    "Edit": "mien.editor",
    "Editor": "mien.editor",
    "Portrait": "mien.editor",
    "Expression": "mien.expression",
    "parse": "mien.expression",
    "Face": "mien.face",
    "edit": "mien.surfaces.python",
}


def __getattr__(name: str) -> Any:
    """Load on first use, so that `import mien` and `mien --help` are quick."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'mien' has no attribute '{name}'")
