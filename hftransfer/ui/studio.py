"""The studio: four steps on one page. Creating it is not launching it."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from ..errors import HFTransferError, JobError
from ..jobs import supervisor
from ..jobs.states import Job, State
from ..jobs.store import Store
from . import boundaries, pieces, theme, visitors
from .data import pictures, sources
from .data import step as data_step
from .front import InTheirLanguage, OnlyHere
from .labels import I18N, label
from .languages import ENGLISH, spoken
from .page import DATA, PUBLISH, TRAIN, TRY, WITH_OWNER, Page, hidden, seen
from .publish import download
from .publish import step as publish_step
from .train import step as train_step
from .trial import step as try_step
from .words import say

MAX_UPLOAD = "2gb"
_HOUR = 3600
LISTED = 30  # runs
REST = 2 + data_step.OUTPUTS + 1 + train_step.OUTPUTS  # of what a page is told when it opens: all that its steps show
SESSIONS = 500  # page loads whose last inputs Gradio keeps, at some 200 KB each


def create_app(*, local: bool = False) -> gr.Blocks:
    """The page with all its events.

    Args:
        local: whether only this machine reaches the page: backbones may then be folders of it.
    """
    boundaries.cache()
    app = gr.Blocks(title=say("title"), analytics_enabled=False, delete_cache=(_HOUR, 6 * _HOUR))
    with app:
        with gr.Sidebar(open=False, width=280, label=say("runs.title")):
            runs = gr.HTML(pieces.runs(()), elem_id="runs")
            if visitors.can_sign_in():
                gr.LoginButton(size="md")  # its script goes by its English text
        head = gr.HTML(pieces.header(local=local))
        owner = gr.BrowserState(None, storage_key="hftransfer.owner", secret="hftransfer")
        with gr.Walkthrough(selected=DATA, elem_id="steps") as steps:
            with gr.Step(label("step.data"), id=DATA):
                data = data_step.DataStep(owner, local=local)
            with gr.Step(label("step.train"), id=TRAIN):
                train = train_step.TrainStep(local=local)
            with gr.Step(label("step.try"), id=TRY):
                trial = try_step.TryStep()
            with gr.Step(label("step.publish"), id=PUBLISH):
                publish = publish_step.PublishStep(local=local)
        page = Page(owner, hidden(), hidden(), hidden(), hidden(), steps)
        _wire(app, page, runs, data, train, trial, publish)
        said = [head, data.sources.hint, data.sources.heading]
        app.load(partial(greet, local), None, said, show_progress="hidden", api_visibility="private")
    return app


def launch(host: str | None = None, port: int | None = None, *, block: bool = True) -> tuple[Any, str]:
    """Serve the studio. Without arguments GRADIO_SERVER_NAME and GRADIO_SERVER_PORT are honoured.

    Returns:
        The web application and its local address (at once only with `block=False`).

    Raises:
        HFTransferError: one cannot listen there, or a setting is wrong.
    """
    host = host or boundaries.host()
    boundaries.probe(host, port)
    if not boundaries.is_local(host):
        supervisor.serve_visitors()
    supervisor.tick()  # what waited when the studio last ended goes on
    studio = create_app(local=boundaries.is_local(host))
    studio.queue(max_size=64, default_concurrency_limit=4, api_open=False)
    try:
        application, address = _serve(studio, host, port)
    except OSError as error:
        place = f"{host}, port {port or 'by itself'}"
        raise HFTransferError(say("error.listen", why=error), place=place, fix=say("error.listen.fix")) from error
    print(say("serving", address=address), file=sys.stderr, flush=True)
    if block:
        studio.block_thread()
    return application, address


def _serve(studio: gr.Blocks, host: str, port: int | None) -> tuple[Any, str]:
    here = [Middleware(OnlyHere)] if boundaries.is_local(host) else []
    layers = [*here, Middleware(InTheirLanguage)]
    application, address, _ = studio.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme.THEME,
        css_paths=theme.STYLES,
        head=theme.HEAD,
        app_kwargs={"routes": [*download.ROUTES, *pictures.ROUTES], "middleware": layers},
        i18n=I18N,
        max_file_size=MAX_UPLOAD,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        state_session_capacity=SESSIONS,
        show_error=False,
    )
    return application, address


def _wire(
    app: gr.Blocks,
    page: Page,
    runs: gr.HTML,
    data: data_step.DataStep,
    train: train_step.TrainStep,
    trial: try_step.TryStep,
    publish: publish_step.PublishStep,
) -> None:
    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    data.wire(page)
    trial.wire(page)
    publish.wire(page)
    train.wire(page, data.mark)
    ready = [train.summary, train.start]
    data.mark.change(check_changed, [page.data, page.owner, page.job, page.key], ready, **private)
    after = [runs, *trial.outputs, *publish.outputs]
    train.turn.change(run_changed, [page.job, page.owner, page.key], after, **private)
    found = [page.owner, page.data, page.job, page.key, page.steps, runs]
    found += [trial.answer, publish.card, *data.outputs, train.summary, *train.outputs]
    app.load(arrive, page.owner, found, js=WITH_OWNER, **private)


def greet(local: bool) -> tuple[str, ...]:
    """What the page was built with in English, in the visitor's language; nothing where that is theirs."""
    if spoken() == ENGLISH:
        return (gr.skip(),) * 3
    return pieces.header(local=local), sources.hint(), sources.heading()


