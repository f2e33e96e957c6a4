"""The first step: examples in, what was understood of them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ..jobs import supervisor
from ..jobs.states import Job, State
from ..recipe import Recipe
from . import pieces, uploads
from .page import TRAIN, WITH_OWNER, Page, mark_of, owner_of, seen, told
from .words import say

SAMPLES = ("digits", "helpdesk")
EVERY = 1.0  # seconds between looks at a check, which lasts a few
NO_DATA = pieces.empty("data", say("data.empty"), say("data.empty.hint"))


class DataStep:
    """The step's components, and what happens on them."""

    def __init__(self) -> None:
        with gr.Row(equal_height=True):
            with gr.Column(scale=3, min_width=300):
                self.upload = gr.File(
                    label=say("data.upload"), file_types=list(uploads.KINDS), height=210, elem_id="upload"
                )
                gr.HTML(
                    f'<p class="hft-hint">{pieces.plain(say("data.drop"))}</p>{pieces.heading(say("data.samples"))}'
                )
                with gr.Row():
                    self.samples = [gr.Button(say(f"data.sample.{name}"), size="md") for name in SAMPLES]
            with gr.Column(scale=2, min_width=300):
                self.card = gr.HTML(NO_DATA, elem_id="understood")
        with gr.Row(elem_classes="hft-actions"):
            self.onward = gr.Button(say("data.next"), variant="primary", interactive=False, elem_id="to-train")
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)

    @property
    def outputs(self) -> list[Any]:
        return [self.card, self.onward, self.timer, self.mark]

    def wire(self, page: Page) -> None:
        """Connect the events."""
        taken = [page.data, self.upload, *self.outputs]
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        page.remember(self.upload.upload(take_file, [self.upload, page.owner], taken, js=WITH_OWNER, **private))
        for name, button in zip(SAMPLES, self.samples, strict=True):
            page.remember(button.click(_taker(name), page.owner, taken, js=WITH_OWNER, **private))
        looked = [page.data, page.owner, self.mark]
        self.timer.tick(look, looked, self.outputs, api_name="look_data", concurrency_limit=None, **private)
        self.onward.click(lambda: gr.Walkthrough(selected=TRAIN), None, page.steps, **private)


def _refused(card: str) -> tuple[Any, ...]:
    return card, gr.Button(interactive=False), gr.Timer(active=False), ""


def _not_taken(card: str) -> tuple[Any, ...]:
    return "", None, *_refused(card)


@told(_not_taken)
def take_file(path: str | None, secret: str | None) -> tuple[Any, ...]:
    """An uploaded file: keep it, and have it checked."""
    if path is None:
        return (gr.skip(),) * 6
    kept = uploads.keep(Path(path), owner_of(secret))
    return _take(str(kept), Path(path).name, secret)


@told(_refused)
def look(id: str, secret: str, mark: str) -> tuple[Any, ...]:
    """What a check has found by now; nothing is sent while nothing changed."""
    supervisor.tick()
    job = seen(id, secret)
    if job is not None and mark_of(job) == mark:
        return (gr.skip(),) * 4
    return render(job)


def render(job: Job | None) -> tuple[Any, ...]:
    """The card, the button, the timer and the mark for a check."""
    if job is None:
        return NO_DATA, gr.Button(interactive=False), gr.Timer(active=False), ""
    over = pieces.is_over(job)
    return _card(job), gr.Button(interactive=job.state is State.DONE), gr.Timer(active=not over), mark_of(job)


def _card(job: Job) -> str:
    if job.state is State.DONE and job.result is not None:
        return uploads.nameless(pieces.understood(job.name, job.result))
    if pieces.is_over(job):
        return uploads.nameless(pieces.ended(job))
    return pieces.progress(job)


def _taker(sample: str) -> Any:
    @told(_not_taken)
    def take_sample(secret: str | None) -> tuple[Any, ...]:
        return _take(f"sample:{sample}", say(f"data.sample.{sample}"), secret)

    return take_sample


def _take(source: str, name: str, secret: str | None) -> tuple[Any, ...]:
    owner = owner_of(secret)
    id = supervisor.submit(source, Recipe(), owner, kind="check", name=name)
    return id, None, *render(supervisor.find(id, owner))
