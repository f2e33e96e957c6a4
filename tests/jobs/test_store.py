"""The store: its states, their judging by real processes, and two starters at once."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
import pytest

from hftransfer.errors import JobError, OutputError
from hftransfer.jobs import children, ending, states, supervisor
from hftransfer.jobs.limits import Limits
from hftransfer.jobs.states import ENDED, NEXT, RUNNING, Job, State
from hftransfer.jobs.store import VERSIONS, Store
from hftransfer.jobs.worker import Progress
from hftransfer.values import Event


class Sleepers:
    """Real processes that stand for workers."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def spawn(self, job: Job) -> tuple[int, float]:
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        self.processes.append(process)
        return process.pid, psutil.Process(process.pid).create_time()

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def sleepers() -> Iterator[Sleepers]:
    workers = Sleepers()
    yield workers
    workers.kill()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "jobs.sqlite3")


def started(store: Store, sleepers: Sleepers) -> Job:
    store.add("train", "pets", "ann")
    job = store.start_next({"train": 1}, sleepers.spawn)
    assert job is not None
    return job


WAYS = {
    State.QUEUED: [],
    State.PREPARING: [State.PREPARING],
    State.TRAINING: [State.PREPARING, State.TRAINING],
    State.EVALUATING: [State.PREPARING, State.EVALUATING],
    State.DONE: [State.PREPARING, State.DONE],
    State.CANCELLED: [State.CANCELLED],
    State.INTERRUPTED: [State.PREPARING, State.INTERRUPTED],
    State.FAILED: [State.FAILED],
}


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_no_way_but_those_in_the_table(store: Store, before: State, after: State) -> None:
    job = store.add("train", "pets", "ann")
    for state in WAYS[before]:
        store.move(job.id, state)
    if after in NEXT[before]:
        store.move(job.id, after)
    else:
        with pytest.raises(JobError, match=f"is {before} cannot become {after}"):
            store.move(job.id, after)


def test_what_has_ended_is_only_ever_resumed_or_given_up() -> None:
    assert set(NEXT) == set(State)
    assert NEXT[State.DONE] == set()
    assert all(NEXT[state] <= {State.QUEUED, State.CANCELLED} for state in ENDED)
    assert {before for before, after in NEXT.items() if State.QUEUED in after} == set(ENDED) - {State.DONE}


