"""The second step: one button, and a window on the run that it starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr
import pandas as pd

from ...errors import HFTransferError, JobError, SourceError
from ...jobs import supervisor
from ...jobs.states import Job, State
from ...jobs.store import Point, Store
from ...recipe import chosen_of
from ...tasks import TARGETS
from .. import pieces, uploads
from ..data.step import reading
from ..labels import asking, label
from ..page import TRY, Page, in_sight, mark_of, owner_of, seen, told, visible
from ..theme import AMBER, INDIGO
from ..words import say
from . import comparison, form, plan_card, same
from .comparison import Comparison
from .plan_card import PlanCard
from .unlabelled import Unlabelled

EVERY = 2.0  # seconds between looks at a run
OUTPUTS = 16  # of the step
Lines = Mapping[str, Sequence[Point]]
BEST = tuple(dict.fromkeys(f"eval_{target.best}" for target in TARGETS))  # a run has one of them
LINES = {"loss": "training", "eval_loss": "validation", **dict.fromkeys(BEST, "validation")}
LEAST = -1.0  # of a figure below nought: what it was at the start would leave no room for the rest


class TrainStep:
    """The step's components, and what happens on them."""

    def __init__(self, *, local: bool) -> None:
        self._start = partial(start, local)
        self.summary = gr.HTML(pieces.summary("", None), elem_id="training-data")
        strip = gr.HTML("", elem_id="augmented", render=False)
        with gr.Accordion(label("train.choices"), open=False, elem_id="choices"):
            self.comparison, self.unlabelled = Comparison(local=local), Unlabelled()
            beneath = {"augmentation": strip.render, "backbone": self.comparison.lay}
            beneath["pseudo_label"] = self.unlabelled.trouble.render
            self.choices = form.build(beneath, {"pseudo_label": self.unlabelled.lay})
        self.plan = PlanCard(strip, local=local)
        self.status = gr.HTML(_no_run(), elem_id="status")
        with gr.Row(visible=False) as self.plots:
            self.loss = _plot(label("train.loss"))
            self.best = _plot(label("train.best"), y_lim=[0, 1])
        with gr.Row(elem_classes="hft-actions"):
            self.cancel = gr.Button(label("train.cancel"), visible=False, elem_id="cancel")
            self.finish = gr.Button(label("train.finish"), visible=False, elem_id="finish")
            self.delete = gr.Button(label("train.delete"), visible=False, elem_id="delete")
            self.resume = gr.Button(label("train.resume"), visible=False, variant="primary", elem_id="resume")
            self.start = gr.Button(label("train.start"), variant="primary", interactive=False, elem_id="train")
            self.onward = gr.Button(label("train.next"), variant="primary", visible=False, elem_id="to-try")
        with gr.Accordion(label("train.same"), open=False, visible=False, elem_id="same") as self.same:
            self.shell = _code("shell", label("train.shell"))
            self.python = _code("python", label("train.python"))
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)
        self.turn = gr.Textbox(visible=False)  # another only where the run's state is

    @property
    def outputs(self) -> list[Any]:
        buttons = [self.cancel, self.finish, self.delete, self.resume, self.start, self.onward]
        same = [self.same, self.shell, self.python]
        return [self.status, self.plots, self.loss, self.best, *buttons, *same, self.timer, self.mark, self.turn]

    def wire(self, page: Page, changed: gr.Textbox) -> None:
        """Connect the events.

        Args:
            changed: changes when there is other data.
        """
        self.unlabelled.wire(page)
        changed.change(
            lambda data, secret: form.fitting(_task(data, secret)),
            [page.data, page.owner],
            form.for_some(self.choices),
            api_name="fit_form",
            show_progress="hidden",
            api_visibility="private",
        )
        taken = self.comparison.wire(page, changed, self.choices)
        self.plan.wire(page, changed, self.choices, taken, self.comparison.going)
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        started = [page.job, page.key, self.plan.card, *self.outputs]
        asked = [page.data, page.owner, self.plan.job, self.comparison.job, *self.choices]
        page.remember(self.start.click(self._start, asked, started, api_name="start_run", **private))
        mine = [page.job, page.owner]
        self.cancel.click(_by_owner(supervisor.cancel), mine, self.outputs, api_name="stop_run", **private)
        self.finish.click(_by_owner(supervisor.finish), mine, self.outputs, api_name="finish_run", **private)
        self.resume.click(_by_owner(supervisor.resume), mine, self.outputs, api_name="resume_run", **private)
        deleted = [page.job, page.key, page.data, self.summary, *self.outputs]
        sure = asking("train.delete.sure")
        page.remember(self.delete.click(delete, [*mine, page.data], deleted, api_name="delete_run", js=sure, **private))
        self.onward.click(lambda: gr.Walkthrough(selected=TRY), None, page.steps, **private)
        looked = [page.job, page.owner, page.key, self.mark, page.data]
        sight = in_sight("run")
        self.timer.tick(look, looked, self.outputs, api_name="look_run", concurrency_limit=None, js=sight, **private)


