"""The first step: examples in, what was understood of them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ...errors import SourceError
from ...jobs import supervisor
from ...jobs.states import Job, State
from ...recipe import Recipe
from .. import pieces, uploads
from ..labels import label
from ..page import TRAIN, Page, in_sight, mark_of, owner_of, seen, told
from ..words import say
from . import redacting, repairing, understood
from .sources import Given, Sources

EVERY = 1.0  # seconds between looks at a check, which lasts a few
OUTPUTS = 10  # of the step
# Of a recipe: what data is read by.
COLUMNS = ("text_column", "text_pair_column", "image_column", "label_column", "redact", "task")


class DataStep:
    """The step's components, and what happens on them."""

    def __init__(self, owner: gr.BrowserState, *, local: bool) -> None:
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                self.sources = Sources(owner, local=local)
            with gr.Column(scale=1, min_width=300):
                self.card = gr.HTML(_empty(), elem_id="understood")
                self.redact = redacting.box()
                self.repair = repairing.button()
                with gr.Accordion(label("data.columns"), open=False, visible=False, elem_id="columns") as self.columns:
                    with gr.Row():
                        self.input = _dropdown(label("data.columns.input"), "column-input")
                        self.pair = _dropdown(label("data.columns.pair"), "column-pair")
                    self.labels = _dropdown(label("data.columns.label"), "column-label", several=True)
                    self.reread = gr.Button(label("data.columns.use"), size="md", elem_id="reread")
        with gr.Row(elem_classes="hft-actions"):
            self.onward = gr.Button(label("data.next"), variant="primary", interactive=False, elem_id="to-train")
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)

    @property
    def outputs(self) -> list[Any]:
        first = [self.card, self.onward, self.timer, self.mark, self.redact, self.repair]
        return [*first, self.columns, self.input, self.pair, self.labels]

    def wire(self, page: Page) -> None:
        """Connect the events."""
        taken = [page.data, self.sources.upload, *self.outputs]
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        self.sources.wire(page, taken, taking)
        again = [page.data, page.owner, self.input, self.pair, self.labels]
        self.reread.click(reread, again, taken, api_name="reread", **private)
        self.repair.click(mend, [page.data, page.owner], taken, api_name="repair", **private)
        ticked = [page.data, page.owner, self.redact]
        self.redact.input(redact, ticked, taken, api_name="redact", **private)
        looked, shown = [page.data, page.owner, self.mark], [page.data, *self.outputs]
        self.timer.tick(
            look, looked, shown, api_name="look_data", concurrency_limit=None, js=in_sight("data"), **private
        )
        page.remember_data()
        self.onward.click(lambda: gr.Walkthrough(selected=TRAIN), None, page.steps, **private)


def _dropdown(label: Any, id: str, *, several: bool = False) -> gr.Dropdown:
    """Its choices come with the data, so that what it holds is checked where it is used."""
    return gr.Dropdown(label=label, allow_custom_value=True, multiselect=several, elem_id=id)


def _empty() -> str:
    return pieces.empty("data", say("data.empty"), say("data.empty.hint"))


def _refused(card: str) -> tuple[Any, ...]:
    hidden = redacting.offered(None), repairing.offered(None), gr.Accordion(visible=False)
    return card, gr.Button(interactive=False), gr.Timer(active=False), "", *hidden, *_unchanged()


def _unchanged() -> tuple[Any, ...]:
    """Nothing for the choices of columns."""
    return gr.skip(), gr.skip(), gr.skip()


def _not_taken(card: str) -> tuple[Any, ...]:
    return "", None, *_refused(card)


def taking(find: Callable[..., Given | None]) -> Callable[[Any], tuple[Any, ...]]:
    """A handler that has what a visitor gave checked.

    Args:
        find: from the inputs and the owner to what was given; None where it was nothing.
    """

    @told(_not_taken)
    def handler(*asked: Any) -> tuple[Any, ...]:
        *inputs, secret = asked
        owner = owner_of(secret)
        given = find(*inputs, owner)
        if given is None:
            return (gr.skip(),) * (OUTPUTS + 2)
        return _checked(given, Recipe(), owner)

    return handler


def _as_before(card: str) -> tuple[Any, ...]:
    """The data stays, and so do its columns to choose from."""
    return gr.skip(), gr.skip(), card, *(gr.skip() for _ in range(OUTPUTS - 1))


