"""Whose login a job goes by: a visitor's token is its own job's alone, and this machine's own is no visitor's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from hftransfer.errors import JobError
from hftransfer.jobs import children, cleaning, push, supervisor, worker
from hftransfer.jobs.asking import is_visitors
from hftransfer.jobs.beside import given_to_work
from hftransfer.jobs.states import State
from hftransfer.jobs.store import Store
from hftransfer.jobs.work import Work
from hftransfer.recipe import Recipe
from tests.jobs.test_room import old
from tests.jobs.test_workers import ended, wait_for
from tests.tiny import table

THEIRS, OURS = "hf_of_a_visitor", "hf_of_this_machine"
SENT = "from huggingface_hub.utils import build_hf_headers; print(build_hf_headers().get('authorization'))"


@pytest.fixture
def queued(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "tick", lambda: None)  # nothing starts by itself


def pushed(source: Path, token: str = THEIRS) -> str:
    return supervisor.submit(str(source), Recipe(), "ann", kind="push", token=token, asked={"repo": "ann/x"})


def sent(environment: dict[str, str]) -> str:
    """The login that the Hub's package would send, by a process in that environment."""
    asked = subprocess.run([sys.executable, "-c", SENT], env=environment, capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def test_a_job_that_a_worker_with_a_token_starts_next_has_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    started: list[dict[str, str]] = []
    with monkeypatch.context() as still:
        still.setattr(supervisor, "tick", lambda: None)
        first = pushed(tmp_path)
        supervisor.submit(str(table(tmp_path / "t.csv")), Recipe(), "bob", kind="check")
    itself = os.getpid(), psutil.Process().create_time()
    Store().start_next({"push": 1}, lambda job: itself)

    def spawn(job: object) -> tuple[int, float]:
        started.append(children.environment())
        return itself

    monkeypatch.setattr(supervisor, "_spawn", spawn)
    seen: list[str | None] = []
    monkeypatch.setattr(push, "run", lambda work: seen.append(os.environ.get("HF_TOKEN")) or {})
    assert worker.main(first) == 0
    assert seen == [THEIRS] and len(started) == 1
    assert THEIRS not in started[0].values() and "HF_TOKEN" not in started[0]


def test_only_a_training_is_gone_on_with(queued: None, tmp_path: Path) -> None:
    job = pushed(tmp_path)
    supervisor.cancel(job)
    with pytest.raises(JobError, match="only a training"):
        supervisor.resume(job)
    assert Store().get(job).state is State.CANCELLED


def test_a_push_whose_token_is_gone_is_not_made_by_another_login(
    queued: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", OURS)
    asked = supervisor.request(Store().get(pushed(tmp_path)))
    assert asked["own_token"] and THEIRS not in str(asked)
    work = Work(str(tmp_path), Recipe(), tmp_path, False, tmp_path, lambda event: None, lambda: False, asked=asked)
    with pytest.raises(JobError, match="token .* is gone"):
        push.run(work)


def test_what_visitors_give_is_read_without_this_machines_login(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", OURS)
    assert sent(children.environment()) == f"Bearer {OURS}"
    assert sent(children.environment(visitors=True)) == "None"
    monkeypatch.setenv(children.SHARED, "1")
    assert sent(children.environment()) == "None"
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(OURS)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    assert sent(children.environment()) == "None"
    monkeypatch.setattr(os, "environ", children.environment())
    with given_to_work(THEIRS):  # and yet a visitor can push by their own
        assert sent(dict(os.environ)) == f"Bearer {THEIRS}"
    assert sent(dict(os.environ)) == "None"


def test_a_visitors_job_stays_one_whoever_starts_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    monkeypatch.setenv(children.SHARED, "1")
    theirs = supervisor.submit("sample:digits", Recipe(), "ann")
    monkeypatch.delenv(children.SHARED)
    ours = supervisor.submit("sample:digits", Recipe(), "shell")
    assert [is_visitors(Store().get(job)) for job in (theirs, ours)] == [True, False]
    monkeypatch.setenv("HF_TOKEN", OURS)
    monkeypatch.setattr(supervisor, "command", lambda *given: [sys.executable, "-c", SENT])
    said: list[str] = []
    for job in (theirs, ours):
        supervisor._spawn(Store().get(job))
        wait_for(lambda job=job: "\n" in supervisor.logs(job), job)
        said.append(supervisor.logs(job).strip())
    assert said == ["None", f"Bearer {OURS}"]


def test_a_token_of_a_job_that_never_ran_goes(queued: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pushed(tmp_path), pushed(tmp_path)
    monkeypatch.setattr(supervisor, "_spawn", lambda job: (_ for _ in ()).throw(OSError(12, "no memory")))
    supervisor._stir(Store(), {"push": 1})
    assert not (supervisor.folder(first) / "token").exists() and Store().get(first).state is State.FAILED
    left = pushed(tmp_path)
    Store().move(left, State.CANCELLED)
    old(supervisor.folder(left) / "token", 1)
    waits = pushed(tmp_path)
    old(supervisor.folder(waits) / "token", 1)
    monkeypatch.setattr(cleaning, "EVERY", 0.0)
    cleaning.clean(Store())
    assert [(supervisor.folder(job) / "token").exists() for job in (second, left, waits)] == [False, False, True]


def test_a_relative_home_is_the_same_one_for_the_worker(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HFTRANSFER_HOME", "near")
    job = supervisor.submit(str(table(tmp_path / "t.csv")), Recipe(), "ann", kind="check")
    assert ended(job) is State.DONE, supervisor.logs(job)
    assert str(Store().get(job).output).startswith(str(tmp_path / "near"))