def test_a_started_job_has_its_worker(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    assert (job.state, job.pid) == (State.PREPARING, sleepers.processes[0].pid)
    assert store.get(job.id).state is State.PREPARING


def test_a_killed_worker_is_interrupted_and_frees_its_place(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    store.progress(job.id, Event("train", step=1, total=9), State.TRAINING)
    waiting = store.add("train", "birds", "bob")
    assert store.start_next({"train": 1}, sleepers.spawn) is None
    os.kill(sleepers.processes[0].pid, signal.SIGKILL)  # not waited for: a zombie is dead too
    wait_until(lambda: store.get(job.id).state is State.INTERRUPTED)
    following = store.start_next({"train": 1}, sleepers.spawn)
    assert following is not None and following.id == waiting.id
    assert store.get(job.id).ended is not None


def test_a_reused_process_number_is_not_the_worker(store: Store, sleepers: Sleepers) -> None:
    store.add("train", "pets", "ann")
    job = store.start_next({"train": 1}, lambda job: (os.getpid(), psutil.Process().create_time() - 100))
    assert job is not None and store.get(job.id).state is State.INTERRUPTED


def test_a_silent_worker_runs_while_it_lives_and_is_ended_after_long_doubt(
    home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    job = started(store, sleepers)
    supervisor.tick()
    assert not states.silent(store.get(job.id)) and store.get(job.id).doubted is None
    monkeypatch.setattr(states, "SILENCE", -1.0)
    supervisor.tick()
    seen = store.get(job.id)
    assert seen.state is State.PREPARING and states.silent(seen) and seen.doubted is not None
    store.beat(job.id)  # a machine that slept has woken up
    assert store.get(job.id).doubted is None
    monkeypatch.setattr(ending, "DOUBT", -1.0)
    supervisor.tick()
    wait_until(lambda: store.get(job.id).state is State.INTERRUPTED)
    assert store.start_next({"train": 1}, sleepers.spawn) is None  # settles
    assert not store.running()


def test_a_process_that_cannot_be_started_fails_its_job_alone(store: Store, sleepers: Sleepers) -> None:
    first, second = (store.add("train", name, "ann") for name in ("one", "two"))

    def refuse(job: Job) -> tuple[int, float]:
        raise OSError(12, "Cannot allocate memory", "python")

    assert store.start_next({"train": 1}, refuse) is not None
    failed = store.get(first.id)
    assert failed.state is State.FAILED and failed.error is not None
    assert "Cannot allocate memory" in failed.error["cause"] and failed.error["fix"]
    following = store.start_next({"train": 1}, sleepers.spawn)
    assert following is not None and following.id == second.id


def test_a_file_of_a_newer_version_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jobs.sqlite3"
    Store(path)
    monkeypatch.setattr("hftransfer.jobs.store.VERSIONS", (*VERSIONS, ("ALTER TABLE jobs ADD COLUMN later TEXT",)))
    Store(path)
    monkeypatch.undo()
    with pytest.raises(JobError, match="newer hftransfer"):
        Store(path)


def brought_up(path: Path, version: int) -> Job:
    """A job with a figure, written into a file of that version, as today's store reads it."""
    with closing(sqlite3.connect(path)) as db:
        for statement in chain.from_iterable(VERSIONS[:version]):
            db.execute(statement)
        job = {"id": "i", "owner": "ann", "key": "k", "kind": "train", "name": "pets", "state": "failed", "step": 7}
        row = {
            **job,
            "stage": "train",
            "message": "full",
            "steps": 9,
            "changes": 3,
            "created": 5.0,
            "error": '{"a": "b"}',
        }
        db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", (*row.values(),))
        db.execute("INSERT INTO metrics VALUES ('i', 'loss', 7, 'full', 0.25)")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()
    return Store(path).get("i")


@pytest.mark.parametrize("version", range(1, len(VERSIONS) + 1))
def test_a_file_of_any_older_version_keeps_its_jobs_and_figures(tmp_path: Path, version: int) -> None:
    found = brought_up(tmp_path / "old.sqlite3", version)
    assert (found.name, found.state, found.step, found.changes) == ("pets", State.FAILED, 7, 3)
    assert found.error == {"a": "b"} and found.queued == (5.0 if version < 4 else 0.0)
    store = Store(tmp_path / "old.sqlite3")
    assert store.metrics("i") == {"loss": 0.25}
    store.requeue("i")
    assert store.place(store.add("train", "birds", "ann")) == 2
    with closing(sqlite3.connect(store.path)) as old, closing(sqlite3.connect(tmp_path / "new.sqlite3")) as new:
        for statement in chain.from_iterable(VERSIONS):
            new.execute(statement)
        tables = [sorted(db.execute("SELECT name, sql FROM sqlite_master")) for db in (old, new)]
    assert tables[0] == tables[1]


def test_a_worker_of_an_older_version_reads_what_a_newer_one_added(store: Store) -> None:
    job = store.add("train", "pets", "ann")
    with store._write() as db:
        db.execute("ALTER TABLE jobs ADD COLUMN later TEXT")
    assert store.get(job.id) == job and store.listed() == [job]


def test_names_that_are_no_text_are_stored(store: Store) -> None:
    name = "pets\udcff.csv"
    job = store.add("train", name, "ann")
    store.move(job.id, State.FAILED, error={"cause": name})
    found = store.get(job.id)
    assert found.error == {"cause": name} and found.name.startswith("pets") and found.name.encode()


@pytest.mark.parametrize("fault", ["damaged", "a folder"])
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "jobs.sqlite3"
    path.mkdir() if fault == "a folder" else path.write_bytes(b"no database" * 1000)
    with pytest.raises(OutputError, match="cannot be used") as caught:
        Store(path)
    assert caught.value.place == str(path) and caught.value.fix


def test_a_busy_file_is_told_and_mere_progress_passes_over_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = store.add("train", "pets", "ann")
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout, **rest: real(path, timeout=0, **rest))
    with store._write():
        with pytest.raises(OutputError, match="busy") as caught:
            Store(store.path).add("train", "birds", "ann")
        assert "try again" in caught.value.fix
        Progress(store, job.id)(Event("train", step=1, total=9))
    assert store.get(job.id).step == 0


def test_while_an_ended_jobs_files_are_worked_on_others_are_written_down_and_it_is_not_resumed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, other = (store.add("train", name, "ann").id for name in ("pets", "birds"))
    store.move(job, State.FAILED)
    monkeypatch.setattr("hftransfer.jobs.store.WAIT", 0.3)

    def act() -> None:
        store.progress(other, Event("train", step=3, total=9))
        assert not store.while_over(job, act)
        for way in (store.requeue, store.delete):
            with pytest.raises(JobError, match="tidied up"):
                way(job)

    assert store.while_over(job, act)
    assert store.get(other).step == 3
    assert store.requeue(job).state is State.QUEUED
    assert not store.while_over(job, act)


def test_what_files_are_removed_for_outlasts_a_power_cut(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    real = sqlite3.connect

    def listening(*given: Any, **options: Any) -> sqlite3.Connection:
        db = real(*given, **options)
        db.set_trace_callback(said.append)
        return db

    job = store.add("train", "pets", "ann").id
    monkeypatch.setattr(sqlite3, "connect", listening)

    def lasts(act: Callable[[], object]) -> bool:
        said.clear()
        act()
        begun = said.index("BEGIN IMMEDIATE")
        return [word for word in said[:begun] if "synchronous" in word][-1].endswith("FULL")

    assert lasts(lambda: store.move(job, State.FAILED))
    assert lasts(lambda: store.requeue(job))
    assert not lasts(lambda: store.progress(job, Event("train", step=1)))
    store.move(job, State.FAILED)
    assert lasts(lambda: store.delete(job))


def test_the_file_is_its_owners_alone(store: Store) -> None:
    store.add("train", "pets", "ann")
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_an_error_is_told_and_not_what_undoing_it_said(store: Store) -> None:
    with pytest.raises(ValueError, match="the cause"), store._write() as db:
        db.execute("ROLLBACK")
        raise ValueError("the cause")


def test_phases_follow_one_another_in_a_curve(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    for phase, losses in (("phase-001-top", (0.5, 0.4)), ("phase-002-full", (0.3, 0.25))):
        for step, loss in enumerate(losses, 1):
            store.progress(job.id, Event("train", "full", step, 2, {"loss": loss}, phase))
    assert store.curve(job.id, "loss") == [(1, 0.5), (2, 0.4), (3, 0.3), (4, 0.25)]
    assert store.metrics(job.id) == {"loss": 0.25}


def test_two_starters_start_a_job_once(store: Store, sleepers: Sleepers) -> None:
    for name in ("pets", "birds"):
        store.add("train", name, "ann")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Store(store.path).start_next({"train": 2}, sleepers.spawn), range(16)))
    jobs = [job for job in found if job is not None]
    assert sorted(job.name for job in jobs) == ["birds", "pets"]
    assert len(sleepers.processes) == 2


def test_the_queue_is_served_in_order_and_kinds_apart(store: Store, sleepers: Sleepers) -> None:
    first, second = (store.add("train", name, "ann") for name in ("one", "two"))
    check = store.add("check", "three", "bob")
    assert [store.place(job) for job in (first, second, check)] == [1, 2, 1]
    limits = {"train": 1, "check": 1}
    begun = [store.start_next(limits, sleepers.spawn) for _ in range(3)]
    assert {job.id for job in begun if job} == {first.id, check.id}
    assert store.place(second) == 1


def test_only_the_worker_that_was_started_enters(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    assert store.enter(job.id, sleepers.processes[0].pid).id == job.id
    with pytest.raises(JobError, match="another worker"):
        store.enter(job.id, os.getpid())


def test_cancelling_a_queued_job_ends_it_and_a_running_one_is_asked(store: Store, sleepers: Sleepers) -> None:
    running, queued = started(store, sleepers), store.add("train", "birds", "ann")
    assert store.ask_cancel(queued.id).state is State.CANCELLED
    assert store.ask_cancel(running.id).state is State.PREPARING
    assert store.progress(running.id, Event("load")) is True
    assert store.beat(running.id) is not None


def test_a_worker_that_died_cancelled_was_cancelled(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    store.ask_cancel(job.id)
    sleepers.kill()
    assert store.get(job.id).state is State.CANCELLED


def test_progress_goes_forward_and_phases_may_take_turns(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    for stage, state in (("load", None), ("train", State.TRAINING), ("evaluate", State.EVALUATING)):
        store.progress(job.id, Event(stage, "so far", 3, 7), state)
    store.progress(job.id, Event("train", step=4, total=7), State.TRAINING)
    seen = store.get(job.id)
    assert (seen.state, seen.stage, seen.step, seen.steps) == (State.TRAINING, "train", 4, 7)


def test_metrics_that_are_no_numbers_are_left_out(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    store.progress(job.id, Event("train", step=1, metrics={"loss": math.nan, "eval_accuracy": 0.5}))
    assert store.metrics(job.id) == {"eval_accuracy": 0.5}


def test_a_long_curve_is_thinned_and_keeps_its_end(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    for step in range(257):
        store.progress(job.id, Event("train", step=step, metrics={"loss": 1 / (step + 1)}))
    curve = store.curve(job.id, "loss", points=100)
    assert 50 <= len(curve) <= 100
    assert curve[-1] == (256, pytest.approx(1 / 257))
    assert curve == sorted(curve)
    assert len(store.curve(job.id, "loss", points=1000)) == 257


def test_changes_count_news_and_not_heartbeats(store: Store, sleepers: Sleepers) -> None:
    job = started(store, sleepers)
    before = store.get(job.id).changes
    store.beat(job.id)
    assert store.get(job.id).changes == before
    store.progress(job.id, Event("train", step=1))
    assert store.get(job.id).changes > before


def test_an_owner_lists_only_their_jobs(store: Store) -> None:
    store.add("train", "pets", "ann")
    store.add("train", "birds", "bob")
    assert [job.name for job in store.listed("ann")] == ["pets"]
    assert [job.name for job in store.listed()] == ["birds", "pets"]


def test_an_unknown_job_is_an_error_in_words(store: Store) -> None:
    with pytest.raises(JobError, match="no such job"):
        store.get("nothing")


def test_keys_are_never_shown(store: Store) -> None:
    job = store.add("train", "pets", "ann")
    assert not {job.key, job.owner} & {str(value) for value in job.to_json().values()}
    assert RUNNING and job.to_json()["state"] == "queued"


def wait_until(happened: object, seconds: float = 10) -> None:
    assert callable(happened)
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
child.wait()
"""


def test_a_worker_is_ended_with_its_own_where_there_are_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(os, "killpg")
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        child = psutil.Process(int(worker.stdout.readline()))
        children.end_group(worker.pid)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(ProcessLookupError):
        children.end_group(worker.pid)


@pytest.mark.parametrize("kind", ["check", "train"])
def test_work_that_hangs_is_stopped_and_why_is_told(
    home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It beats, it goes on for ever, and others wait for its place."""
    monkeypatch.setenv("HFTRANSFER_JOB_HOURS", "2")
    store = Store()
    job = store.add(kind, "pets", "ann").id
    assert store.start_next({kind: 1}, sleepers.spawn) is not None

    def after(hours: float) -> Job:
        with store._write() as db:
            db.execute("UPDATE jobs SET started = ?", (time.time() - hours * 3600,))
        store.add(kind, "birds", "ann")
        supervisor.tick()
        return store.get(job)

    monkeypatch.setattr(Limits, "kinds", lambda limits: {})
    bound = 1 if kind == "check" else 2.5
    assert after(bound - 0.1).cancel_asked is None
    assert "took longer" in (after(bound + 0.1).error or {})["cause"]
    monkeypatch.setattr(ending, "KILL_AFTER", 0.0)
    supervisor.tick()
    wait_until(lambda: store.get(job).state is State.CANCELLED)
