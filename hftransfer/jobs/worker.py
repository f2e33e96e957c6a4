"""One job's own process: `python -m hftransfer.jobs.worker JOB`.

It reads what to do from the job's folder, tells the store how far it is, and goes on
whatever becomes of the page or of the server that started it.
"""

from __future__ import annotations

import errno
import importlib
import math
import os
import re
import shutil
import signal
import sqlite3
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from ..checkpoints import seconds_spent, shed
from ..errors import HFTransferError, JobError, OutputError
from ..recipe import Recipe
from ..values import Event
from . import supervisor
from .beside import given_to_work
from .limits import limits
from .schema import is_busy
from .states import Job, State
from .store import Store
from .work import ROOM, Work, drop

# The kinds of work by name: their heavy imports happen while the heart already beats.
WORK = {kind: f"hftransfer.jobs.{kind}" for kind in ("train", "check", "plan", "recommend", "push")}
STATES = {"train": State.TRAINING, "evaluate": State.EVALUATING, "save": State.EVALUATING}
BEAT = 2.0  # seconds between heartbeats
PATIENCE = 5.0  # seconds that a cancelled job may take to notice by itself
TRIES = 30  # of writing the last word on a full disk, a second each
# A file that holds room for the last word on a disk that runs full; it goes when the work ends.
RESERVE, RESERVED = ".reserve", 256 * 1024
_NO_ROOM = re.compile(r"No space left|os error 28|[Qq]uota exceeded|inline_container\.cc|File too large")
_PAUSE = 0.25  # seconds between two notes of mere progress


class Stopped(BaseException):
    """Raised inside the work to end it; no `except Exception` on the way may hold it up."""


class Pulse:
    """Beats while the work goes on, and interrupts work that overlooks its cancel flag."""

    def __init__(self, store: Store, job: str, spent: float = 0.0) -> None:
        self._store, self._job = store, job
        self._over = threading.Event()
        self._finish = threading.Event()
        self._end = time.monotonic() + (limits().seconds or math.inf) - spent  # by earlier attempts
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def finish(self) -> bool:
        """Whether the work is to end with the best that it has: by wish, or because its time is over."""
        return self._finish.is_set() or time.monotonic() > self._end

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with suppress(sqlite3.Error, OutputError):  # a busy or full disk may pass: the next beat will tell
                self._heed(self._store.beat(self._job))

    def _heed(self, job: Job) -> None:
        if job.finish_asked is not None:
            self._finish.set()
        if job.cancel_asked is not None and time.time() - job.cancel_asked > PATIENCE:
            os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Progress:
    """The listener that turns events into rows of the store."""

    store: Store
    job: str
    _stage: str = ""
    _written: float = field(default=0.0)

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        news = event.metrics or event.stage != self._stage or event.step == event.total
        if not news and now - self._written < _PAUSE:
            return
        self._stage, self._written = event.stage, now
        try:
            stop = self.store.progress(self.job, event, STATES.get(event.stage))
        except OutputError as error:
            if not is_busy(error):
                raise
            stop = False  # that passes: the next event will tell
        if stop:
            raise Stopped


def main(id: str) -> int:
    """Do the job. The exit status says whether there was one to do."""
    store = Store()
    try:
        job = store.enter(id, os.getpid())
    except JobError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    room = supervisor.folder(id)
    spent = seconds_spent(room / ROOM).get("total", 0.0)
    token = supervisor.take_token(id)
    with given_to_work(token), Pulse(store, id, spent) as pulse:
        state, values = _outcome(store, job, pulse, own_token=bool(token))
    (room / RESERVE).unlink(missing_ok=True)
    _last_word(store, id, state, values)
    if state is State.DONE:
        with suppress(OSError):  # cleaning goes on with it
            drop(room)
    supervisor.tick()
    return 0


def _last_word(store: Store, id: str, state: State, values: dict[str, Any]) -> None:
    """Written even if the disk is full or the store busy for a while; without it the job counts as interrupted."""
    try:
        _written(store, id, state, values)
    except HFTransferError:
        raise
    except Exception as error:  # what the work gave cannot be stored: that is told instead
        traceback.print_exc()
        _written(store, id, State.FAILED, {"error": _fault(id, error)})


def _written(store: Store, id: str, state: State, values: dict[str, Any]) -> None:
    for _ in range(TRIES):
        with suppress(OutputError):
            return store.move(id, state, **values)
        time.sleep(1)
    store.move(id, state, **values)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would break into the tidying up
    raise Stopped


def _let_be() -> None:
    """The work is over: the wish to stop it comes too late to take its word from it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _outcome(store: Store, job: Job, pulse: Pulse, *, own_token: bool) -> tuple[State, dict[str, Any]]:
    try:
        (supervisor.folder(job.id) / RESERVE).write_bytes(os.urandom(RESERVED))
        work = _given(store, job, pulse, own_token)
        result = importlib.import_module(WORK[job.kind]).run(work)
        _let_be()
        return State.DONE, {"result": result}
    except (Stopped, KeyboardInterrupt):
        return _cut_short(store, job)
    except HFTransferError as error:
        _let_be()
        return State.FAILED, {"error": error.to_json()}
    except Exception as error:
        if store.get(job.id).cancel_asked is not None:  # a stop amid an import comes out as what the import makes of it
            return _cut_short(store, job)
        _let_be()
        with suppress(OSError):  # the log's disk may be the full one
            traceback.print_exc()
        told = _no_space(job, error) if is_full(error, job) else _fault(job.id, error)
        shed(supervisor.folder(job.id) / ROOM)  # makes some room, for the last word too
        return State.FAILED, {"error": told}


def _cut_short(store: Store, job: Job) -> tuple[State, dict[str, Any]]:
    """Stopped by wish, it keeps its best; else it waits to be resumed."""
    _let_be()
    if store.get(job.id).cancel_asked is None:
        return State.INTERRUPTED, {}
    return State.CANCELLED, supervisor.kept(job)


def _given(store: Store, job: Job, pulse: Pulse, own_token: bool) -> Work:
    request = supervisor.request(job)
    return Work(
        source=request["source"],
        recipe=Recipe.from_mapping(request["recipe"], place=f"job {job.id}"),
        output=Path(str(job.output)),
        overwrite=request.get("overwrite", False),
        room=supervisor.folder(job.id) / ROOM,
        listen=Progress(store, job.id),
        over=pulse.finish,
        own_token=own_token,
        asked=request,
    )


def is_full(error: Exception, job: Job) -> bool:
    """Whether a disk without room is behind it: not every library says so, and none in the same way."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    return bool(_NO_ROOM.search(str(error))) or any(_packed(place) for place in _places(job))


def _places(job: Job) -> tuple[Path, ...]:
    return supervisor.folder(job.id), Path(str(job.output)).parent


def _packed(place: Path) -> bool:
    return place.exists() and shutil.disk_usage(place).free < RESERVED


def _no_space(job: Job, error: Exception) -> dict[str, str]:
    named = str(getattr(error, "filename", None) or "")
    full = next((str(place) for place in _places(job) if _packed(place)), str(_places(job)[0]))
    fix = "free some space, and go on with the run"
    return OutputError("the disk is full", place=named or full, fix=fix).to_json()


def _fault(id: str, error: Exception) -> dict[str, str]:
    """A fault of ours, in words; the traceback is in the log alone."""
    return {
        "kind": type(error).__name__,
        "cause": "the run stopped on an error that was not foreseen",
        "place": f"job {id}",
        "fix": "look at the run's log for the details, and report it if you can",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
