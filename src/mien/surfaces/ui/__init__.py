"""`mien ui`: a page in the browser of this machine alone.

controls -> session (state) -> preview, then full size -> page. `serve` binds it to 127.0.0.1; only `page` and `serve`
import Gradio.
"""