def arrive(secret: str | None, request: gr.Request) -> tuple[Any, ...]:
    """A visitor comes: find what their address names, and have their browser keep their secret."""
    asked = request.query_params
    check = seen(asked.get("data", ""), secret, kind="check")
    run = seen(asked.get("job", ""), secret, asked.get("key", ""))
    mine = run is not None and seen(run.id, secret) is not None
    ids = (check.id if check else "", run.id if run else "", run.key if run else "")
    at = gr.Walkthrough(selected=TRAIN if run else DATA)
    card, *rest = data_step.render(check)
    if asked.get("job") and run is None and check is None:
        card = pieces.failure(JobError(say("error.norun"), fix=say("error.norun.fix")))
    ready = check is not None and check.state is State.DONE
    listed = runs_of(secret, run.id if run else "")
    if not (check or run or asked.get("job") or spoken() != ENGLISH):
        # The page is as it was built; who was quicker than this answer keeps what they did.
        return secret, *(gr.skip() for _ in range(4)), listed, *(gr.skip() for _ in range(REST))
    empty = (gr.skip(),) * 2 if run else (try_step.no_model(), publish_step.no_model())
    return (
        secret,
        *ids,
        at,
        listed,
        *empty,
        card,
        *rest,
        summary(check, run),
        *train_step.render(run, mine=mine, ready=ready),
    )


def check_changed(id: str, secret: str, job: str, key: str) -> tuple[Any, ...]:
    """What the training step says of its data, and whether it can begin."""
    check, run = seen(id, secret, kind="check"), seen(job, secret, key)
    ready = check is not None and check.state is State.DONE
    theirs = run is not None and seen(job, secret) is None
    shown: dict[str, Any] = (
        {"visible": True} if theirs and ready else {}
    )  # who only watches a run may begin one of their own
    return summary(check, run), gr.Button(interactive=ready, **shown)


def summary(check: Job | None, run: Job | None) -> str:
    """The line for the run that goes on; else for data that was checked; else what is missing."""
    running = run is not None and not pieces.is_over(run)
    if check is not None and check.state is State.DONE and not running:
        return pieces.summary(check.name, check.result)
    return pieces.summary("" if run is None else run.name, None)


def runs_of(secret: str | None, shown: str) -> str:
    """The visitor's own runs, newest first."""
    owners = visitors.owners(secret)
    mine = [job for owner in owners for job in Store().listed(owner, kind="train", most=LISTED)]
    return pieces.runs(mine, shown)


def run_changed(id: str, secret: str, key: str) -> tuple[Any, ...]:
    """The steps after training, once there is a model."""
    job = seen(id, secret, key)
    listed = runs_of(secret, id)
    if job is not None and not pieces.is_over(job):
        job = None
    owner = visitors.owner(secret) if seen(id, secret) else ""
    return listed, *try_step.render(job), *publish_step.render(job, owner)
