"""What each event of the page calls. Everything is made by the one `Editor`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from mien.credentials import Credentials
from mien.editor import Editor
from mien.errors import MienError
from mien.expression import parse
from mien.surfaces.ui import made
from mien.surfaces.ui.answers import failure, number, said
from mien.surfaces.ui.controls import CONTROLS, Control, link, spelled
from mien.surfaces.ui.preview import boxes, jpeg
from mien.surfaces.ui.state import Session, Sessions, Wish

REST = 0.35
"""Seconds that the sliders must rest before the full size is made."""


class Page:
    """Its methods are the handlers of what `layout` shows. `folder`: the private one; `credentials`: to
    sign with whatever is handed out.

    The viewer's value comes in parts: `n`, the number of the wish it answers, and any of `before`, `after` (data:
    addresses), `state` ("preview" or "full"), `size` of the photo, `boxes` and the `chosen` face.
    """

    def __init__(
        self, editor: Editor, sessions: Sessions, folder: Path, credentials: Credentials | None = None
    ) -> None:
        self.editor, self.sessions, self.folder, self.credentials = editor, sessions, folder, credentials
        self.controls = [c for c in CONTROLS if self._can(c)]

    def _can(self, control: Control) -> bool:
        """Whether the weights can make what this slider moves."""
        try:
            self.editor.generator.check(parse(f"{control.key}{':' if control.group == 'Names' else '='}0.5"))
        except MienError:
            return False
        return True

    def open(self, request: gr.Request, path: str | None, strength: float, linked: bool, *values: float) -> list[Any]:
        """An upload -> [file field, viewer, status, face choice]."""
        if not path:
            return [None, gr.skip(), gr.skip(), gr.skip()]
        session = self.sessions.get(request.session_hash)
        try:
            if self.folder.resolve() not in Path(path).resolve().parents:
                raise MienError("drop a photo, not a place")  # the file is deleted after reading: only an upload may be
            portrait = session.take(Path(path), Path(path).name, self.editor, keep=self.credentials is not None)
        except MienError as error:
            return [None, gr.skip(), failure(error), gr.skip()]
        self.sessions.settle(str(request.session_hash))
        count = len(portrait.faces)
        numbers = [str(i + 1) for i in range(count)]
        height, width = portrait.picture.pixels.shape[:2]
        before = jpeg(portrait.picture.pixels)
        value = {
            "n": session.serial, "before": before, "after": before, "state": "photo", "size": [width, height],
            "boxes": boxes(portrait) if count > 1 else [], "chosen": "1",
        }  # fmt: skip
        try:
            session.wish = self._wish("1", strength, linked, values)
            if session.wish.expression is not None:
                value |= self._made(session, "full")
        except MienError:
            pass  # the next move of a slider says it
        status = said(f"{session.name}: {width} x {height} pixels, {count} face{'s' if count > 1 else ''}")
        choice = gr.update(choices=[*numbers, "all"], value="1", visible=count > 1)
        return [None, value, status, choice]

    def preview(self, request: gr.Request, face: str, strength: float, linked: bool, *values: float) -> list[Any]:
        """A slider moved -> [viewer, status], from the small photo."""
        session = self.sessions.get(request.session_hash)
        if session.portrait is None:
            return [gr.skip(), gr.skip()]
        session.wish = self._wish(face, strength, linked, values)
        n = session.next()
        try:
            return [{"n": n} | self._made(session, "preview"), gr.skip()]
        except MienError as error:
            return [gr.skip(), failure(error)]

    async def full(self, request: gr.Request) -> list[Any]:
        """Wait until the sliders rest -> [viewer, status], from the photo itself."""
        session, n = self.sessions.get(request.session_hash), -1
        value: dict[str, Any] = {}
        try:
            while n != session.serial:
                n = session.serial
                await asyncio.sleep(REST)
                if n == session.serial and session.portrait is not None:
                    value = await asyncio.to_thread(self._made, session, "full")
        except MienError as error:
            return [gr.skip(), failure(error)]
        if not value:
            return [gr.skip(), gr.skip()]
        return [{"n": n} | value, said(f"{session.wish.expression or 'the photo as it is'}, at full size")]

    def _made(self, session: Session, state: str) -> dict[str, Any]:
        """The viewer's `after` by the session's wish."""
        wish = session.wish
        with session.lock:
            portrait = session.small if state == "preview" else session.photo()
            if wish.expression is None:
                image = portrait.picture.pixels
            else:
                image = portrait.edit(wish.expression, wish.strength, wish.choice).image
        count = len(portrait.faces)
        shown = {"after": jpeg(image, quality=85 if state == "preview" else 92), "state": state}
        return shown | ({"boxes": boxes(portrait), "chosen": wish.face} if count > 1 else {})

    def _wish(self, face: str | None, strength: float, linked: bool, values: tuple[float, ...]) -> Wish:
        return Wish(str(face or "1"), number(strength), spelled(self._values(values), bool(linked)))

    def linking(self, linked: bool, *values: float) -> list[Any]:
        """Left and right linked or let go -> an update of every slider that has a side."""
        moved = link(self._values(values), linked)
        updates = []
        for control in self._sided():
            visible = not linked or control.side == "_L"
            updates.append(gr.update(value=moved[control.key], label=control.label(linked), visible=visible))
        return updates

    def reset(self) -> list[Any]:
        """All sliders to 0, the strength to 1."""
        return [1.0, *[0.0] * len(self.controls)]

    def pick(self, name: str) -> Callable[[], list[Any]]:
        """One name at 1, everything else at 0."""
        return lambda: [1.0, *[1.0 if c.key == name else 0.0 for c in self.controls]]

    def download(
        self, request: gr.Request, form: str, face: str, strength: float, linked: bool, *values: float
    ) -> list[Any]:
        """-> [courier, status]: the file that `Edit.save` writes."""
        session = self.sessions.get(request.session_hash)
        wish = self._wish(face, strength, linked, values)
        return self._sent(session, lambda: made.saved(session, self.folder, form, wish, self.credentials))

    def sheet(self, request: gr.Request, face: str) -> list[Any]:
        """-> [picture, courier, status]."""
        session = self.sessions.get(request.session_hash)
        return self._shown(session, lambda: made.sheet(session, self.folder, Wish(face or "1"), self.credentials))

    def animate(
        self, request: gr.Request, form: str, face: str, strength: float, linked: bool, *values: float
    ) -> list[Any]:
        """-> [clip, courier, status]."""
        session = self.sessions.get(request.session_hash)
        wish = self._wish(face, strength, linked, values)
        return self._shown(session, lambda: made.clip(session, self.folder, form, wish, self.editor, self.credentials))

    def _sent(self, session: Session, make: Callable[[], made.File]) -> list[Any]:
        try:
            file = make()
        except MienError as error:
            return [gr.skip(), failure(error)]
        return [{"ticket": session.offer(file.name, file.content), "name": file.name}, said(f"{file.name} is made")]

    def _shown(self, session: Session, make: Callable[[], made.File]) -> list[Any]:
        """The same, and shown on the page."""
        try:
            file = make()
        except MienError as error:
            return [gr.skip(), gr.skip(), failure(error)]
        ticket = {"ticket": session.offer(file.name, file.content), "name": file.name}
        return [file.shown, ticket, said(f"{file.name} is made")]

    def leave(self, request: gr.Request) -> None:
        """The tab was closed."""
        self.sessions.drop(request.session_hash)

    def _values(self, values: tuple[float, ...]) -> dict[str, float]:
        return {c.key: number(v) for c, v in zip(self.controls, values, strict=True)}

    def _sided(self) -> list[Control]:
        return [c for c in self.controls if c.side]