@told(_as_before)
def reread(
    id: str, secret: str | None, input: str | None, pair: str | None, labels: list[str] | None
) -> tuple[Any, ...]:
    """The same data by other columns."""
    before = seen(id, secret, kind="check")
    texts = [name for name in (input, pair) if name]
    if before is None or not input or not labels or len({*texts, *labels}) < len(texts) + len(labels):
        raise SourceError(say("error.columns"), fix=say("error.columns.fix"))
    images = str((before.result or {}).get("task", "")).startswith("image")
    asked = {"image_column": input} if images else {"text_column": input, "text_pair_column": pair or None}
    recipe = Recipe(redact=bool(reading(before).get("redact"))).with_(label_column=tuple(labels), **asked)
    return _checked(Given(supervisor.request(before)["source"], before.name), recipe, owner_of(secret))


@told(_as_before)
def redact(id: str, secret: str | None, chosen: bool) -> tuple[Any, ...]:
    """The same data, by the same columns, without what names persons, or with it again."""
    before = seen(id, secret, kind="check")
    if before is None:
        raise SourceError(say("error.nodata"), fix=say("error.nodata.fix"))
    recipe = Recipe().with_(**{**reading(before), "redact": chosen is True})
    return _checked(Given(supervisor.request(before)["source"], before.name), recipe, owner_of(secret))


@told(_as_before)
def mend(id: str, secret: str | None) -> tuple[Any, ...]:
    """A clean copy of the data, which takes its place once it is made."""
    repairing.begin(id, secret)
    shown, *rest = _followed(seen(id, secret, kind="check"))
    return shown, None, *rest


@told(lambda card: (gr.skip(), *_refused(card)))
def look(id: str, secret: str, mark: str) -> tuple[Any, ...]:
    """What a check has found by now, or how far the copy of its data is; nothing is sent while nothing changed."""
    supervisor.tick()
    job = seen(id, secret, kind="check")
    if job is not None and _mark(job, repairing.copy_of(job)) == mark:
        return (gr.skip(),) * (OUTPUTS + 1)
    return _followed(job)


def _followed(job: Job | None) -> tuple[Any, ...]:
    """The data that is shown, and what is shown of it: those of the copy as soon as it can be used."""
    copy = repairing.copy_of(job)
    if copy is not None and copy.state is State.DONE:
        return copy.id, *render(copy)
    return gr.skip(), *render(job)


def render(job: Job | None) -> tuple[Any, ...]:
    """The card, the button, the timer, the mark and the columns for a check."""
    if job is None:
        return _refused(_empty())
    copy = repairing.copy_of(job)
    busy = not pieces.is_over(job) or (copy is not None and not pieces.is_over(copy))
    ready = gr.Button(interactive=job.state is State.DONE)
    first = _on_its_way(copy) + _card(job), ready, gr.Timer(active=busy), _mark(job, copy)
    return *first, redacting.offered(job), repairing.offered(job, copy), *_columns(job)


def _on_its_way(copy: Job | None) -> str:
    """How far the copy is, or why there is none; of one that is there nothing needs to be said."""
    return "" if copy is None or copy.state is State.DONE else _card(copy)


def _mark(job: Job, copy: Job | None) -> str:
    return mark_of(job) + ("" if copy is None else f" {mark_of(copy)}")


def reading(job: Job) -> dict[str, Any]:
    """The choices that a check read its data by: training reads it by the same."""
    asked = supervisor.request(job)["recipe"]
    return {name: asked[name] for name in COLUMNS if asked.get(name)}


def _card(job: Job) -> str:
    if job.state is State.DONE and job.result is not None:
        return uploads.nameless(understood.card(job))
    if pieces.is_over(job):
        return uploads.nameless(pieces.ended(job))
    return pieces.progress(job)


def _columns(job: Job) -> tuple[Any, ...]:
    """The choice of columns, where the data is a table."""
    found = (job.result or {}).get("columns") or {"names": (job.error or {}).get("columns")}
    names = found["names"]
    if not names:
        return gr.Accordion(visible=False), *_unchanged()
    images = str((job.result or {}).get("task", "")).startswith("image")
    return (
        gr.Accordion(visible=True, open=job.state is State.FAILED),
        gr.Dropdown(choices=names, value=found.get("input")),
        gr.Dropdown(choices=[("—", ""), *names], value=found.get("pair") or "", visible=not images),
        gr.Dropdown(choices=names, value=found.get("labels")),
    )


def _checked(given: Given, recipe: Recipe, owner: str) -> tuple[Any, ...]:
    id = supervisor.submit(given.source, recipe, owner, kind="check", name=given.name)
    return id, None, *render(supervisor.find(id, owner))
