"""Which backbone fits: several tried on the data that was checked, side by side, and the one to take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from ...errors import HFTransferError, SourceError
from ...jobs import supervisor
from ...jobs.states import Job, State
from ...jobs.store import Store
from ...measures import written
from .. import pieces, uploads
from ..data.step import reading
from ..labels import label
from ..languages.messages import translated
from ..page import Page, in_sight, mark_of, owner_of, seen, told
from ..pieces import plain
from ..words import say
from . import form

KIND = "recommend"
KNOWN = 5  # jobs of the visitor's that are looked at
EVERY = 2.0  # seconds between looks
OUTPUTS = 7
USED = ("backbone", "image_size", "max_length", "batch_size")  # of the form's fields
OF_NO_USE = (State.CANCELLED, State.FAILED, State.INTERRUPTED)
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
COLUMNS = ("backbone", "score", "size", "latency", "seconds")


class Comparison:
    """A button, the table that it fills, and a button that takes what is recommended into the form."""

    def __init__(self, *, local: bool) -> None:
        self._begin = partial(begin, local)
        self.button = gr.Button(label("recommend.start"), size="md", elem_id="compare", render=False)
        self.card = gr.HTML("", elem_id="compared", render=False)
        self.take = gr.Button(visible=False, size="md", elem_id="take", render=False)
        self.job = gr.Textbox(visible=False)
        self.going = gr.Textbox(visible=False)  # the job while it goes on: another as it begins, and as it ends
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)

    def lay(self) -> None:
        """Put what is seen of it where the page is being built."""
        with gr.Row(elem_id="comparing", elem_classes="hft-actions"):
            gr.Markdown(label("recommend.hint"), elem_classes="hft-hint")
            self.button.render()
        self.card.render()
        with gr.Row(elem_classes="hft-actions"):
            self.take.render()

    @property
    def outputs(self) -> list[Any]:
        return [self.card, self.button, self.take, self.job, self.going, self.timer, self.mark]

    def wire(self, page: Page, changed: gr.Textbox, choices: list[Component]) -> gr.events.Dependency:
        """Connect the events. Returns that after which the form holds another backbone.

        Args:
            changed: changes when there is other data.
        """
        asked, looked = [page.data, page.owner, self.job], [self.job, page.owner, self.mark]
        self.button.click(self._begin, [*asked, *choices], self.outputs, api_name="compare", **PRIVATE)
        changed.change(again, asked, self.outputs, api_name="compared_before", **PRIVATE)
        sight = in_sight("compare")
        self.timer.tick(
            look, looked, self.outputs, api_name="look_compared", concurrency_limit=None, js=sight, **PRIVATE
        )
        backbone = choices[form.place_of("backbone")]
        return self.take.click(taken, [self.job, page.owner], backbone, api_name="take_backbone", **PRIVATE)


def nothing(card: str = "") -> tuple[Any, ...]:
    return card, gr.Button(say("recommend.start")), gr.Button(visible=False), "", "", gr.Timer(active=False), ""


@told(nothing)
def begin(local: bool, data: str, secret: str | None, before: str, *choices: Any) -> tuple[Any, ...]:
    """Have backbones compared as these choices read the data; or stop that, where it goes on."""
    if drop(before, secret):
        return nothing()
    owner, check = owner_of(secret), seen(data, secret, kind="check")
    if check is None or check.state is not State.DONE:
        raise SourceError(say("error.nodata"), fix=say("error.nodata.fix"))
    recipe = form.recipe(choices, folders=local, only=USED).with_(**reading(check))
    id = supervisor.submit(supervisor.request(check)["source"], recipe, owner, kind=KIND, name=check.name)
    return _shown(supervisor.find(id, owner))


@told(nothing)
def again(data: str, secret: str | None, before: str) -> tuple[Any, ...]:
    """What is known of the data by an earlier comparison, or one that goes on; one of other data ends."""
    check = seen(data, secret, kind="check")
    ready = check is not None and check.state is State.DONE
    mine = Store().listed(owner_of(secret), kind=KIND, most=KNOWN) if ready else []
    known = next((job for job in mine if check and _is_of(job, check)), None)
    if known is None or known.id != before:
        drop(before, secret)
    return nothing() if known is None else _shown(known)


@told(nothing)
def look(id: str, secret: str | None, mark: str) -> tuple[Any, ...]:
    """How far it is; nothing is sent while nothing changed."""
    supervisor.tick()
    job = seen(id, secret, kind=KIND)
    if job is None or job.state is State.CANCELLED:
        return nothing()
    return (gr.skip(),) * OUTPUTS if _mark(job) == mark else _shown(job)


def taken(id: str, secret: str | None) -> Any:
    """The backbone that is recommended."""
    job = seen(id, secret, kind=KIND)
    return gr.skip() if job is None or job.result is None else job.result["choice"]


def drop(id: str, secret: str | None) -> bool:
    """Stop a comparison. Returns whether it went on."""
    job = seen(id, secret, kind=KIND)
    if job is None or pieces.is_over(job):
        return False
    supervisor.cancel(id)
    return True


def _is_of(job: Job, check: Job) -> bool:
    """Whether it compares, or has compared, on that data."""
    try:
        same = supervisor.request(job)["source"] == supervisor.request(check)["source"]
        return job.state not in OF_NO_USE and bool(same) and reading(job) == reading(check)
    except HFTransferError:  # the files of one are gone
        return False


def _place(job: Job) -> int:
    return Store().place(job) if job.state is State.QUEUED else 0


def _mark(job: Job) -> str:
    return mark_of(job, _place(job))


def _shown(job: Job) -> tuple[Any, ...]:
    over, found = pieces.is_over(job), job.result if job.state is State.DONE else None
    words = say("recommend.start" if over else "recommend.stop")
    take = gr.Button(say("recommend.take", backbone=found["choice"] if found else ""), visible=found is not None)
    going = "" if over else job.id
    return _card(job), gr.Button(words), take, job.id, going, gr.Timer(active=not over), _mark(job)


def _card(job: Job) -> str:
    if job.state is State.DONE and job.result is not None:
        return uploads.nameless(table(job.result))
    if pieces.is_over(job):
        return uploads.nameless(pieces.ended(job))
    return pieces.progress(job, place=_place(job))


def table(found: Mapping[str, Any]) -> str:
    """The candidates, the best first, the one to take marked; and why that one."""
    metric = pieces.metric(found["metric"])
    titles = (pieces.sentence(say(f"recommend.{name}", metric=metric)) for name in COLUMNS)
    heads = "".join(f'<th scope="col">{plain(title)}</th>' for title in titles)
    rows = "".join(_row(one, found) for one in found["candidates"])
    body = (
        f'<div class="hft-scroll hft-whole"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
    title = f"<strong>{plain(say('recommend.title', rows=pieces.count(found['rows'])))}</strong>"
    why = say("recommend.why", backbone=found["choice"], why=found["why"])
    note = pieces.sentence(translated(found.get("note", "")))
    rest = f"<p>{plain(why)}</p>" + (f'<p class="hft-hint">{plain(note)}</p>' if note else "")
    return pieces.card_of(f'<div class="hft-title">{title}</div>{body}{rest}', live=True)


def _row(one: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    name, metric = plain(one["backbone"]), found["metric"]
    if one["score"] is None:
        why = say("recommend.untried", why=(one.get("error") or {}).get("cause", ""))
        return f'<tr><td>{name}</td><td colspan="4">{plain(why)}</td></tr>'
    score, low, high = (written(metric, one[side]) for side in ("score", "low", "high"))
    here = one["backbone"] == found["choice"]
    mark = " " + pieces.chip("ok", say("recommend.chosen")) if here else ""
    cells = (f"{one['size_mb']:.0f} MB", f"{one['latency_ms']:.0f} ms", pieces.duration(one["seconds"]))
    rest = "".join(f"<td>{plain(cell)}</td>" for cell in cells)
    figure = f"<td>{plain(score)} <span>({plain(low)} – {plain(high)})</span></td>"
    return f"<tr{' class=hft-taken' if here else ''}><td>{name}{mark}</td>{figure}{rest}</tr>"
