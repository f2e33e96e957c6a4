"""The second step: one button, and a window on the run that it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr
import pandas as pd

from ..errors import SourceError
from ..jobs import supervisor
from ..jobs.states import Job, State
from ..jobs.store import Point, Store
from . import form, pieces, uploads
from .page import TRY, Page, mark_of, owner_of, seen, told
from .theme import AMBER, INDIGO
from .words import say

EVERY = 2.0  # seconds between looks at a run
NO_RUN = pieces.empty("train", say("train.empty"), say("train.empty.hint"))
Lines = Mapping[str, Sequence[Point]]
LINES = {"loss": "training", "eval_loss": "validation", "eval_accuracy": "validation"}


class TrainStep:
    """The step's components, and what happens on them."""

    def __init__(self, *, local: bool) -> None:
        self._start = partial(start, local)
        self.summary = gr.HTML(pieces.summary("", None), elem_id="training-data")
        with gr.Accordion(say("train.choices"), open=False, elem_id="choices"):
            self.choices = form.build()
        self.status = gr.HTML(NO_RUN, elem_id="status")
        with gr.Row(visible=False) as self.plots:
            self.loss = _plot(say("train.loss"))
            self.accuracy = _plot(say("train.accuracy"), y_lim=[0, 1])
        with gr.Row(elem_classes="hft-actions"):
            self.cancel = gr.Button(say("train.cancel"), visible=False, elem_id="cancel")
            self.start = gr.Button(say("train.start"), variant="primary", interactive=False, elem_id="train")
            self.onward = gr.Button(say("train.next"), variant="primary", visible=False, elem_id="to-try")
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)

    @property
    def outputs(self) -> list[Any]:
        shown = [self.status, self.plots, self.loss, self.accuracy, self.cancel, self.start, self.onward]
        return [*shown, self.timer, self.mark]

    def wire(self, page: Page) -> None:
        """Connect the events."""
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        started = [page.job, page.key, *self.outputs]
        asked = [page.data, page.owner, *self.choices]
        page.remember(self.start.click(self._start, asked, started, api_name="start_run", **private))
        self.cancel.click(stop, [page.job, page.owner], self.outputs, api_name="stop_run", **private)
        self.onward.click(lambda: gr.Walkthrough(selected=TRY), None, page.steps, **private)
        looked = [page.job, page.owner, page.key, self.mark]
        self.timer.tick(look, looked, self.outputs, api_name="look_run", concurrency_limit=None, **private)


def _refused(card: str) -> tuple[Any, ...]:
    return card, *(gr.skip() for _ in range(8))


def _not_started(card: str) -> tuple[Any, ...]:
    return gr.skip(), gr.skip(), *_refused(card)


@told(_not_started)
def start(local: bool, data: str, secret: str | None, *choices: Any) -> tuple[Any, ...]:
    """Queue a run on the data that was checked."""
    owner, check = owner_of(secret), _checked(data, secret)
    recipe = form.recipe(choices, folders=local)
    id = supervisor.submit(supervisor.request(check)["source"], recipe, owner, name=check.name)
    job = supervisor.find(id, owner)
    return id, job.key, *render(job)


@told(_refused)
def stop(id: str, secret: str) -> tuple[Any, ...]:
    """Ask the run to stop. Only its owner may."""
    if seen(id, secret) is None:
        return (gr.skip(),) * 9
    return render(supervisor.cancel(id))


@told(_refused)
def look(id: str, secret: str, key: str, mark: str) -> tuple[Any, ...]:
    """How far the run is; nothing is sent while nothing changed."""
    supervisor.tick()
    job = seen(id, secret, key)
    if job is not None and mark_of(job, _place(job)) == mark:
        return (gr.skip(),) * 9
    return render(job, mine=seen(id, secret) is not None)


def render(job: Job | None, *, mine: bool = True, ready: bool = True) -> tuple[Any, ...]:
    """The step's outputs for a run, or for none; `ready` says whether there is data to train on."""
    if job is None:
        return _around(NO_RUN, None, {}, ready=ready)
    place = _place(job)
    status = pieces.progress(job, place=place)
    if pieces.is_over(job):
        log = supervisor.logs(job.id) if mine and job.state is State.FAILED else ""
        status = uploads.nameless(pieces.ended(job, log))
    lines = {name: Store().curve(job.id, name) for name in LINES}
    return _around(status, job, lines, ready=ready, mine=mine, mark=mark_of(job, place))


def _around(
    status: str, job: Job | None, lines: Lines, *, ready: bool, mine: bool = True, mark: str = ""
) -> tuple[Any, ...]:
    running = job is not None and not pieces.is_over(job)
    done = job is not None and job.state is State.DONE
    reach: list[float | None] = [0, _reach(job, lines)]
    again = say("train.start") if job is None else say("train.again")
    return (
        status,
        gr.Row(visible=any(len(line) > 1 for line in lines.values())),
        gr.LinePlot(_frame(lines, "loss", "eval_loss"), x_lim=reach),
        gr.LinePlot(_frame(lines, "eval_accuracy"), x_lim=reach),
        gr.Button(visible=running and mine, interactive=job is not None and job.cancel_asked is None),
        gr.Button(again, visible=not running and mine, interactive=ready, variant="secondary" if done else "primary"),
        gr.Button(visible=done),
        gr.Timer(active=running),
        mark,
    )


def _checked(data: str, secret: str | None) -> Job:
    check = seen(data, secret)
    if check is None or check.kind != "check" or check.state is not State.DONE:
        raise SourceError(say("error.nodata"), fix=say("error.nodata.fix"))
    return check


def _place(job: Job) -> int:
    return Store().place(job) if job.state is State.QUEUED else 0


def _reach(job: Job | None, lines: Lines) -> float:
    """The last step that the curves will have, as far as it is known."""
    planned = job.steps if job is not None and job.stage == "train" else 0
    return max([planned, 1, *(line[-1][0] for line in lines.values() if line)])


def _frame(lines: Lines, *names: str) -> pd.DataFrame:
    rows = [(step, value, LINES[name]) for name in names for step, value in lines.get(name, [])]
    return pd.DataFrame(rows, columns=["step", "value", "split"])


def _plot(title: str, **more: Any) -> gr.LinePlot:
    return gr.LinePlot(
        x="step",
        y="value",
        color="split",
        title=title,
        show_label=False,  # a label would push the legend out of the frame
        x_title=say("train.step"),
        y_title=" ",
        color_map={"training": INDIGO, "validation": AMBER},
        height=360,
        buttons=[],
        **more,
    )
