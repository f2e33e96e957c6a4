"""Real workers on real (tiny) work: they end well, badly, by wish, and by force."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from hftransfer.errors import JobError, SourceError
from hftransfer.jobs import check, limits, supervisor, worker
from hftransfer.jobs.inference import Inference
from hftransfer.jobs.states import ENDED, State
from hftransfer.jobs.store import Store
from hftransfer.recipe import Recipe
from tests.tiny import table

SHORT = {"strategy": "full", "epochs": 2.0, "batch_size": 8}
ENDLESS = {"strategy": "full", "epochs": 10000.0, "patience": 10000, "batch_size": 8}


def wait_for(happened: Callable[[], bool], job: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not in time: {supervisor.show(job)}\n{supervisor.logs(job)}"
        time.sleep(0.1)


def state_of(job: str) -> State:
    return Store().get(job).state


def ended(job: str) -> State:
    wait_for(lambda: state_of(job) in ENDED, job)
    return state_of(job)


def train(bert: Path, source: Path, choices: dict[str, object]) -> str:
    return supervisor.submit(str(source), Recipe.from_mapping({"backbone": str(bert), **choices}), "ann")


def test_a_check_tells_what_the_data_is(home: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "days.csv")
    job = supervisor.submit(str(source), Recipe(), "ann", kind="check")
    assert ended(job) is State.DONE, supervisor.logs(job)
    found = Store().get(job).result
    assert found is not None
    assert (found["task"], found["rows"], found["labels"]) == ("text-classification", 40, {"bad": 20, "good": 20})


def test_bad_data_fails_in_words(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip")
    job = supervisor.submit(str(broken), Recipe(), "ann", kind="check")
    assert ended(job) is State.FAILED
    error = Store().get(job).error
    assert error is not None and "broken.zip" in error["place"] and error["cause"] and error["fix"]
    assert "Traceback" not in supervisor.logs(job)


def test_a_fault_points_to_the_log_and_the_traceback_stays_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    job = supervisor.submit(str(table(tmp_path / "days.csv")), Recipe(), "ann")
    (supervisor.folder(job) / supervisor.REQUEST).write_text("{")
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "1")
    supervisor.tick()
    assert ended(job) is State.FAILED
    error = Store().get(job).error
    assert error is not None and "log" in error["fix"] and "Traceback" not in json.dumps(error)
    assert "Traceback" in supervisor.logs(job)


def test_training_ends_in_a_model_that_a_warm_process_answers_for(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "days.csv"), SHORT)
    assert ended(job) is State.DONE, supervisor.logs(job)
    shown = supervisor.show(job)
    assert {"loss", "eval_accuracy"} <= set(shown["metrics"])
    assert (Path(shown["output"]) / "model.safetensors").exists()
    inference = Inference()
    try:
        answers = inference.ask(shown["output"], ["the day was lovely happy", "the day was sad awful"])
        assert {answer["prediction"] for answer in answers} <= {"good", "bad"}
        first = inference.pid
        assert inference.ask(shown["output"], []) == [] and inference.pid == first
        psutil.Process(first).kill()
        again = inference.ask(shown["output"], ["the day was sad awful"])[0]
        assert again["scores"] == pytest.approx(answers[1]["scores"], abs=1e-5)
        assert inference.pid != first
        with pytest.raises((SourceError, JobError, OSError), match="no such folder|holds no"):
            inference.ask(str(tmp_path / "nothing"), ["a"])
        assert len(inference.ask(shown["output"], ["a"])) == 1
    finally:
        inference.close()


def test_a_killed_worker_is_interrupted_and_the_next_one_starts_and_can_be_stopped(
    home: Path, bert: Path, tmp_path: Path
) -> None:
    source = table(tmp_path / "days.csv")
    first, second = (train(bert, source, ENDLESS) for _ in range(2))
    store = Store()
    assert (state_of(second), store.place(store.get(second))) == (State.QUEUED, 1)
    wait_for(lambda: state_of(first) is State.TRAINING, first)
    os.kill(int(store.get(first).pid or 0), signal.SIGKILL)
    wait_for(lambda: state_of(first) is State.INTERRUPTED, first, 10)
    wait_for(lambda: state_of(second) is State.TRAINING and store.get(second).step > 0, second)
    supervisor.cancel(second)
    assert ended(second) is State.CANCELLED
    assert not Path(str(store.get(second).output)).exists()
    left = {path.name for path in supervisor.folder(second).iterdir()}
    allowed = {"log.txt", "request.json", "work", "kept", "kept.json"}
    assert {"log.txt", "request.json"} <= left <= allowed  # nothing half-written


def test_a_worker_told_to_go_is_interrupted_and_not_cancelled(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "days.csv"), ENDLESS)
    wait_for(lambda: state_of(job) is State.TRAINING, job)
    os.kill(int(Store().get(job).pid or 0), signal.SIGTERM)
    assert ended(job) is State.INTERRUPTED


def test_a_second_sigterm_does_not_break_into_the_tidying_up() -> None:
    before = signal.signal(signal.SIGTERM, worker._stop)
    try:
        with pytest.raises(worker.Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture
def itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., State]:
    """This process as the worker of a check that does what is given; the state it leaves."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(supervisor, "tick", lambda: None)

    def work(act: Callable[[object], object]) -> State:
        monkeypatch.setattr(check, "run", act)
        job = supervisor.submit("sample:digits", Recipe(), "ann", kind="check")
        Store().start_next({"check": 1}, lambda job: (os.getpid(), psutil.Process().create_time()))
        try:
            assert worker.main(job) == 0
        finally:
            signal.signal(signal.SIGTERM, before)
        return state_of(job)

    return work


