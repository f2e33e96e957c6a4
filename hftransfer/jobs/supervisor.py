"""Starts, finds and stops jobs. There is no daemon: whoever submits, looks or ends moves the queue on."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..errors import HFTransferError, JobError, OutputError
from ..home import home
from ..recipe import Recipe
from . import deletion, folders
from .asking import is_visitors, lasting, lasting_recipe, require_text, whole_or_gone
from .beside import LOG, keep_token
from .beside import TOKEN as TOKEN
from .beside import example as example
from .beside import keep_answers as keep_answers
from .beside import kept_answers as kept_answers
from .beside import logs as logs
from .beside import take_token as take_token
from .children import SHARED, command, environment, shared
from .cleaning import clean
from .ending import kept as kept
from .ending import note_kept, press
from .folders import OWN_TOKEN, VISITORS, folder, write_request
from .folders import REQUEST as REQUEST
from .inference import Inference
from .limits import limits
from .room import require_room as require_room
from .states import ENDED, Job, State
from .store import Store, new_id
from .work import MODEL

ROOMY = ("train", "recommend")  # the kinds of work that leave much on the disk

_inference = Inference()


def submit(
    source: str,
    recipe: Recipe,
    owner: str,
    *,
    kind: str = "train",
    name: str = "",
    output: Path | None = None,
    overwrite: bool = False,
    asked: Mapping[str, Any] | None = None,
    token: str = "",
) -> str:
    """Queue a job, and start it if there is a place free.

    Args:
        source: a path, a Hub id or `sample:NAME`, as `fine_tune` takes it.
        owner: whose job it is (see `owner_of`).
        output: where the model goes; by default into the job's own folder.
        overwrite: replace a model of ours that lies there.
        asked: what else work of this kind wants to know.
        token: for the Hub. It lies in the job's folder until the worker takes it, and nowhere else.

    Returns:
        The job's id.

    Raises:
        JobError: the owner has as many jobs as are allowed, or a setting is no number.
        OutputError: there is no room on the disk, or the owner's is used up.
    """
    store, id = Store(), new_id()
    _require_place(store, owner, kind)
    if kind in ROOMY:
        require_room(owner, place=output)
    whole = {"source": lasting(source), "recipe": lasting_recipe(recipe), "overwrite": overwrite, **(asked or {})}
    target = str((output or home("jobs") / id / MODEL).absolute())
    require_text(target)
    with whole_or_gone(id):
        write_request(id, {**whole, OWN_TOKEN: bool(token), VISITORS: shared()})
        if token:
            keep_token(id, token)
        store.add(kind, name or Path(source).name, owner, output=target, id=id)
    tick()
    return id


def tick() -> None:
    """Move the queue on: end those that do not heed or are not heard of, start what can start, clean up now and then.

    Raises:
        JobError: a setting is no number.
    """
    store, kinds = Store(), limits().kinds()
    with suppress(OutputError):  # a disk that is full: who only looks shall see what there is
        clean(store)
        if store.stirring():
            _stir(store, kinds)


def _stir(store: Store, kinds: dict[str, int]) -> None:
    for job in store.running():
        press(store, job)
    for job in store.unkept():
        note_kept(store, job)
    while begun := store.start_next(kinds, _spawn):
        if begun.state is State.FAILED:  # it could not be started: nobody else takes it
            take_token(begun.id)


def find(id: str, owner: str, key: str = "") -> Job:
    """The job, for those who may see it: its owner, and who was given its address with the key.

    Raises:
        JobError: there is none, or it is somebody else's; which of them is not said.
    """
    job = _stored(id)
    mine = job is not None and hmac.compare_digest(job.owner.encode(), owner.encode())
    shown = job is not None and hmac.compare_digest(job.key.encode(), key.encode())
    if job is None or not (mine or shown):
        raise JobError(
            "there is no such run here", fix="open it in the browser that started it, or by its whole address"
        )
    return job


def cancel(id: str) -> Job:
    """Stop a job, and keep the best model that it has. One that runs ends within seconds, any other at once.

    Raises:
        JobError: there is no such job.
    """
    store = Store()
    store.ask_cancel(id)
    take_token(id)
    tick()
    return store.get(id)


def finish(id: str) -> Job:
    """Ask a running job to end training, measure the best model so far, and be done.

    Raises:
        JobError: there is no such job.
    """
    return Store().ask_finish(id)


def resume(id: str) -> Job:
    """Go on with a job that was cut short, from its last checkpoint into the same output.

    Raises:
        JobError: there is no such job, it is done, or it still goes on.
    """
    store = Store()
    _require_resumable(store.get(id))
    store.requeue(id)
    tick()
    return store.get(id)


def _require_resumable(job: Job) -> None:
    """What is not training has nothing to go on from; a push has lost its token, which is kept nowhere."""
    if job.kind != "train":
        fix = "submit the work as a new job"
        raise JobError("only a training can be gone on with", place=f"job {job.id}", fix=fix)


def delete(id: str) -> None:
    """Remove a job that has ended: its row and figures, its folder with all models and checkpoints, its log, and
    the uploads that nothing else names. An output outside the job's folder stays.

    Raises:
        JobError: there is no such job, or it has not ended.
    """
    deletion.delete(Store(), id)


def show(id: str) -> dict[str, Any]:
    """The job as `hftransfer jobs show` prints it."""
    tick()
    store = Store()
    return {**store.get(id).to_json(), "metrics": store.metrics(id)}


def listed() -> list[dict[str, Any]]:
    """All jobs of this machine, newest first, as `hftransfer jobs list` prints them."""
    tick()
    return [job.to_json() for job in Store().listed()]


def request(job: Job) -> dict[str, Any]:
    """What the job was asked to do: its `source`, its `recipe`, and whether to `overwrite`.

    Raises:
        JobError: its folder is gone.
    """
    return folders.request(job.id)


def serve_visitors() -> None:
    """From here on this process works for others: what it starts does not have this machine's own login at the Hub."""
    os.environ[SHARED] = "1"


