"""What a run would take, measured before it starts: for the data that was checked, and the choices as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from ...errors import HFTransferError
from ...jobs import supervisor
from ...jobs.states import Job, State
from ...jobs.store import Store
from ...recipe import Recipe
from .. import uploads
from ..data.pictures import of_check
from ..data.step import reading
from ..page import Page, in_sight, mark_of, owner_of, seen, told
from ..pieces import card_of, count, duration, ended, is_over, moving, plain
from ..words import say
from . import form

KNOWN = 5  # jobs of the visitor's that are looked at
EVERY = 1.0  # seconds between looks at a plan, which lasts a few
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class PlanCard:
    """The card, and the job that fills it."""

    def __init__(self, strip: gr.HTML, *, local: bool) -> None:
        """`strip` is filled with an image as training would change it."""
        self._local, self.strip = local, strip
        self.card = gr.HTML("", elem_id="plan")
        self.job = gr.Textbox(visible=False)
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)

    @property
    def outputs(self) -> list[Any]:
        return [self.card, self.job, self.timer, self.mark, self.strip]

    def wire(
        self,
        page: Page,
        changed: gr.Textbox,
        choices: list[Component],
        chosen: gr.events.Dependency,
        comparing: gr.Textbox,
    ) -> None:
        """Connect the events.

        Args:
            changed: changes when there is other data.
            chosen: after this event a choice is another, though nobody has typed it.
            comparing: holds something while backbones are compared: what was timed then would be no measure.
        """
        asked = [page.data, page.owner, self.job, page.job, comparing, *choices]
        left = [_left(choice) for choice in choices]
        plan = partial(begin, self._local)
        gr.on([changed.change, comparing.change, *left], plan, asked, self.outputs, api_name="plan_run", **PRIVATE)
        chosen.then(plan, asked, self.outputs, api_name="plan_chosen", **PRIVATE)
        looked = [self.job, page.owner, self.mark]
        self.timer.tick(
            look, looked, self.outputs, api_name="look_plan", concurrency_limit=None, js=in_sight("plan"), **PRIVATE
        )


def _left(choice: Any) -> Any:
    """The event after which a choice is another; a text that is typed is one when it is done."""
    return choice.blur if isinstance(choice, gr.Textbox) and choice.visible else choice.change


def nothing(card: str = "") -> tuple[Any, ...]:
    return card, "", gr.Timer(active=False), "", ""


@told(nothing)
def begin(
    local: bool, data: str, secret: str | None, before: str, run: str, comparing: str, *choices: Any
) -> tuple[Any, ...]:
    """Have a run with these choices planned, unless the page shows a run or a comparison that goes on."""
    check, running = seen(data, secret, kind="check"), seen(run, secret)
    busy = bool(comparing) or (running is not None and not is_over(running))
    if check is None or check.state is not State.DONE or busy:
        drop(before, secret)
        return nothing()
    asked, owner = supervisor.request(check)["source"], owner_of(secret)
    recipe = form.recipe(choices, owner, folders=local).with_(**reading(check))
    known = next((job for job in Store().listed(owner, kind="plan", most=KNOWN) if _same(job, asked, recipe)), None)
    if known is not None:
        return _shown(known)
    drop(before, secret)
    if any(not is_over(job) for job in Store().listed(owner, kind="train", most=KNOWN)):
        return nothing()  # one was begun at this moment
    id = supervisor.submit(asked, recipe, owner, kind="plan", name=check.name)
    return _shown(supervisor.find(id, owner))


@told(nothing)
def look(id: str, secret: str | None, mark: str) -> tuple[Any, ...]:
    """What is measured by now; nothing is sent while nothing changed."""
    supervisor.tick()
    job = seen(id, secret, kind="plan")
    if job is None:
        return nothing()
    if job.state is State.CANCELLED:
        job = _instead(job, secret)
    return (gr.skip(),) * 5 if mark_of(job) == mark else _shown(job)


def _instead(job: Job, secret: str | None) -> Job:
    """The plan that was asked for instead of one that was dropped: this look may be answered after that was begun."""
    latest = next(iter(Store().listed(owner_of(secret), kind="plan", most=1)), job)
    return latest if latest.state is not State.CANCELLED and latest.name == job.name else job


def drop(id: str, secret: str | None) -> None:
    """A plan that nobody waits for any more."""
    job = seen(id, secret, kind="plan")
    if job is not None and not is_over(job):
        supervisor.cancel(id)


def _same(job: Job, source: str, recipe: Recipe) -> bool:
    """Whether that is what the job measured, or measures now."""
    if job.state in (State.CANCELLED, State.FAILED, State.INTERRUPTED):
        return False
    try:
        asked = supervisor.request(job)
    except HFTransferError:
        return False
    return bool(asked["source"] == source and asked["recipe"] == recipe.to_json())


def _shown(job: Job) -> tuple[Any, ...]:
    over = is_over(job)
    return _card(job), job.id, gr.Timer(active=not over), mark_of(job), _strip(job)


def _card(job: Job) -> str:
    if job.state is State.DONE and job.result is not None:
        return card_of(_facts(job.result), live=True)
    if is_over(job):
        return "" if job.state is State.CANCELLED else uploads.nameless(ended(job))
    return card_of(moving(say("plan.title"), say("plan.measuring")), live=True)


def _strip(job: Job) -> str:
    """A training image as the run would change it; nothing where images are not trained on."""
    plan = job.result or {}
    if not plan.get("augmentation"):
        return ""
    shown = "".join(f'<img src="{plain(of_check(job, name))}" alt="">' for name in plan.get("pictures") or ())
    words = say("augmented.strip", preset=plan["augmentation"]) if shown else say("augmented.none")
    return f'<p class="hft-hint">{plain(words)}</p><div class="hft-variants">{shown}</div>'


def _facts(plan: Mapping[str, Any]) -> str:
    memory = "plan.memory" if plan["device"] == "cpu" else "plan.memory.accelerator"
    steps, time = plan["steps"], "plan.time.most" if plan.get("at_most") else "plan.time"
    facts = [
        (count(plan["rows"]["train"]), say("plan.rows")),
        (count(steps), say("plan.steps")) if steps else ("1", say("plan.head")),
        (duration(plan["seconds"]), say(time)),
        (_gigabytes(plan["memory_mb"]), say(memory)) if plan["memory_mb"] else ("", ""),
    ]
    cells = "".join(f"<li><b>{plain(value)}</b><span>{plain(words)}</span></li>" for value, words in facts if words)
    by = say("plan.by", strategy=plan["strategy"], backbone=plan["backbone"])
    title = f'<div class="hft-title"><strong>{plain(say("plan.title"))}</strong><span>{plain(by)}</span></div>'
    return f'{title}<ul class="hft-facts">{cells}</ul>'


def _gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB"
