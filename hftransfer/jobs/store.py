"""Jobs and their metrics in one SQLite file, which any number of processes may share.

Every call opens its own connection, so that threads and forks need no care. States
change by `states.NEXT` alone; what is read is judged (`states.judge`), never believed.
"""

from __future__ import annotations

import json
import math
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

import psutil

from ..errors import JobError
from ..home import home
from ..values import Event
from . import states
from .states import ENDED, NEXT, RUNNING, Job, State, alive, ending_without_word, judge

# What each version of the file adds to the one before; what was released does not change.
VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE IF NOT EXISTS jobs (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            state TEXT NOT NULL, stage TEXT NOT NULL, message TEXT NOT NULL, step INTEGER NOT NULL,
            steps INTEGER NOT NULL, changes INTEGER NOT NULL, pid INTEGER, pid_started REAL, heartbeat REAL,
            cancel_asked REAL, created REAL NOT NULL, started REAL, ended REAL, output TEXT, error TEXT, result TEXT
        )""",
        "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created)",
        """CREATE TABLE IF NOT EXISTS metrics (
            job TEXT NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, phase TEXT NOT NULL, value REAL NOT NULL,
            PRIMARY KEY (job, name, step, phase)
        ) WITHOUT ROWID""",
    ),
    ("ALTER TABLE jobs ADD COLUMN doubted REAL",),
    (
        "ALTER TABLE jobs ADD COLUMN finish_asked REAL",
        "ALTER TABLE jobs ADD COLUMN stage_began REAL",
        "ALTER TABLE jobs ADD COLUMN stage_from INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN moved REAL",
    ),
)
_COLUMNS = tuple(entry.name for entry in fields(Job))
_JSON = ("error", "result")

Spawn = Callable[[Job], tuple[int, float]]
Point = tuple[int, float]


class Store:
    """The jobs below one folder.

    Args:
        path: the database file; by default the one in the user's `jobs` folder.

    Raises:
        JobError: a newer hftransfer has made the file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home("jobs") / "jobs.sqlite3"
        with closing(self._connect()) as db:
            version = _version(db)
        if version < len(VERSIONS):
            self._upgrade()
        elif version > len(VERSIONS):
            raise JobError("a newer hftransfer keeps its jobs here", place=str(self.path), fix="update hftransfer")

    def add(self, kind: str, name: str, owner: str, *, output: str | None = None, id: str | None = None) -> Job:
        """Put a job at the end of the queue."""
        job = Job(
            id=id or new_id(),
            owner=owner,
            key=new_id(),
            kind=kind,
            name=name,
            created=time.time(),
            output=output,
        )
        names, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
        with self._write() as db:
            db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", [_pack(getattr(job, name)) for name in _COLUMNS])
        return job

    def get(self, id: str) -> Job:
        """The job in its judged state.

        Raises:
            JobError: no job has that id.
        """
        with closing(self._connect()) as db:
            return _judged(_get(db, id))

    def listed(self, owner: str | None = None, *, kind: str = "%", most: int = -1) -> list[Job]:
        """The jobs, newest first, in their judged states; one owner's, or all; the newest few, or all."""
        query = "SELECT * FROM jobs WHERE (?1 IS NULL OR owner = ?1) AND kind LIKE ?2 ORDER BY created DESC LIMIT ?3"
        with closing(self._connect()) as db:
            return [_judged(_job(row)) for row in db.execute(query, (owner, kind, most))]

    def running(self) -> Sequence[Job]:
        """The jobs that were started and have not ended, as far as was written down."""
        with closing(self._connect()) as db:
            return _running(db)

    def stirring(self) -> bool:
        """Whether a tick could change anything: a job waits, is asked to stop, or is not heard of."""
        query = """
            SELECT 1 FROM jobs WHERE state = 'queued'
            OR (state = 'cancelled' AND kind = 'train' AND result IS NULL)
            OR (ended IS NULL AND (cancel_asked IS NOT NULL OR heartbeat < ?)) LIMIT 1
        """
        with closing(self._connect()) as db:
            return db.execute(query, (time.time() - states.SILENCE,)).fetchone() is not None

    def place(self, job: Job) -> int:
        """How many jobs of its kind start before a queued one, and it; 1 is next."""
        query = "SELECT count(*) FROM jobs WHERE state = 'queued' AND kind = ? AND created <= ?"
        with closing(self._connect()) as db:
            return int(db.execute(query, (job.kind, job.created)).fetchone()[0])

    def start_next(self, limits: Mapping[str, int], spawn: Spawn) -> Job | None:
        """Start the oldest queued job whose kind has a place free.

        `spawn` starts the process and gives its pid and start time. It is called under
        the database's write lock: of two processes that come here, one starts the job.
        A job whose process cannot be started has failed.
        """
        with self._write() as db:
            _settle(db)
            for kind, limit in limits.items():
                job = _startable(db, kind, limit)
                if job is not None:
                    return _start(db, job, spawn)
        return None

    def enter(self, id: str, pid: int) -> Job:
        """What a worker calls first. It waits for whoever is just starting it to have written that down.

        Raises:
            JobError: the job is not this process's to do.
        """
        with self._write() as db:
            job = _get(db, id)
            if job.pid != pid or job.state is not State.PREPARING:
                raise JobError(
                    "another worker has this job, or it is over", place=f"job {id}", fix="submit the work as a new job"
                )
            return job

    def move(self, id: str, state: State, **values: Any) -> None:
        """Change the state, and columns with it.

        Raises:
            JobError: there is no such job, or no way from its state to that one.
        """
        with self._write() as db:
            _move(db, _get(db, id), state, **values)

    def progress(self, id: str, event: Event, state: State | None = None) -> bool:
        """Write down how far a job is. Returns whether it was asked to stop."""
        finite = {name: float(value) for name, value in event.metrics.items() if math.isfinite(value)}
        phase = event.message or event.stage  # a training event's message is its phase, and each counts from 0
        metrics = [(id, name, event.step, phase, value) for name, value in finite.items()]
        with self._write() as db:
            job = _get(db, id)
            if state is not None and state in NEXT[job.state]:
                _move(db, job, state)
            _set(
                db,
                id,
                stage=event.stage,
                message=event.message,
                step=event.step,
                steps=event.total,
                **_pace(job, event),
            )
            db.executemany(
                "INSERT OR REPLACE INTO metrics (job, name, step, phase, value) VALUES (?, ?, ?, ?, ?)", metrics
            )
        return job.cancel_asked is not None

    def beat(self, id: str) -> Job:
        """Say that the worker lives. Returns the job, which may be asked to stop or to finish by now."""
        with self._write() as db:
            db.execute("UPDATE jobs SET heartbeat = ?, doubted = NULL WHERE id = ?", (time.time(), id))
            return _get(db, id)

    def doubt(self, id: str) -> float:
        """Note that a worker is not heard of. Returns when that was first seen; a heartbeat forgets it.

        The time without a heartbeat alone would not do: after a machine's sleep every worker looks silent.
        """
        with self._write() as db:
            db.execute("UPDATE jobs SET doubted = ? WHERE id = ? AND doubted IS NULL", (time.time(), id))
            return _get(db, id).doubted or time.time()

    def ask_cancel(self, id: str) -> Job:
        """Cancel a job that waits or was cut short, or ask a running one's worker to stop."""
        with self._write() as db:
            _settle(db)
            job = _get(db, id)
            if job.state in (State.QUEUED, State.INTERRUPTED, State.FAILED):
                _move(db, job, State.CANCELLED)
            elif job.state in RUNNING and job.cancel_asked is None:
                _set(db, id, cancel_asked=time.time())
        return self.get(id)

    def ask_finish(self, id: str) -> Job:
        """Ask a running job's worker to end training with the best so far.

        Raises:
            JobError: there is no such job, or it does not run.
        """
        with self._write() as db:
            _settle(db)
            job = _get(db, id)
            if job.state not in RUNNING:
                fix = "resume it first" if NEXT[job.state] else "nothing is left to finish"
                raise JobError(f"a job that is {job.state} does not train", place=f"job {id}", fix=fix)
            if job.finish_asked is None:
                _set(db, id, finish_asked=time.time())
        return self.get(id)

    def requeue(self, id: str) -> Job:
        """Put a job that was cut short back into the queue, to go on where it was.

        Raises:
            JobError: there is no such job, it is done, or it still goes on.
        """
        clean = dict.fromkeys(
            ("pid", "pid_started", "heartbeat", "doubted", "cancel_asked", "finish_asked", "stage_began")
        )
        anew: dict[str, Any] = {"step": 0, "steps": 0, "stage": "", "message": ""}
        with self._write() as db:
            _settle(db)
            _move(db, _get(db, id), State.QUEUED, **clean, **anew, ended=None, error=None, result=None)
        return self.get(id)

    def unkept(self) -> list[Job]:
        """Jobs that are cancelled and of whose best model nothing is noted yet."""
        query = "SELECT * FROM jobs WHERE state = 'cancelled' AND kind = 'train' AND result IS NULL"
        with closing(self._connect()) as db:
            return [_job(row) for row in db.execute(query)]

    def note_kept(self, id: str, **values: Any) -> None:
        """What became of a cancelled job's best model; nothing where the job goes on by now."""
        with self._write() as db:
            if _get(db, id).state is State.CANCELLED:
                _set(db, id, **values)

    def curve(self, id: str, name: str, *, points: int = 100) -> list[Point]:
        """One metric by step, thinned to about `points`; the last is always there."""
        query = """
            WITH line AS (SELECT step, value, row_number() OVER (ORDER BY step DESC) - 1 AS n, count(*) OVER () AS total
                          FROM metrics WHERE job = ? AND name = ?)
            SELECT step, value FROM line WHERE n % (1 + (total - 1) / ?) = 0 ORDER BY step
        """
        with closing(self._connect()) as db:
            return [(row[0], row[1]) for row in db.execute(query, (id, name, points))]

    def metrics(self, id: str) -> dict[str, float]:
        """The last value of every metric."""
        query = "SELECT name, value, max(step) FROM metrics WHERE job = ? GROUP BY name"
        with closing(self._connect()) as db:
            return {row[0]: row[1] for row in db.execute(query, (id,))}

    def _upgrade(self) -> None:
        self.path.chmod(0o600)  # what SQLite lays beside it has the same permissions
        with self._write() as db:
            for statement in chain.from_iterable(VERSIONS[_version(db) :]):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(VERSIONS)}")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first line."""
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a commit that failed may have undone it all itself
                    db.execute("ROLLBACK")
                raise


