"""The third step: an input, or many, and the model's answers from the inference process."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from ...errors import HFTransferError, SourceError
from ...jobs import supervisor
from ...jobs.states import Job
from .. import pieces
from ..labels import label
from ..page import PUBLISH, Page, told, visible
from ..words import say
from . import answers, batch
from .about import About

THRESHOLD = 0.5  # of the best score: below, no class fits well


class TryStep:
    """The step's components, and what happens on them."""

    def __init__(self) -> None:
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                self.text = gr.Textbox(
                    label=label("try.text"), placeholder=label("try.text.hint"), lines=6, visible=False, elem_id="text"
                )
                self.pair = gr.Textbox(
                    label=label("try.pair"), placeholder=label("try.pair.hint"), lines=6, visible=False, elem_id="pair"
                )
                with gr.Column(visible=False) as self.picture:
                    self.image = gr.Image(
                        label=label("try.image"),
                        sources=["upload", "webcam", "clipboard"],
                        height=300,
                        buttons=[],
                        elem_id="image",
                    )
                # The model's process alone decodes it, and says in words what is wrong with it. The image
                # itself is never an output, which would put another in its place.
                self.image.preprocess = _path  # type: ignore[method-assign]
                self.threshold = gr.Slider(
                    0,
                    1,
                    THRESHOLD,
                    step=0.01,
                    label=label("try.threshold"),
                    info=label("try.threshold.hint"),
                    visible=False,
                    elem_id="threshold",
                )
            with gr.Column(scale=1, min_width=300):
                self.answer = gr.HTML(no_model(), elem_id="answer")
        with gr.Row(elem_classes="hft-actions"):
            self.onward = gr.Button(label("try.next"), visible=False, elem_id="to-publish")
            self.predict = gr.Button(label("try.start"), variant="primary", interactive=False, elem_id="predict")
        self.many = batch.Batch()

    @property
    def outputs(self) -> list[Any]:
        shown = [self.text, self.pair, self.picture, self.threshold, self.answer, self.predict, self.onward]
        return [*shown, *self.many.outputs]

    def wire(self, page: Page) -> None:
        """Connect the events."""
        private: dict[str, Any] = {"show_progress_on": self.answer, "api_visibility": "private"}
        asked = [page.job, page.owner, page.key, self.text, self.pair, self.image, self.threshold]
        inputs = [self.predict.click, self.image.input, self.threshold.release, self.text.submit, self.pair.submit]
        gr.on(inputs, predict, asked, self.answer, api_name="predict", **private)
        self.onward.click(
            lambda: gr.Walkthrough(selected=PUBLISH), None, page.steps, show_progress="hidden", api_visibility="private"
        )
        self.many.wire(page, self.threshold)


def no_model() -> str:
    return pieces.empty("try", say("try.nomodel"), say("try.nomodel.hint"))


@told(lambda card: card)
def predict(
    id: str,
    secret: str | None,
    key: str,
    text: str | None,
    pair: str | None,
    image: str | None,
    threshold: float | None = None,
) -> str:
    """The model's answer, or what stands in its way."""
    job = visible(id, secret, key)
    about = About.of(job)
    texts = [(given or "").strip() for given in (text, pair)]
    given: Any = image if about.images else texts if about.pair else texts[0]
    if not given or (about.pair and not all(texts)):
        raise SourceError(say("try.needs"))
    return answers.card(supervisor.predict(job, [given])[0], about, THRESHOLD if threshold is None else threshold)


def render(job: Job | None) -> tuple[Any, ...]:
    """The inputs that the run's model takes, and the buttons."""
    done = job is not None and job.model is not None
    about = About.of(job)
    if job is not None and done:
        threading.Thread(target=_warm, args=(job,), daemon=True).start()
    lines = 3 if about.pair else 6
    return (
        gr.Textbox(visible=done and not about.images, lines=lines),
        gr.Textbox(visible=done and about.pair, lines=lines),
        gr.Column(visible=done and about.images),
        gr.Slider(visible=done and about.shape == "class"),
        pieces.empty("try", say("try.empty"), say("try.empty.hint")) if done else no_model(),
        gr.Button(interactive=done),
        gr.Button(visible=done),
        *batch.render(usable=done, images=done and about.images),
    )


def _path(payload: ImageData | None) -> str | None:
    return None if payload is None else payload.path


def _warm(job: Job) -> None:
    with suppress(HFTransferError):  # who asks later is told
        supervisor.predict(job, [])
