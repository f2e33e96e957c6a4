"""Jobs and their metrics in one SQLite file, which any number of processes may share.

Every call opens its own connection, so that threads and forks need no care. States
change by `states.NEXT` alone; what is read is judged (`states.judge`), never believed.
"""

from __future__ import annotations

import math
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import JobError
from ..home import home
from ..values import Event
from . import rows, states
from .limits import SHORT
from .rows import Spawn
from .schema import VERSIONS, connected, version_of
from .states import CUT_SHORT, ENDED, NEXT, RUNNING, Job, State

Point = tuple[int, float]
WAIT = 30.0  # seconds for whoever is at a job's files


class Store:
    """The jobs below one folder.

    Args:
        path: the database file; by default the one in the user's `jobs` folder.

    Raises:
        JobError: a newer hftransfer has made the file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home("jobs") / "jobs.sqlite3"
        with connected(self.path) as db:
            version = version_of(db)
        if version < len(VERSIONS):
            self._upgrade()
        elif version > len(VERSIONS):
            raise JobError("a newer hftransfer keeps its jobs here", place=str(self.path), fix="update hftransfer")

    def add(self, kind: str, name: str, owner: str, *, output: str | None = None, id: str | None = None) -> Job:
        """Put a job at the end of the queue."""
        now = time.time()
        job = Job(
            id=id or new_id(),
            owner=owner,
            key=new_id(),
            kind=kind,
            name=name,
            created=now,
            queued=now,
            output=output,
        )
        names, marks = ", ".join(rows.COLUMNS), ", ".join("?" * len(rows.COLUMNS))
        with self._write() as db:
            values = [rows.pack(getattr(job, name)) for name in rows.COLUMNS]
            db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", values)
        return job

    def get(self, id: str) -> Job:
        """The job in its judged state.

        Raises:
            JobError: no job has that id.
        """
        with connected(self.path) as db:
            return rows.judged(rows.get(db, id))

    def listed(self, owner: str | None = None, *, kind: str = "%", most: int = -1) -> list[Job]:
        """The jobs, newest first, in their judged states; one owner's, or all; the newest few, or all."""
        query = "SELECT * FROM jobs WHERE (?1 IS NULL OR owner = ?1) AND kind LIKE ?2 ORDER BY created DESC LIMIT ?3"
        with connected(self.path) as db:
            return [rows.judged(rows.job_of(row)) for row in db.execute(query, (owner, kind, most))]

    def running(self) -> Sequence[Job]:
        """The jobs that were started and have not ended, as far as was written down."""
        with connected(self.path) as db:
            return rows.running(db)

    def stirring(self) -> bool:
        """Whether a tick could change anything: a job waits, is asked to stop, or is not heard of."""
        query = """
            SELECT 1 FROM jobs WHERE state = 'queued'
            OR (state = 'cancelled' AND kind = 'train' AND result IS NULL)
            OR (ended IS NULL AND (cancel_asked IS NOT NULL OR heartbeat < ?))
            OR (ended IS NULL AND kind != 'train' AND started < ?) LIMIT 1
        """
        since = time.time()
        with connected(self.path) as db:
            return db.execute(query, (since - states.SILENCE, since - SHORT)).fetchone() is not None

    def place(self, job: Job) -> int:
        """How many jobs of its kind start before a queued one, and it; 1 is next."""
        query = "SELECT count(*) FROM jobs WHERE state = 'queued' AND kind = ? AND queued <= ?"
        with connected(self.path) as db:
            return int(db.execute(query, (job.kind, job.queued)).fetchone()[0])

    def start_next(self, limits: Mapping[str, int], spawn: Spawn) -> Job | None:
        """Start the oldest queued job whose kind has a place free.

        `spawn` starts the process and gives its pid and start time. It is called under
        the database's write lock: of two processes that come here, one starts the job.
        A job whose process cannot be started has failed.
        """
        with self._write() as db:
            rows.settle(db)
            for kind, limit in limits.items():
                job = rows.startable(db, kind, limit)
                if job is not None:
                    return rows.start(db, job, spawn)
        return None

    def enter(self, id: str, pid: int) -> Job:
        """What a worker calls first. It waits for whoever is just starting it to have written that down.

        Raises:
            JobError: the job is not this process's to do.
        """
        with self._write() as db:
            job = rows.get(db, id)
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
        with self._write(lasting=True) as db:
            rows.move(db, rows.get(db, id), state, **values)

    def progress(self, id: str, event: Event, state: State | None = None) -> bool:
        """Write down how far a job is. Returns whether it was asked to stop."""
        finite = {name: float(value) for name, value in event.metrics.items() if math.isfinite(value)}
        phase = event.phase or event.message or event.stage
        metrics = [(id, name, event.step, phase, value) for name, value in finite.items()]
        with self._write() as db:
            job = rows.get(db, id)
            if state is not None and state in NEXT[job.state]:
                rows.move(db, job, state)
            rows.change(
                db,
                id,
                stage=event.stage,
                message=event.message,
                step=event.step,
                steps=event.total,
                **rows.pace(job, event),
            )
            db.executemany(
                "INSERT OR REPLACE INTO metrics (job, name, step, phase, value) VALUES (?, ?, ?, ?, ?)", metrics
            )
        return job.cancel_asked is not None

    def beat(self, id: str) -> Job:
        """Say that the worker lives. Returns the job, which may be asked to stop or to finish by now."""
        with self._write() as db:
            db.execute("UPDATE jobs SET heartbeat = ?, doubted = NULL WHERE id = ?", (time.time(), id))
            return rows.get(db, id)

    def doubt(self, id: str) -> float:
        """Note that a worker is not heard of. Returns when that was first seen; a heartbeat forgets it.

        The time without a heartbeat alone would not do: after a machine's sleep every worker looks silent.
        """
        with self._write() as db:
            db.execute("UPDATE jobs SET doubted = ? WHERE id = ? AND doubted IS NULL", (time.time(), id))
            return rows.get(db, id).doubted or time.time()

    def ask_cancel(self, id: str) -> Job:
        """Cancel a job that waits or was cut short, or ask a running one's worker to stop."""
        with self._write() as db:
            rows.settle(db)
            job = rows.get(db, id)
            if job.state in (State.QUEUED, State.INTERRUPTED, State.FAILED):
                rows.move(db, job, State.CANCELLED)
            elif job.state in RUNNING and job.cancel_asked is None:
                rows.change(db, id, cancel_asked=time.time())
        return self.get(id)

    def stop(self, id: str, why: JobError) -> Job:
        """Ask a running job's worker to stop, for a reason that its owner does not know."""
        with self._write() as db:
            if rows.get(db, id).state in RUNNING:
                rows.change(db, id, cancel_asked=time.time(), error=why.to_json())
        return self.get(id)

    def ask_finish(self, id: str) -> Job:
        """Ask a running job's worker to end training with the best so far.

        Raises:
            JobError: there is no such job, or it does not run.
        """
        with self._write() as db:
            rows.settle(db)
            job = rows.get(db, id)
            if job.state not in RUNNING:
                fix = "resume it first" if NEXT[job.state] else "nothing is left to finish"
                raise JobError(f"a job that is {job.state} does not train", place=f"job {id}", fix=fix)
            if job.finish_asked is None:
                rows.change(db, id, finish_asked=time.time())
        return self.get(id)

    def requeue(self, id: str) -> Job:
        """Put a job that was cut short at the end of the queue, to go on where it was.

        Raises:
            JobError: there is no such job, it is done, or it still goes on.
        """
        clean = dict.fromkeys(
            ("pid", "pid_started", "heartbeat", "doubted", "cancel_asked", "finish_asked", "stage_began")
        )
        anew: dict[str, Any] = {"step": 0, "steps": 0, "stage": "", "message": "", "queued": time.time()}
        with self._write_quiet(id) as db:
            rows.settle(db)
            rows.move(db, rows.get(db, id), State.QUEUED, **clean, **anew, ended=None, error=None, result=None)
        return self.get(id)

    def unkept(self) -> list[Job]:
        """Jobs that are cancelled and of whose best model nothing is noted yet."""
        query = "SELECT * FROM jobs WHERE state = 'cancelled' AND kind = 'train' AND result IS NULL"
        with connected(self.path) as db:
            return [rows.job_of(row) for row in db.execute(query)]

    def note_kept(self, id: str, **values: Any) -> None:
        """What became of the best model of a job that was cut short; nothing where it goes on, is gone, or knows."""
        with self._write() as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
            job = rows.job_of(row) if row else None
            if job and job.state in CUT_SHORT and any(getattr(job, name) != value for name, value in values.items()):
                rows.change(db, id, **values)  # two that look at once find the same

    def while_over(self, id: str, act: Callable[[], object]) -> bool:
        """Do something to an ended job's files, which nobody resumes or deletes meanwhile. Returns whether it was done.

        It may take its time: other jobs go on being written down.
        """
        with self._write() as db:
            rows.settle(db)
            if rows.get(db, id).state not in ENDED or rows.tidied(db, id):
                return False
            db.execute("INSERT OR REPLACE INTO chores VALUES (?, ?)", (rows.chore_of(id), time.time()))
        try:
            act()
        finally:
            self._execute("DELETE FROM chores WHERE name = ?", rows.chore_of(id))
        return True

    def delete(self, id: str) -> str:
        """Take out a job that has ended, with its figures. Returns its owner; `forget` it once its files are gone.

        Raises:
            JobError: there is no such job, or it has not ended.
        """
        with self._write_quiet(id) as db:
            rows.settle(db)
            owner = rows.half_deleted(db, id)
            return rows.delete(db, rows.get(db, id)) if owner is None else owner

    def half_deleted(self) -> list[str]:
        """The jobs whose deletion was begun."""
        with connected(self.path) as db:
            return [row[0] for row in db.execute("SELECT job FROM deleted")]

    def forget(self, id: str) -> None:
        """Nothing is left of a deleted job."""
        self._execute("DELETE FROM deleted WHERE job = ?", id)

    def ids(self, owner: str | None = None) -> list[str]:
        """One owner's jobs, or all, in no order."""
        with connected(self.path) as db:
            return [row[0] for row in db.execute("SELECT id FROM jobs WHERE ?1 IS NULL OR owner = ?1", (owner,))]

    def due(self, chore: str, every: float) -> bool:
        """Whether it is this caller's turn to do what one process does every so many seconds."""
        now = time.time()
        if not self._waits(chore, now - every):
            return False
        with self._write() as db:
            query = """
                INSERT INTO chores VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET begun = ?2 WHERE begun NOT BETWEEN ?3 AND ?2
            """
            return db.execute(query, (chore, now, now - every)).rowcount > 0

    def _waits(self, chore: str, since: float) -> bool:
        """Without the write lock: most callers hear that it was done."""
        query = "SELECT 1 FROM chores WHERE name = ? AND begun BETWEEN ? AND ?"  # a clock that went back is no excuse
        with connected(self.path) as db:
            return db.execute(query, (chore, since, time.time())).fetchone() is None

    def curve(self, id: str, name: str, *, points: int = 100) -> list[Point]:
        """One metric by step, thinned to about `points`; the last is always there. Phases follow one another."""
        query = """
            WITH phases AS (SELECT phase, max(step) AS last FROM metrics WHERE job = ?1 GROUP BY phase),
                 begun AS (SELECT phase, sum(last) OVER (ORDER BY phase) - last AS offset FROM phases),
                 points AS (SELECT step + offset AS step, value FROM metrics JOIN begun USING (phase)
                            WHERE job = ?1 AND name = ?2),
                 line AS (SELECT step, value, row_number() OVER (ORDER BY step DESC) - 1 AS n, count(*) OVER () AS total
                          FROM points)
            SELECT step, value FROM line WHERE n % (1 + (total - 1) / ?3) = 0 ORDER BY step
        """
        with connected(self.path) as db:
            return [(row[0], row[1]) for row in db.execute(query, (id, name, points))]

    def metrics(self, id: str) -> dict[str, float]:
        """The last value of every metric."""
        query = "SELECT name, value FROM metrics WHERE job = ? ORDER BY phase, step"
        with connected(self.path) as db:
            return {row[0]: row[1] for row in db.execute(query, (id,))}

    def _upgrade(self) -> None:
        self.path.chmod(0o600)  # what SQLite lays beside it has the same permissions
        with self._write() as db:
            for statement in chain.from_iterable(VERSIONS[version_of(db) :]):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(VERSIONS)}")

    def _execute(self, statement: str, *values: Any) -> None:
        with self._write() as db:
            db.execute(statement, values)

    @contextmanager
    def _write_quiet(self, id: str) -> Iterator[sqlite3.Connection]:
        """A lasting transaction while nobody is at the job's files; who is, is waited for.

        Raises:
            JobError: they take too long.
        """
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            with self._write(lasting=True) as db:
                if not rows.tidied(db, id):
                    yield db
                    return
            time.sleep(0.1)
        fix = "try again in a minute"
        raise JobError("the job's files are just being tidied up", place=f"job {id}", fix=fix)

    @contextmanager
    def _write(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first line.

        Args:
            lasting: not even a power cut takes it back: files are removed on the strength of it.
        """
        with connected(self.path) as db:
            db.execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
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
