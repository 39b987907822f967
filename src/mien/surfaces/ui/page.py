"""The page's layout, and what each of its events calls. Everything is made by the one `Editor`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from mien.editor import Editor
from mien.errors import MienError
from mien.expression import MAX_AMOUNT, parse
from mien.surfaces.ui import made
from mien.surfaces.ui.answers import failure, number, safe, said, text_of
from mien.surfaces.ui.controls import CONTROLS, GROUPS, Control, link, spelled
from mien.surfaces.ui.preview import boxes, jpeg
from mien.surfaces.ui.state import Session, Sessions, Wish

REST = 0.35
"""Seconds that the sliders must rest before the full size is made."""

ACCEPTED = [".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"]


class Page:
    """Builds the `gr.Blocks`; its methods are the handlers. `folder`: the private one.

    The viewer's value comes in parts: `n`, the number of the wish it answers, and any of `before`, `after` (data:
    addresses), `state` ("preview" or "full"), `size` of the photo, `boxes` and the `chosen` face.
    """

    def __init__(self, editor: Editor, sessions: Sessions, folder: Path) -> None:
        self.editor, self.sessions, self.folder = editor, sessions, folder
        self.controls = [c for c in CONTROLS if self._can(c)]

    def _can(self, control: Control) -> bool:
        """Whether the weights can make what this slider moves."""
        try:
            self.editor.generator.check(parse(f"{control.key}{':' if control.group == 'Names' else '='}0.5"))
        except MienError:
            return False
        return True

    # ---- what events do

    def open(self, request: gr.Request, path: str | None, strength: float, linked: bool, *values: float) -> list[Any]:
        """An upload -> [file field, viewer, status, face choice]."""
        if not path:
            return [None, gr.skip(), gr.skip(), gr.skip()]
        session = self.sessions.get(request.session_hash)
        try:
            if self.folder.resolve() not in Path(path).resolve().parents:
                raise MienError("drop a photo, not a place")  # the file is deleted after reading: only an upload may be
            portrait = session.take(Path(path), Path(path).name, self.editor)
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
        return self._sent(session, lambda: made.saved(session, self.folder, form, wish))

    def sheet(self, request: gr.Request, face: str) -> list[Any]:
        """-> [picture, courier, status]."""
        session = self.sessions.get(request.session_hash)
        return self._shown(session, lambda: made.sheet(session, self.folder, Wish(face or "1")))

    def animate(
        self, request: gr.Request, form: str, face: str, strength: float, linked: bool, *values: float
    ) -> list[Any]:
        """-> [clip, courier, status]."""
        session = self.sessions.get(request.session_hash)
        wish = self._wish(face, strength, linked, values)
        return self._shown(session, lambda: made.clip(session, self.folder, form, wish, self.editor))

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

    # ---- what it looks like

    def blocks(self) -> gr.Blocks:
        """The page. Nothing of it is told to anyone: no analytics, no API page, no history in the browser."""
        with gr.Blocks(title="mien", analytics_enabled=False, fill_width=True, delete_cache=(60, 300)) as page:
            gr.Markdown(
                "# mien\nAnother expression, the same person. Photos stay on this machine.", elem_classes="mien-title"
            )
            with gr.Row(equal_height=False):
                with gr.Column(scale=6, min_width=320, elem_classes="mien-left-side"):
                    photo = gr.File(label="Photo", file_types=ACCEPTED, file_count="single", elem_id="mien-photo")
                    viewer = gr.HTML(
                        html_template=text_of("viewer.html"),
                        js_on_load=text_of("viewer.js"),
                        apply_default_css=False,
                        elem_id="mien-viewer",
                    )
                    status = gr.HTML("", elem_id="mien-status")
                with gr.Column(scale=5, min_width=320):
                    face = gr.Radio([], label="Face", visible=False, elem_id="mien-face")
                    sliders, strength, linked, reset, names = self._sliders()
                    courier = gr.HTML(js_on_load=text_of("courier.js"), html_template="", elem_id="mien-courier")
                    self._makers(courier, status, face, strength, linked, sliders)
            settings = [face, strength, linked, *sliders]
            shown = [viewer, status]
            photo.upload(
                safe(self.open, 4, 2), [photo, strength, linked, *sliders], [photo, viewer, status, face],
                show_progress_on=viewer, api_visibility="private",
            )  # fmt: skip

            # values come as the browser sent them and `_wish` checks them: Gradio changes the thread for
            # each of the 67, which a preview would feel
            quick: dict[str, Any] = {
                "show_progress": "hidden", "queue": False, "preprocess": False, "api_visibility": "private",
            }  # fmt: skip

            def redraw(event: Any) -> None:
                event.then(
                    safe(self.full, 2, 1), None, shown, show_progress="hidden", trigger_mode="always_last",
                    concurrency_limit=None, api_visibility="private",
                )  # fmt: skip

            moved = gr.on(
                [s.input for s in (face, strength, *sliders)], safe(self.preview, 2, 1), settings, shown,
                trigger_mode="always_last", **quick,
            )  # fmt: skip
            redraw(moved)
            sided = [s for s, c in zip(sliders, self.controls, strict=True) if c.side]
            changes: list[tuple[Any, Any, Any, Any]] = [(reset.click, self.reset, None, [strength, *sliders])]
            changes += [(button.click, self.pick(name), None, [strength, *sliders]) for name, button in names.items()]
            if sided:
                changes.append((linked.input, self.linking, [linked, *sliders], sided))
            for listen, handler, inputs, outputs in changes:
                after = listen(handler, inputs, outputs, **quick)
                redraw(after.then(safe(self.preview, 2, 1), settings, shown, **quick))
            page.unload(self.leave)
        return page

    def _sliders(self) -> tuple[list[gr.Slider], gr.Slider, gr.Checkbox, gr.Button, dict[str, gr.Button]]:
        made_of: dict[str, gr.Slider] = {}
        buttons: dict[str, gr.Button] = {}

        def slider(control: Control) -> None:
            low, high = control.range
            made_of[control.key] = gr.Slider(
                low, high, 0, step=0.01, label=control.label(), elem_id=f"mien-{control.key}",
                visible=control.side != "_R", interactive=True, min_width=150,
            )  # fmt: skip

        known = [c for c in self.controls if c.group == "Names"]
        with gr.Row(elem_classes="mien-names"):
            for control in known:
                buttons[control.key] = gr.Button(
                    control.label(), size="sm", min_width=80, elem_id=f"mien-pick-{control.key}"
                )
        strength = gr.Slider(
            0, MAX_AMOUNT, 1, step=0.01, label="Strength", elem_id="mien-strength", interactive=True,
            elem_classes="mien-line",
        )  # fmt: skip
        groups = [g for g in GROUPS if any(c.group == g for c in self.controls)]
        with gr.Tabs():
            with gr.Tab("Mixture"), gr.Row(elem_classes="mien-grid"):
                for control in known:
                    slider(control)
            for group in groups:
                with gr.Tab(group), gr.Row(elem_classes=["mien-grid", "mien-sides"]):
                    for control in self.controls:
                        if control.group == group:
                            slider(control)
        with gr.Row(elem_classes="mien-foot"):
            linked = gr.Checkbox(
                True,
                label="Left and right together (the person's own)",
                elem_id="mien-linked",
                visible=bool(groups),
                container=False,
            )
            reset = gr.Button("Reset", size="sm", elem_id="mien-reset", min_width=80, scale=0)
        return [made_of[c.key] for c in self.controls], strength, linked, reset, buttons

    def _makers(
        self, courier: Any, status: Any, face: Any, strength: Any, linked: Any, sliders: list[gr.Slider]
    ) -> None:
        """Download, sheet and clip."""
        settings = [face, strength, linked, *sliders]
        with gr.Row(elem_classes="mien-foot"):
            form = gr.Dropdown(
                list(made.FORMS),
                value=made.AS_PHOTO,
                label="File",
                show_label=False,
                container=False,
                elem_id="mien-form",
                min_width=120,
                scale=1,
            )
            download = gr.Button("Download", variant="primary", elem_id="mien-download", min_width=120, scale=1)
        download.click(
            safe(self.download, 2, 1), [form, *settings], [courier, status], api_visibility="private",
            show_progress_on=status,
        )  # fmt: skip
        with gr.Accordion("Sheet of all names", open=False, elem_id="mien-sheet"):
            draw = gr.Button("Make the sheet", size="sm", elem_id="mien-make-sheet")
            picture = gr.HTML("", elem_classes="mien-made", elem_id="mien-sheet-made")
        draw.click(safe(self.sheet, 3, 2), [face], [picture, courier, status], api_visibility="private")
        if not made.clips():
            return
        with gr.Accordion("Clip: to the expression and back", open=False, elem_id="mien-clip"):
            kind = gr.Radio(list(made.CLIPS), value="MP4", label="Format", elem_id="mien-clip-form")
            run = gr.Button("Make the clip", size="sm", elem_id="mien-make-clip")
            clip = gr.HTML("", elem_classes="mien-made", elem_id="mien-clip-made")
        run.click(safe(self.animate, 3, 2), [kind, *settings], [clip, courier, status], api_visibility="private")