def new_id() -> str:
    """A name that nobody guesses: 128 random bits."""
    return secrets.token_urlsafe(16)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _get(db: sqlite3.Connection, id: str) -> Job:
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise JobError(
            "there is no such job", place=f"job {id}", fix="check the id: it was given when the job was submitted"
        )
    return _job(row)


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    packed = {name: json.loads(values[name]) for name in _JSON if values[name]}
    return Job(**{**values, **packed, "state": State(values["state"])})


def _pack(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _judged(job: Job) -> Job:
    return replace(job, state=judge(job))


def _set(db: sqlite3.Connection, id: str, **values: Any) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    db.execute(f"UPDATE jobs SET {names}, changes = changes + 1 WHERE id = ?", (*map(_pack, values.values()), id))


def _move(db: sqlite3.Connection, job: Job, state: State, **values: Any) -> None:
    if state not in NEXT[job.state]:
        raise JobError(
            f"a job that is {job.state} cannot become {state}",
            place=f"job {job.id}",
            fix="wait until it has ended" if job.state not in ENDED else "submit the work as a new job",
        )
    now = time.time()
    times = {"ended": now} if state in ENDED else {}
    _set(db, job.id, state=state, **{**times, **values})


def _pace(job: Job, event: Event) -> dict[str, Any]:
    """When the stage's steps began: at a new stage, or where they count anew or jump to a checkpoint's."""
    now = time.time()
    goes_on = event.stage == job.stage and event.total == job.steps and event.step >= job.step and job.stage_began
    return {"moved": now} | ({} if goes_on else {"stage_began": now, "stage_from": event.step})


def _running(db: sqlite3.Connection, kind: str = "%") -> Sequence[Job]:
    marks = ", ".join("?" * len(RUNNING))
    return [
        _job(row)
        for row in db.execute(f"SELECT * FROM jobs WHERE state IN ({marks}) AND kind LIKE ?", (*RUNNING, kind))
    ]


def _settle(db: sqlite3.Connection) -> None:
    """Write down what is known for certain: these workers are gone, and with them their places."""
    for job in _running(db):
        if not alive(job):
            _move(db, job, ending_without_word(job))


def _startable(db: sqlite3.Connection, kind: str, limit: int) -> Job | None:
    if len(_running(db, kind)) >= limit:
        return None
    query = "SELECT * FROM jobs WHERE state = 'queued' AND kind = ? ORDER BY created LIMIT 1"
    row = db.execute(query, (kind,)).fetchone()
    return _job(row) if row else None


def _start(db: sqlite3.Connection, job: Job, spawn: Spawn) -> Job:
    try:
        pid, began = spawn(job)
    except (OSError, psutil.Error) as error:
        _move(db, job, State.FAILED, error=_unstarted(error).to_json())
    else:
        now = time.time()
        _move(db, job, State.PREPARING, pid=pid, pid_started=began, heartbeat=now, started=now)
    return _get(db, job.id)


def _unstarted(error: Exception) -> JobError:
    cause = f"the run's process could not be started: {getattr(error, 'strerror', None) or error}"
    place = str(getattr(error, "filename", None) or "")
    return JobError(cause, place=place, fix="free memory or disk space, and start it again")
