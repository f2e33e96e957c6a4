"""Rows of the store: how a job is read, changed and moved on inside a transaction that the store has opened."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import psutil

from ..errors import JobError
from ..values import Event
from .states import ENDED, NEXT, RUNNING, Job, State, alive, ending_without_word, judge

COLUMNS = tuple(entry.name for entry in fields(Job))
_JSON = ("error", "result")
TIDYING = 600.0  # seconds after which nobody is at a job's files any more

Spawn = Callable[[Job], tuple[int, float]]


def get(db: sqlite3.Connection, id: str) -> Job:
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise JobError(
            "there is no such job", place=f"job {id}", fix="check the id: it was given when the job was submitted"
        )
    return job_of(row)


def job_of(row: sqlite3.Row) -> Job:
    values = dict(row)
    packed = {name: json.loads(values[name]) for name in _JSON if values[name]}
    known = {name: values[name] for name in COLUMNS}  # a newer version may have added some
    return Job(**{**known, **packed, "state": State(values["state"])})


def pack(value: Any) -> Any:
    """As SQLite takes it: names of files may hold what is no text."""
    if isinstance(value, dict):
        return json.dumps(value)
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def judged(job: Job) -> Job:
    return replace(job, state=judge(job))


def change(db: sqlite3.Connection, id: str, **values: Any) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    db.execute(f"UPDATE jobs SET {names}, changes = changes + 1 WHERE id = ?", (*map(pack, values.values()), id))


def move(db: sqlite3.Connection, job: Job, state: State, **values: Any) -> None:
    if state not in NEXT[job.state]:
        raise JobError(
            f"a job that is {job.state} cannot become {state}",
            place=f"job {job.id}",
            fix="wait until it has ended" if job.state not in ENDED else "submit the work as a new job",
        )
    now = time.time()
    times = {"ended": now} if state in ENDED else {}
    change(db, job.id, state=state, **{**times, **values})


def pace(job: Job, event: Event) -> dict[str, Any]:
    """When the stage's steps began: at a new stage, or where they count anew or jump to a checkpoint's."""
    now = time.time()
    goes_on = event.stage == job.stage and event.total == job.steps and event.step >= job.step and job.stage_began
    return {"moved": now} | ({} if goes_on else {"stage_began": now, "stage_from": event.step})


def delete(db: sqlite3.Connection, job: Job) -> str:
    if job.state not in ENDED:
        raise JobError(f"a job that is {job.state} has not ended", place=f"job {job.id}", fix="cancel it first")
    db.execute("INSERT INTO deleted VALUES (?, ?)", (job.id, job.owner))
    db.execute("DELETE FROM metrics WHERE job = ?", (job.id,))
    db.execute("DELETE FROM chores WHERE name LIKE '% ' || ?", (job.id,))
    db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
    return job.owner


def half_deleted(db: sqlite3.Connection, id: str) -> str | None:
    """The owner of a job whose deletion was begun."""
    row = db.execute("SELECT owner FROM deleted WHERE job = ?", (id,)).fetchone()
    return row[0] if row else None


def tidied(db: sqlite3.Connection, id: str) -> bool:
    """Whether somebody is at the job's files; who was killed over it is waited for a while."""
    query = "SELECT 1 FROM chores WHERE name = ? AND begun BETWEEN ? AND ?"
    now = time.time()
    return db.execute(query, (chore_of(id), now - TIDYING, now)).fetchone() is not None


def chore_of(id: str) -> str:
    return f"tidy {id}"


def running(db: sqlite3.Connection, kind: str = "%") -> Sequence[Job]:
    marks = ", ".join("?" * len(RUNNING))
    return [
        job_of(row)
        for row in db.execute(f"SELECT * FROM jobs WHERE state IN ({marks}) AND kind LIKE ?", (*RUNNING, kind))
    ]


def settle(db: sqlite3.Connection) -> None:
    """Write down what is known for certain: these workers are gone, and with them their places."""
    for job in running(db):
        if not alive(job):
            move(db, job, ending_without_word(job))


def startable(db: sqlite3.Connection, kind: str, limit: int) -> Job | None:
    if len(running(db, kind)) >= limit:
        return None
    query = "SELECT * FROM jobs WHERE state = 'queued' AND kind = ? ORDER BY queued LIMIT 1"
    row = db.execute(query, (kind,)).fetchone()
    return job_of(row) if row else None


def start(db: sqlite3.Connection, job: Job, spawn: Spawn) -> Job:
    try:
        pid, began = spawn(job)
    except (OSError, psutil.Error) as error:
        move(db, job, State.FAILED, error=_unstarted(error).to_json())
    else:
        now = time.time()
        move(db, job, State.PREPARING, pid=pid, pid_started=began, heartbeat=now, started=now)
    return get(db, job.id)


def _unstarted(error: Exception) -> JobError:
    cause = f"the run's process could not be started: {getattr(error, 'strerror', None) or error}"
    place = str(getattr(error, "filename", None) or "")
    return JobError(cause, place=place, fix="free memory or disk space, and start it again")
