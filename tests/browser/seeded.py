"""Jobs that only stand in the store, so that the page shows a state at once: whoever made them moves them on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from hftransfer.jobs.states import Job, State
from hftransfer.jobs.store import Store
from hftransfer.values import Event

KIND = "seeded"  # no queue starts it, and it takes no run's place
TASK = "text-classification"
STEPS = 400
PROBLEMS = [
    {"code": code, "severity": severity, "where": "row 7", "message": "a text is empty", "fix": "remove the row"}
    for code, severity in (("one", "error"), ("two", "warning"), ("three", "info"))
]


@contextmanager
def training(store: Store, owner: str, name: str = "seeded.csv") -> Iterator[Job]:
    """A run in the midst of training, with curves. Its worker sleeps, and is gone at the end."""
    with subprocess.Popen(["sleep", "3600"]) as worker:
        try:
            began = psutil.Process(worker.pid).create_time()
            job = store.add(KIND, name, owner)
            store.start_next({KIND: 1000}, lambda _: (worker.pid, began))
            for number in range(1, 5):
                advance(store, job, number)
            yield store.get(job.id)
        finally:
            worker.kill()


def advance(store: Store, job: Job, step: int) -> None:
    """One step more, with a point on each curve."""
    metrics = {"loss": 1 / step, "eval_loss": 1.1 / step, "eval_accuracy": 1 - 1 / step}
    store.progress(job.id, Event("train", "head", step, STEPS, metrics), State.TRAINING)


def fail(store: Store, job: Job) -> None:
    store.move(job.id, State.FAILED, error={"cause": "memory ran out", "place": "step 4", "fix": "use smaller batches"})


def check(store: Store, owner: str, name: str = "seeded.csv") -> Job:
    """Data that was understood, with something to mend."""
    result = {"task": TASK, "rows": 40, "labels": {"good": 30, "bad": 10}, "problems": PROBLEMS}
    return _done(store, store.add("check", name, owner), result)


def trained(store: Store, owner: str, output: str) -> Job:
    """A run that ended well."""
    accuracy = {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}
    probe = {"name": "feature-extraction", "why": "it is quick", "metric": "accuracy", "value": 0.8}
    tried = [probe, {**probe, "name": "contrastive", "value": 0.9, "taken": True}]
    result = {"task": TASK, "evaluated_on": "test", "metrics": accuracy, "seconds": {"total": 9.0}, "tried": tried}
    job = store.add("train", "seeded.csv", owner, output=output)
    store.move(job.id, State.PREPARING)
    for number in range(1, 5):
        advance(store, job, number)
    return _done(store, job, result)


def _done(store: Store, job: Job, result: dict[str, Any]) -> Job:
    if store.get(job.id).state is State.QUEUED:
        store.move(job.id, State.PREPARING)
    store.move(job.id, State.DONE, result=result)
    return store.get(job.id)
