"""The page's layout: where everything stands, and which event calls which method of `Page`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mien.expression import MAX_AMOUNT
from mien.surfaces.ui import made
from mien.surfaces.ui.answers import safe, text_of
from mien.surfaces.ui.controls import GROUPS, Control
from mien.surfaces.ui.page import Page

ACCEPTED = [".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"]


def layout(page: Page) -> gr.Blocks:
    """The page. Nothing of it is told to anyone: no analytics, no API page, no history in the browser."""
    with gr.Blocks(title="mien", analytics_enabled=False, fill_width=True, delete_cache=(60, 300)) as whole:
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
                sliders, strength, linked, reset, names = _sliders(page)
                courier = gr.HTML(js_on_load=text_of("courier.js"), html_template="", elem_id="mien-courier")
                _makers(page, courier, status, face, strength, linked, sliders)
        settings = [face, strength, linked, *sliders]
        shown = [viewer, status]
        photo.upload(
            safe(page.open, 4, 2), [photo, strength, linked, *sliders], [photo, viewer, status, face],
            show_progress_on=viewer, api_visibility="private",
        )  # fmt: skip

        # values come as the browser sent them and `_wish` checks them: Gradio changes the thread for
        # each of the 67, which a preview would feel
        quick: dict[str, Any] = {
            "show_progress": "hidden", "queue": False, "preprocess": False, "api_visibility": "private",
        }  # fmt: skip

        def redraw(event: Any) -> None:
            event.then(
                safe(page.full, 2, 1), None, shown, show_progress="hidden", trigger_mode="always_last",
                concurrency_limit=None, api_visibility="private",
            )  # fmt: skip

        moved = gr.on(
            [s.input for s in (face, strength, *sliders)], safe(page.preview, 2, 1), settings, shown,
            trigger_mode="always_last", **quick,
        )  # fmt: skip
        redraw(moved)
        sided = [s for s, c in zip(sliders, page.controls, strict=True) if c.side]
        changes: list[tuple[Any, Any, Any, Any]] = [(reset.click, page.reset, None, [strength, *sliders])]
        changes += [(button.click, page.pick(name), None, [strength, *sliders]) for name, button in names.items()]
        if sided:
            changes.append((linked.input, page.linking, [linked, *sliders], sided))
        for listen, handler, inputs, outputs in changes:
            after = listen(handler, inputs, outputs, **quick)
            redraw(after.then(safe(page.preview, 2, 1), settings, shown, **quick))
        whole.unload(page.leave)
    return whole


def _sliders(page: Page) -> tuple[list[gr.Slider], gr.Slider, gr.Checkbox, gr.Button, dict[str, gr.Button]]:
    made_of: dict[str, gr.Slider] = {}
    buttons: dict[str, gr.Button] = {}

    def slider(control: Control) -> None:
        low, high = control.range
        made_of[control.key] = gr.Slider(
            low, high, 0, step=0.01, label=control.label(), elem_id=f"mien-{control.key}",
            visible=control.side != "_R", interactive=True, min_width=150,
        )  # fmt: skip

    known = [c for c in page.controls if c.group == "Names"]
    with gr.Row(elem_classes="mien-names"):
        for control in known:
            buttons[control.key] = gr.Button(
                control.label(), size="sm", min_width=80, elem_id=f"mien-pick-{control.key}"
            )
    strength = gr.Slider(
        0, MAX_AMOUNT, 1, step=0.01, label="Strength", elem_id="mien-strength", interactive=True,
        elem_classes="mien-line",
    )  # fmt: skip
    groups = [g for g in GROUPS if any(c.group == g for c in page.controls)]
    with gr.Tabs():
        with gr.Tab("Mixture"), gr.Row(elem_classes="mien-grid"):
            for control in known:
                slider(control)
        for group in groups:
            with gr.Tab(group), gr.Row(elem_classes=["mien-grid", "mien-sides"]):
                for control in page.controls:
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
    return [made_of[c.key] for c in page.controls], strength, linked, reset, buttons


def _makers(
    page: Page, courier: Any, status: Any, face: Any, strength: Any, linked: Any, sliders: list[gr.Slider]
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
        safe(page.download, 2, 1), [form, *settings], [courier, status], api_visibility="private",
        show_progress_on=status,
    )  # fmt: skip
    with gr.Accordion("Sheet of all names", open=False, elem_id="mien-sheet"):
        draw = gr.Button("Make the sheet", size="sm", elem_id="mien-make-sheet")
        picture = gr.HTML("", elem_classes="mien-made", elem_id="mien-sheet-made")
    draw.click(safe(page.sheet, 3, 2), [face], [picture, courier, status], api_visibility="private")
    if not made.clips():
        return
    with gr.Accordion("Clip: to the expression and back", open=False, elem_id="mien-clip"):
        kind = gr.Radio(list(made.CLIPS), value="MP4", label="Format", elem_id="mien-clip-form")
        run = gr.Button("Make the clip", size="sm", elem_id="mien-make-clip")
        clip = gr.HTML("", elem_classes="mien-made", elem_id="mien-clip-made")
    run.click(safe(page.animate, 3, 2), [kind, *settings], [clip, courier, status], api_visibility="private")
