"""The fourth step: the model as a zip that runs, how to use it, and a push to the Hub."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import gradio as gr

from ...errors import HFTransferError
from ...jobs import supervisor
from ...jobs.states import Job, State
from ...jobs.store import Store
from ...recipe import Recipe
from ...tasks import get_task
from ...usage import DENSE, example
from .. import names, pieces, uploads, visitors
from ..labels import label
from ..page import Page, in_sight, mark_of, owner_of, seen, told, visible
from ..words import say
from .download import link_to

EVERY = 1.0  # seconds between looks at a push
PUSHING = 4  # outputs of a push


class PublishStep:
    """The step's components, and what happens on them."""

    def __init__(self, *, local: bool) -> None:
        self._local = local
        self.card = gr.HTML(no_model(), elem_id="download")
        with gr.Column(visible=False) as self.more:
            self.use = gr.Code(
                language="python", label=label("publish.use"), interactive=False, wrap_lines=True, lines=1
            )
            with gr.Accordion(label("publish.hub"), open=False, elem_id="push") as self.fold:
                with gr.Row():
                    hint = label("publish.repo.hint")
                    self.repo = gr.Textbox(
                        label=label("publish.repo"), placeholder=hint, max_lines=1, scale=2, elem_id="repo"
                    )
                    self.token = gr.Textbox(
                        label=label("publish.token"),
                        placeholder=label("publish.token.local" if local else "publish.token.hint"),
                        type="password",
                        max_lines=1,
                        scale=2,
                        elem_id="token",
                    )
                self.private = gr.Checkbox(True, label=label("publish.private"), elem_id="private")
                self.start = gr.Button(label("publish.start"), variant="primary", elem_id="start-push")
                self.pushed = gr.HTML("", elem_id="pushed")
                self.push = gr.Code(
                    language="shell", label=label("publish.push"), interactive=False, wrap_lines=True, lines=1
                )
        self.job = gr.Textbox(visible=False)
        self.timer = gr.Timer(EVERY, active=False)
        self.mark = gr.Textbox(visible=False)

    @property
    def outputs(self) -> list[Any]:
        return [self.card, self.more, self.use, self.fold, self.push, *self.shown]

    @property
    def shown(self) -> list[Any]:
        """What tells of a push."""
        return [self.pushed, self.job, self.timer, self.mark]

    def wire(self, page: Page) -> None:
        """Connect the events."""
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asked = [page.job, page.owner, self.repo, self.private, self.token]
        self.start.click(partial(push, self._local), asked, [*self.shown, self.token], api_name="push", **private)
        looked = [self.job, page.owner, self.mark]
        sight = in_sight("push")
        self.timer.tick(look, looked, self.shown, api_name="look_push", concurrency_limit=None, js=sight, **private)


def no_model() -> str:
    return pieces.empty("publish", say("publish.empty"), say("publish.empty.hint"))


def render(job: Job | None, owner: str) -> tuple[Any, ...]:
    """The download and the ways on for a run that has a model; only its owner pushes it from here.

    Args:
        owner: empty where it is somebody else's.
    """
    if job is None or job.model is None:
        return no_model(), gr.Column(visible=False), "", gr.Accordion(visible=False), "", *_refused("")
    told = job.result or {}
    pair, aggregation = bool(told.get("text_pair")), str(told.get("aggregation") or "")
    task, head = get_task(str(told["task"])) if "task" in told else None, str(told.get("head") or "")
    use = example(task, "model", pair=pair, aggregation=aggregation, head=head) if task else ""
    command = "hftransfer push model YOUR-NAME/MODEL-NAME"
    last = _last_push(job, owner) if owner else None
    fold = gr.Accordion(visible=bool(owner), open=last is not None)
    return (
        pieces.download(link_to(job), says="publish.dense" if head == DENSE else "publish.plain"),
        gr.Column(visible=True),
        use,
        fold,
        command,
        *(_shown(last) if last else _refused("")),
    )


def _last_push(job: Job, owner: str) -> Job | None:
    """The newest push of this run's model."""
    for push in Store().listed(owner, kind="push", most=10):
        with suppress(HFTransferError):
            if supervisor.request(push)["source"] == job.model:
                return push
    return None


def _refused(card: str) -> tuple[Any, ...]:
    return card, "", gr.Timer(active=False), ""


@told(lambda card: (*_refused(card), gr.skip()))
def push(local: bool, id: str, secret: str | None, repo: str, private: bool, token: str) -> tuple[Any, ...]:
    """Have the visitor's own model pushed, by a token that is kept nowhere.

    Args:
        local: whether the page is for this machine alone, so that the machine's own login is the visitor's.
    """
    owner, job = owner_of(secret), visible(id, secret)
    name, token = (repo or "").strip(), (token or "").strip() or visitors.token()
    if not names.MODEL.fullmatch(name):
        raise HFTransferError(say("error.repo", value=name), fix=say("error.repo.fix"))
    if not token and not local:
        raise HFTransferError(say("error.token"), fix=say("error.token.fix"))
    if job.model is None:
        raise HFTransferError(say("publish.empty"), fix=say("publish.empty.hint"))
    asked = {"repo": name, "private": bool(private)}
    started = supervisor.submit(job.model, Recipe(), owner, kind="push", name=name, asked=asked, token=token)
    return *_shown(supervisor.find(started, owner)), ""


@told(_refused)
def look(id: str, secret: str | None, mark: str) -> tuple[Any, ...]:
    """How far the push is; nothing is sent while nothing changed."""
    supervisor.tick()
    job = seen(id, secret, kind="push")
    if job is None:
        return _refused("")
    return (gr.skip(),) * PUSHING if mark_of(job) == mark else _shown(job)


def _shown(job: Job) -> tuple[Any, ...]:
    over = pieces.is_over(job)
    return _card(job), job.id, gr.Timer(active=not over), mark_of(job)


def _card(job: Job) -> str:
    if job.state is State.DONE and job.result is not None:
        return pieces.published(job.result)
    return uploads.nameless(pieces.ended(job)) if pieces.is_over(job) else pieces.progress(job)