def owner_of_user(name: str) -> str:
    """The name under which a signed-in user is known; no browser's secret stands for such a one."""
    return f"user-{owner_of(name)}"


def predict(job: Job, inputs: list[Any]) -> list[dict[str, Any]]:
    """Ask the job's model, in the process that is kept warm. An empty list only loads it.

    Raises:
        JobError: the job has no model, or the process gave no answer.
        HFTransferError: an input cannot be read.
    """
    if job.model is None:
        raise JobError("this run has no model to ask", place=f"job {job.id}", fix="wait until it is done")
    return _inference.ask(job.model, inputs)


def texts_of(path: str, most: int, *, pair: bool = False) -> list[Any]:
    """The texts of a file without labels, or its pairs of texts, read by the process that is kept warm.

    Raises:
        HFTransferError: the file cannot be read, or holds none.
    """
    return _inference.texts(path, most, pair=pair)


def owner_of(secret: str) -> str:
    """The name under which a browser's secret is known: nothing that is stored opens anything."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def _require_place(store: Store, owner: str, kind: str) -> None:
    """One visitor's jobs shall not fill the queue."""
    most = limits().per_owner
    waiting = [job for job in store.listed(owner) if job.kind == kind and job.state not in ENDED]
    if len(waiting) >= most:
        raise JobError(
            f"there are {len(waiting)} of your jobs already that wait or run, and {most} are allowed",
            fix="wait until one has ended, or stop one",
        )


def _spawn(job: Job) -> tuple[int, float]:
    room = folder(job.id)
    with (room / LOG).open("ab") as log:
        worker = subprocess.Popen(
            command("hftransfer.jobs.worker", job.id),
            cwd=room,
            env=environment(visitors=is_visitors(job)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    began = psutil.Process(worker.pid).create_time()
    threading.Thread(target=_reap, args=(worker, room), daemon=True).start()
    return worker.pid, began


def _reap(worker: subprocess.Popen[bytes], room: Path) -> None:
    worker.wait()
    if room.exists():
        with suppress(HFTransferError):  # a setting that is wrong is told to who submits or looks
            tick()


def _stored(id: str) -> Job | None:
    try:
        return Store().get(id)
    except JobError:
        return None
