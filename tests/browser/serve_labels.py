"""A page with a label, a field of the form, and a text that the server says once the page is there."""

from __future__ import annotations

import sys

import gradio as gr
from starlette.middleware import Middleware

from hftransfer.ui.front import InTheirLanguage
from hftransfer.ui.labels import I18N, label
from hftransfer.ui.words import say

if __name__ == "__main__":
    with gr.Blocks(analytics_enabled=False) as app:
        gr.Textbox(label=label("try.text"), placeholder=label("try.text.hint"), elem_id="labelled")
        gr.Dropdown(["a"], label=label("Batch size"), info=label("Rows a step."), elem_id="field")
        gr.Button(label("train.start"), elem_id="button")
        said = gr.HTML(elem_id="said")
        app.load(lambda: say("train.start"), None, said)
    _, address, _ = app.launch(
        server_name="127.0.0.1",
        server_port=int(sys.argv[1]),
        i18n=I18N,
        app_kwargs={"middleware": [Middleware(InTheirLanguage)]},
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
    )
    print("\n" + address, flush=True)
    sys.stdin.read()