def _no_run() -> str:
    return pieces.empty("train", say("train.empty"), say("train.empty.hint"))


def _refused(card: str) -> tuple[Any, ...]:
    return card, *(gr.skip() for _ in range(OUTPUTS - 1))


def _not_started(card: str) -> tuple[Any, ...]:
    return gr.skip(), gr.skip(), "", *_refused(card)


@told(_not_started)
def start(local: bool, data: str, secret: str | None, plan: str, compared: str, *choices: Any) -> tuple[Any, ...]:
    """Queue a run on the data that was checked: what else goes on for it would slow it down."""
    plan_card.drop(plan, secret)
    comparison.drop(compared, secret)
    owner, check = owner_of(secret), _checked(data, secret)
    recipe = form.recipe(choices, owner, folders=local).with_(**reading(check))
    id = supervisor.submit(supervisor.request(check)["source"], recipe, owner, name=check.name)
    job = supervisor.find(id, owner)
    return id, job.key, "", *render(job)


def _by_owner(change: Callable[[str], Job]) -> Callable[[str, str], tuple[Any, ...]]:
    """A handler for what a run's owner alone may do to it."""

    @told(_refused)
    def handler(id: str, secret: str) -> tuple[Any, ...]:
        if not id:
            return (gr.skip(),) * OUTPUTS
        change(visible(id, secret).id)
        return render(Store().get(id))

    return handler


@told(lambda card: (*(gr.skip() for _ in range(4)), *_refused(card)))
def delete(id: str | None, secret: str | None, data: str) -> tuple[Any, ...]:
    """The visitor's own run, gone with its model, and with its data where nothing else needs them."""
    if not id:
        return (gr.skip(),) * (OUTPUTS + 4)
    supervisor.delete(visible(id, secret).id)
    check = _ready(data, secret)
    line = pieces.summary(check.name, check.result) if check else pieces.summary("", None)
    return "", "", check.id if check else "", line, *render(None, ready=check is not None)


@told(_refused)
def look(id: str, secret: str, key: str, mark: str, data: str = "") -> tuple[Any, ...]:
    """How far the run is; nothing is sent while nothing changed."""
    supervisor.tick()
    job, ready = seen(id, secret, key), _ready(data, secret) is not None
    if job is None and id:
        gone = pieces.failure(JobError(say("error.norun"), fix=say("error.norun.fix")))
        return _around(gone, None, {}, ready=ready)
    if job is not None and mark_of(job, _place(job)) == mark:
        return (gr.skip(),) * OUTPUTS
    return render(job, mine=seen(id, secret) is not None, ready=ready)


def _ready(data: str, secret: str | None) -> Job | None:
    """The visitor's check that one can train on."""
    check = seen(data, secret, kind="check")
    return check if check is not None and check.state is State.DONE else None


def _task(data: str, secret: str | None) -> str:
    """What the visitor's data is for; empty where there is none."""
    check = _ready(data, secret)
    return str((check.result or {}).get("task", "")) if check else ""


def render(job: Job | None, *, mine: bool = True, ready: bool = True) -> tuple[Any, ...]:
    """The step's outputs for a run, or for none; `ready` says whether there is data to train on."""
    if job is None:
        return _around(_no_run(), None, {}, ready=ready)
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
    reach: list[float | None] = [0, _reach(job, lines)]
    return (
        status,
        gr.Row(visible=any(len(line) > 1 for line in lines.values())),
        gr.LinePlot(_frame(lines, "loss", "eval_loss"), x_lim=reach, **_words()),
        _best(lines, reach),
        *_buttons(job, running=running, ready=ready, mine=mine),
        *_same(job if mine else None),
        gr.Timer(active=running),
        mark,
        "" if job is None else f"{job.id}:{job.state}:{job.model}",
    )