def test_work_that_a_stop_breaks_is_cancelled_and_has_not_failed(itself: Callable[..., State]) -> None:
    def broken(work: object) -> None:
        (job,) = Store().running()
        Store().ask_cancel(job.id)
        raise ImportError("cannot import name 'x': what an import makes of a stop amid it")

    assert itself(broken) is State.CANCELLED


def test_what_cannot_be_stored_is_told_instead(itself: Callable[..., State]) -> None:
    assert itself(lambda work: {"examples": {"a": object()}}) is State.FAILED
    error = Store().listed()[0].error
    assert error is not None and "log" in error["fix"]


@pytest.mark.parametrize("refused", [False, True])
def test_a_wish_to_stop_that_comes_when_the_work_is_over_does_not_take_its_word(
    itself: Callable[..., State], monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    ended = worker.Pulse.__exit__

    def late(pulse: worker.Pulse, *given: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        ended(pulse, *given)

    def act(work: object) -> dict[str, int]:
        if refused:
            raise SourceError("bad data")
        return {"rows": 7}

    monkeypatch.setattr(worker.Pulse, "__exit__", late)
    assert itself(act) is (State.FAILED if refused else State.DONE)


def test_the_heart_beats_on_after_an_error_of_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BEAT", 0.02)
    store = Store(tmp_path / "jobs.sqlite3")
    job = store.add("train", "pets", "ann").id
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("ALTER TABLE jobs RENAME TO away")
        with worker.Pulse(store, job):
            time.sleep(0.2)
            db.execute("ALTER TABLE away RENAME TO jobs")
            time.sleep(0.5)
    assert store.get(job).heartbeat is not None


def test_a_wrong_number_of_jobs_is_told_in_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.AT_ONCE, "x")
    with pytest.raises(JobError, match="'x' is no number"):
        supervisor.tick()
    monkeypatch.setenv(limits.AT_ONCE, "1")


def test_a_name_too_long_for_a_path_is_submitted_as_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.AT_ONCE, "0")
    job = supervisor.submit("sample:digits", Recipe(backbone="x" * 300), "ann")
    assert supervisor.request(Store().get(job))["recipe"]["backbone"] == "x" * 300


SUBMIT_AND_DIE = """
import os, signal, sys
from hftransfer.jobs import supervisor
from hftransfer.recipe import Recipe
print(supervisor.submit(sys.argv[1], Recipe(), "ann", kind="check"), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_job_survives_who_submitted_it_and_holds_no_token(home: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "days.csv")
    environment = {**os.environ, "HF_TOKEN": "hf_secret_of_ann"}
    submitter = subprocess.run(
        [sys.executable, "-c", SUBMIT_AND_DIE, str(source)], env=environment, capture_output=True, text=True
    )
    assert submitter.returncode == -signal.SIGKILL, submitter.stderr
    job = submitter.stdout.strip()
    assert ended(job) is State.DONE, supervisor.logs(job)
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert kept and not any(b"hf_secret_of_ann" in path.read_bytes() for path in kept)


def test_only_the_owner_and_who_has_the_key_find_a_job(home: Path) -> None:
    job = Store().add("train", "pets", supervisor.owner_of("ann's secret"))
    assert supervisor.find(job.id, supervisor.owner_of("ann's secret")).id == job.id
    assert supervisor.find(job.id, "", job.key).id == job.id
    for owner, key in (("", ""), (supervisor.owner_of("bob's"), ""), (supervisor.owner_of("bob's"), "guess")):
        with pytest.raises(JobError, match="no such run"):
            supervisor.find(job.id, owner, key)
    with pytest.raises(JobError, match="no such run"):
        supervisor.find("../../etc", "")


def test_paths_last_wherever_the_worker_starts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(tmp_path / "days.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    job = supervisor.submit("days.csv", Recipe(test="days.csv", backbone="owner/name"), "ann")
    asked = supervisor.request(Store().get(job))
    assert (asked["source"], asked["recipe"]["test"]) == (str(tmp_path / "days.csv"),) * 2
    assert asked["recipe"]["backbone"] == "owner/name"


def test_the_store_and_the_supervisor_stay_light() -> None:
    code = "import sys, hftransfer.jobs.supervisor; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    assert "hftransfer.jobs.store" in loaded
    assert not loaded & {"torch", "transformers", "datasets", "evaluate", "gradio", "numpy", "pandas"}
