"""What handlers answer: one line of HTML for the page, and one line for whatever goes wrong."""

from __future__ import annotations

import asyncio
import html
import math
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from mien.errors import MienError

HERE = Path(__file__).parent


def safe(handler: Callable[..., Any], outputs: int, status: int) -> Callable[..., Any]:
    """A handler whose unexpected errors become one line on the page, at the `status`th of its outputs.

    The terminal hears where in the code it was, and nothing of the photo.
    """

    def failed(error: Exception) -> list[Any]:
        if isinstance(error, MienError):
            text = error
        else:
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"mien: {type(error).__name__} at {Path(where.filename).name}:{where.lineno}", file=sys.stderr)
            text = MienError("something went wrong inside mien; the terminal says where")
        return [failure(text) if i == status else gr.skip() for i in range(outputs)]

    if asyncio.iscoroutinefunction(handler):

        @wraps(handler)
        async def later(*given: Any, **named: Any) -> Any:
            try:
                return await handler(*given, **named)
            except Exception as error:
                return failed(error)

        return later

    @wraps(handler)
    def now(*given: Any, **named: Any) -> Any:
        try:
            return handler(*given, **named)
        except Exception as error:
            return failed(error)

    return now


def number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def said(text: str) -> str:
    return f'<span role="status">{html.escape(text)}</span>'


def failure(error: MienError) -> str:
    return f'<span role="alert" class="mien-error">{html.escape(str(error))}</span>'


def text_of(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