def _best(lines: Lines, reach: list[float | None]) -> gr.LinePlot:
    """The figure that the best model is kept by: a share, or one that may be below nought."""
    name = next((name for name in BEST if lines.get(name)), BEST[-1])
    words = say("train.score", metric=pieces.metric(name.removeprefix("eval_")), split="validation")
    title = pieces.sentence(words) if lines.get(name) else say("train.best")
    least = min([0.0, *(value for _, value in lines.get(name) or () if math.isfinite(value))])
    return gr.LinePlot(_frame(lines, name), title=title, x_lim=reach, y_lim=[max(LEAST, least), 1], **_words())


def _buttons(job: Job | None, *, running: bool, ready: bool, mine: bool) -> tuple[gr.Button, ...]:
    """Stop, stop and keep, delete, go on, train (again), try."""
    asked = job is not None and (job.cancel_asked, job.finish_asked) != (None, None)
    usable = job is not None and job.model is not None
    resumable = job is not None and not running and job.state is not State.DONE
    cut = job is not None and job.state in (State.INTERRUPTED, State.FAILED)
    again = say("train.start") if job is None else say("train.again")
    training = job is not None and job.state is State.TRAINING
    return (
        gr.Button(
            say("train.cancel" if running else "train.keep"),
            visible=(running or cut) and mine,
            interactive=job is not None and (cut or job.cancel_asked is None),
        ),
        gr.Button(visible=running and training and mine, interactive=not asked),
        gr.Button(visible=job is not None and not running and mine),
        gr.Button(visible=resumable and mine, variant="secondary" if usable else "primary"),
        gr.Button(
            again,
            visible=not running if mine else ready,  # who only watches a run may begin one of their own
            interactive=ready,
            variant="secondary" if usable or resumable else "primary",
        ),
        gr.Button(visible=usable),
    )


def _same(job: Job | None) -> tuple[Any, ...]:
    """How to do the run again without the page."""
    try:
        asked = supervisor.request(job) if job is not None else None
    except (HFTransferError, ValueError):  # the run is shown, though its files are gone
        asked = None
    if job is None or asked is None:
        return gr.Accordion(visible=False), "", ""
    source = same.source(asked["source"], job.name)
    chosen = same.named(chosen_of(asked["recipe"]))
    return gr.Accordion(visible=True), same.shell(source, chosen), same.python(source, chosen)


def _checked(data: str, secret: str | None) -> Job:
    check = _ready(data, secret)
    if check is None:
        raise SourceError(say("error.nodata"), fix=say("error.nodata.fix"))
    return check


def _place(job: Job) -> int:
    return Store().place(job) if job.state is State.QUEUED else 0


def _reach(job: Job | None, lines: Lines) -> float:
    """The last step that the curves will have, as far as it is known."""
    planned = job.steps if job is not None and job.stage == "train" else 0
    return max([planned, 1, *(line[-1][0] for line in lines.values() if line)])


def _frame(lines: Lines, *names: str) -> pd.DataFrame:
    """The points of some lines. One without any has a point of no value: the plot keeps to the lines of its first."""
    given = {name: lines.get(name) or [(0, math.nan)] for name in names}
    rows = [(step, value, say(f"line.{LINES[name]}")) for name, line in given.items() for step, value in line]
    return pd.DataFrame(rows, columns=["step", "value", "split"])


def _words() -> dict[str, Any]:
    """A plot's words in the visitor's language, the lines' names among them, which their colours go by."""
    colours = {say("line.training"): INDIGO, say("line.validation"): AMBER}
    return {"x_title": say("train.step"), "color_title": say("line.split"), "color_map": colours}


def _code(language: Any, label: str) -> gr.Code:
    return gr.Code(language=language, label=label, interactive=False, wrap_lines=True, lines=1)


def _plot(title: str, **more: Any) -> gr.LinePlot:
    return gr.LinePlot(
        x="step",
        y="value",
        color="split",
        title=title,
        show_label=False,  # a label would push the legend out of the frame
        y_title=" ",
        **_words(),
        height=360,
        buttons=[],
        **more,
    )
