"""The fourth step, for now: the model as a zip, and how to use and to push it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..jobs.states import Job
from . import pieces
from .download import link_to
from .words import say

NO_MODEL = pieces.empty("publish", say("publish.empty"), say("publish.empty.hint"))


class PublishStep:
    """The step's components."""

    def __init__(self) -> None:
        self.card = gr.HTML(NO_MODEL, elem_id="download")
        with gr.Column(visible=False) as self.more:
            self.use = gr.Code(language="python", label=say("publish.use"), interactive=False, wrap_lines=True, lines=1)
            self.push = gr.Code(
                language="shell", label=say("publish.push"), interactive=False, wrap_lines=True, lines=1
            )

    @property
    def outputs(self) -> list[Any]:
        return [self.card, self.more, self.use, self.push]


def render(job: Job | None) -> tuple[Any, ...]:
    """The download and the two commands for a run that is done."""
    if job is None or job.model is None:
        return NO_MODEL, gr.Column(visible=False), "", ""
    task = str((job.result or {}).get("task", ""))
    example = "photo.jpg" if task.startswith("image") else "a text"
    use = f'from transformers import pipeline\n\nclassify = pipeline("{task}", model="model")\nclassify("{example}")'
    return pieces.download(link_to(job)), gr.Column(visible=True), use, "hftransfer push model YOUR-NAME/MODEL-NAME"
