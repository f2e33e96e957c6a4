"""How jobs end that do not end by themselves: pressed where they do not heed or hang, their best kept."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

from ..errors import JobError
from .children import end_group
from .folders import folder
from .limits import limits
from .states import DOUBT, Job, alive, silent
from .store import Store
from .work import keep

TERM_AFTER, KILL_AFTER = 10.0, 30.0  # seconds from the wish to cancel
AGAIN = 60.0  # seconds between two tries to keep a best model


def press(store: Store, job: Job) -> None:
    """A worker that does not heed the wish to stop is stopped, and one that hangs is ended."""
    if (pid := job.pid) is None or not alive(job):
        return
    now = time.time()
    if job.cancel_asked is None and now - (job.started or now) > limits().longest(job.kind):
        job = store.stop(job.id, _overdue(job))
    waited = 0.0 if job.cancel_asked is None else now - job.cancel_asked
    with suppress(ProcessLookupError):  # it has just ended by itself
        patience = TERM_AFTER if job.kind == "train" else 0.0  # nothing of the others is worth keeping
        if waited > KILL_AFTER or (silent(job) and now - store.doubt(job.id) > DOUBT):
            end_group(pid)
        elif waited > patience:
            os.kill(pid, signal.SIGTERM)


def _overdue(job: Job) -> JobError:
    fix = "try with less data; whoever runs this machine can see in the job's log where it hangs"
    return JobError("it took longer than work of this kind may, and was stopped", place=f"job {job.id}", fix=fix)


def kept(job: Job) -> dict[str, Any]:
    """Keep the best model of a job that was cut short. Returns the columns that tell of it."""
    try:
        return {"result": keep(folder(job.id))}
    except OSError as error:  # it is tried again
        return {"error": _unkept(job, error)}
    except (ValueError, KeyError) as error:
        return {"result": {"kept": None}, "error": _unkept(job, error)}


def _unkept(job: Job, error: Exception) -> dict[str, Any]:
    why = getattr(error, "strerror", None) or error
    return JobError(f"its best model could not be kept: {why}", place=f"job {job.id}", fix="free some space").to_json()


def note_kept(store: Store, job: Job) -> None:
    """Keep the best of a job whose worker is gone, unless it goes on, or was deleted, by now."""
    if job.error is not None and not store.due(f"keep {job.id}", AGAIN):
        return
    found: dict[str, Any] = {}
    with suppress(JobError):
        store.while_over(job.id, lambda: found.update(kept(job)))
    if found:
        store.note_kept(job.id, **found)
