"""The states of a job, and the only ways between them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import psutil


class State(StrEnum):
    QUEUED = "queued"
    PREPARING = "preparing"
    TRAINING = "training"
    EVALUATING = "evaluating"
    DONE = "done"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


RUNNING = (State.PREPARING, State.TRAINING, State.EVALUATING)
CUT_SHORT = (State.CANCELLED, State.INTERRUPTED, State.FAILED)
ENDED = (State.DONE, *CUT_SHORT)

_STOPS = set(CUT_SHORT)
NEXT: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.PREPARING, State.CANCELLED, State.FAILED}),
    State.PREPARING: frozenset({State.TRAINING, State.EVALUATING, State.DONE, *_STOPS}),
    State.TRAINING: frozenset({State.EVALUATING, State.DONE, *_STOPS}),
    State.EVALUATING: frozenset({State.TRAINING, State.DONE, *_STOPS}),  # phases take turns
    State.DONE: frozenset(),
    State.CANCELLED: frozenset({State.QUEUED}),  # resumed
    State.INTERRUPTED: frozenset({State.QUEUED, State.CANCELLED}),
    State.FAILED: frozenset({State.QUEUED, State.CANCELLED}),  # resumed, or given up with its best kept
}

FEW_STEPS = 3  # after which a pace says something
SILENCE = 60.0  # seconds without a heartbeat after which a living process is doubted
DOUBT = 180.0  # seconds of doubt after which it is ended
_HIDDEN = {"id", "owner", "key", "changes", "pid_started", "doubted", "stage_began", "stage_from", "moved", "queued"}
_SAME_START = 2.0  # seconds by which two readings of one process's start may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the store. Times are seconds since the epoch; `owner` is a digest, `key` lets others watch.

    `stage_from` is the step at which the stage began, or at which the run went on with it; `queued` is when
    the job came to the end of the queue, anew where it was resumed.
    """

    id: str
    owner: str
    key: str
    kind: str
    name: str
    state: State = State.QUEUED
    stage: str = ""
    message: str = ""
    step: int = 0
    steps: int = 0
    stage_began: float | None = None
    stage_from: int = 0
    moved: float | None = None
    changes: int = 0
    pid: int | None = None
    pid_started: float | None = None
    heartbeat: float | None = None
    doubted: float | None = None
    cancel_asked: float | None = None
    finish_asked: float | None = None
    created: float = 0.0
    queued: float = 0.0
    started: float | None = None
    ended: float | None = None
    output: str | None = None
    error: dict[str, str] | None = None
    result: dict[str, Any] | None = None

    @property
    def model(self) -> str | None:
        """The folder of a model that can be used: the output of a job that is done, or the best that was kept."""
        if self.kind != "train":
            return None
        return self.output if self.state is State.DONE else (self.result or {}).get("kept")

    @property
    def remaining(self) -> float | None:
        """Seconds that the stage still takes at its pace so far; None while that is not known.

        Stages that come after it are not in it: their pace shows only when they run.
        """
        made = self.step - self.stage_from
        if self.state not in RUNNING or self.stage_began is None or self.moved is None or made < FEW_STEPS:
            return None
        return max(0.0, (self.moved - self.stage_began) / made * (self.steps - self.step))

    def to_json(self) -> dict[str, Any]:
        """What `hftransfer jobs show` prints, without the metrics and without the keys.

        The output of a training is named: a model lies there, or will once it is done or gone on with.
        """
        row = asdict(self)
        shown = {name: value for name, value in row.items() if name not in _HIDDEN}
        shown["output"] = self.output if self.kind == "train" else None
        return {"job": self.id, **shown, "remaining": None if self.remaining is None else round(self.remaining)}


def judge(job: Job) -> State:
    """The state that the job is truly in: a worker that vanished has not finished."""
    return ending_without_word(job) if job.state in RUNNING and not alive(job) else job.state


def silent(job: Job) -> bool:
    """Whether a running job's worker has not been heard of: it hangs, or the machine has just woken up."""
    return job.state in RUNNING and time.time() - (job.heartbeat or 0.0) > SILENCE


def ending_without_word(job: Job) -> State:
    """What became of a job whose worker left no last word."""
    return State.INTERRUPTED if job.cancel_asked is None else State.CANCELLED


def alive(job: Job) -> bool:
    """Whether the job's own worker process is there, and not another that was given its number."""
    if job.pid is None or job.pid_started is None:
        return False
    try:
        process = psutil.Process(job.pid)
        same = abs(process.create_time() - job.pid_started) < _SAME_START
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's by now
        return False
