"""Many inputs at once: images, or a file of texts; a table of answers to look at and to take away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import SourceError
from ...jobs import supervisor
from ...jobs.states import Job
from .. import pieces, uploads
from ..labels import label
from ..languages.messages import translated
from ..page import CAUGHT, Page, of_images, refusal, visible
from ..publish import download
from ..words import say
from .about import About
from .table import as_csv, table

AT_ONCE = 32  # inputs a question: between two of them other visitors are answered
MOST = 2000  # inputs; a shell takes more


class Batch:
    """The fold, its two kinds of files, and what came of them."""

    def __init__(self) -> None:
        with gr.Accordion(label("try.batch"), open=False, visible=False, elem_id="batch") as self.fold:
            self.images = gr.File(
                label=label("try.batch.images"), file_count="multiple", file_types=["image"], height=150, visible=False
            )
            kinds = [".txt", *uploads.TABLES]
            self.texts = gr.File(label=label("try.batch.texts"), file_types=kinds, height=150, visible=False)
            self.start = gr.Button(label("try.batch.start"), elem_id="predict-all")
            self.answers = gr.HTML("", elem_id="answers")

    @property
    def outputs(self) -> list[Any]:
        return [self.fold, self.images, self.texts, self.answers]

    def wire(self, page: Page, threshold: gr.Slider) -> None:
        """Connect the events."""
        asked = [page.job, page.owner, page.key, self.images, self.texts, threshold]
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        self.start.click(predict_all, asked, self.answers, api_name="predict_all", **private)


def render(*, usable: bool, images: bool) -> tuple[Any, ...]:
    return gr.Accordion(visible=usable), gr.File(visible=images), gr.File(visible=usable and not images), ""


def predict_all(
    id: str, secret: str | None, key: str, images: list[str] | None, texts: str | None, threshold: float
) -> Iterator[str]:
    """How far the answers are, and then the answers."""
    try:
        job = visible(id, secret, key)
        yield from _answered(job, _inputs(job, images, texts), threshold)
    except CAUGHT as error:
        yield refusal(error)


def _inputs(job: Job, images: list[str] | None, texts: str | None) -> list[Any]:
    """What is asked about, as the model's process takes it: only uploaded files are ever taken for images."""
    inputs = images if of_images(job) else supervisor.texts_of(texts, MOST, pair=About.of(job).pair) if texts else []
    if not inputs:
        raise SourceError(say("try.needs"))
    if len(inputs) > MOST:
        cause = say("error.batch.many", count=len(inputs), most=MOST)
        raise SourceError(cause, fix=say("error.batch.many.fix"))
    return inputs


def _answered(job: Job, inputs: list[Any], threshold: float) -> Iterator[str]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(inputs), AT_ONCE):
        yield pieces.share(start / len(inputs), say("try.batch.doing", done=start, total=len(inputs)))
        found += _asked(job, inputs[start : start + AT_ONCE])
    about = About.of(job)
    kept = supervisor.keep_answers(job, as_csv(found, about, threshold))
    yield table(found, about, threshold, download.link_to_answers(job, kept))


def _asked(job: Job, inputs: list[Any]) -> list[dict[str, Any]]:
    """An answer each; an input that cannot be read has a reason instead, and keeps none of the others from theirs."""
    try:
        found = supervisor.predict(job, inputs)
    except SourceError as error:
        if len(inputs) > 1:
            return [answer for given in inputs for answer in _asked(job, [given])]
        found = [{"input": inputs[0], "error": translated(error.cause)}]
    return [{**answer, "input": Path(answer["input"]).name if of_images(job) else answer["input"]} for answer in found]
