"""Jobs that are stopped, finished early, killed and resumed: what they had is never lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import pipeline

from hftransfer.errors import JobError
from hftransfer.jobs import cleaning, ending, supervisor
from hftransfer.jobs import train as train_work
from hftransfer.jobs.states import State
from hftransfer.jobs.store import Store, new_id
from hftransfer.jobs.work import Work, keep
from hftransfer.recipe import Recipe
from hftransfer.workflow import fine_tune
from tests.jobs.test_workers import ENDLESS, ended, state_of, train, wait_for
from tests.tiny import table

LONG = {"strategy": "full", "epochs": 25.0, "patience": 10000, "batch_size": 4}


def trained_a_while(job: str) -> None:
    """Until it has a checkpoint."""
    work = supervisor.folder(job) / "work"
    wait_for(lambda: any(work.glob("phase-*/checkpoint-*/trainer_state.json")), job)


def loads(folder: str | None) -> bool:
    return bool(pipeline("text-classification", model=str(folder))("the day was lovely")[0]["label"])


def test_finished_early_it_is_done_and_measured(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    trained_a_while(job)
    supervisor.finish(job)
    assert ended(job) is State.DONE, supervisor.logs(job)
    found = Store().get(job)
    assert found.result is not None and found.result["stopped_early"] and found.result["metrics"]["accuracy"]
    wait_for(lambda: not (supervisor.folder(job) / "work").exists(), job)  # its checkpoints are of no more use
    assert loads(found.output)


@pytest.mark.slow
def test_when_its_time_is_over_it_is_done_with_its_best(
    home: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFTRANSFER_JOB_HOURS", str(8 / 3600))
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    assert ended(job) is State.DONE, supervisor.logs(job)
    found = Store().get(job)
    assert found.result is not None and found.result["stopped_early"]


def test_one_owner_does_not_fill_the_queue(
    home: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    monkeypatch.setenv("HFTRANSFER_JOBS_PER_OWNER", "2")
    source = table(tmp_path / "t.csv")
    first, _ = (train(bert, source, {}) for _ in range(2))
    with pytest.raises(JobError, match="2 of your jobs already"):
        train(bert, source, {})
    supervisor.submit(str(source), Recipe(), "bob")  # others have their own
    supervisor.cancel(first)
    train(bert, source, {})


@pytest.mark.parametrize("name", ["HFTRANSFER_JOB_HOURS", "HFTRANSFER_JOBS_PER_OWNER", "HFTRANSFER_JOBS_AT_ONCE"])
def test_a_limit_that_is_no_number_is_told(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("many", "-1"):
        monkeypatch.setenv(name, text)
        with pytest.raises(JobError, match=f"'{text}' is no number") as caught:
            supervisor.submit("sample:helpdesk", Recipe(), "ann")
        assert caught.value.place == name
    assert Store().listed() == []


def test_cancelled_it_keeps_its_best(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    trained_a_while(job)
    supervisor.cancel(job)
    assert ended(job) is State.CANCELLED
    found = Store().get(job)
    assert found.model and found.result is not None and found.result["task"] == "text-classification"
    assert loads(found.model)
    assert not Path(str(found.output)).exists()  # that is for whole results alone


@pytest.mark.slow
def test_killed_and_resumed_it_ends_as_if_nothing_had_been(home: Path, bert: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", rows=60)
    job = train(bert, source, LONG)
    trained_a_while(job)
    os.killpg(int(Store().get(job).pid or 0), signal.SIGKILL)
    wait_for(lambda: state_of(job) is State.INTERRUPTED, job)
    assert supervisor.resume(job).state in (State.QUEUED, State.PREPARING)
    assert ended(job) is State.DONE, supervisor.logs(job)
    undisturbed = train(bert, source, LONG)
    assert ended(undisturbed) is State.DONE
    assert figures(job) == figures(undisturbed)
    one, other = (load_file(f"{Store().get(id).output}/model.safetensors") for id in (job, undisturbed))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def figures(job: str) -> Any:
    """All that was measured. The training loss is a mean since the one before, which a kill cuts: it is left out."""
    report = json.loads((Path(str(Store().get(job).output)) / "report.json").read_text())
    return report["metrics"], [{**row, "loss": 0} for row in report["history"]]


@pytest.mark.slow
def test_a_cancelled_one_can_be_resumed(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), LONG)
    trained_a_while(job)
    supervisor.cancel(job)
    assert ended(job) is State.CANCELLED
    supervisor.resume(job)
    assert ended(job) is State.DONE, supervisor.logs(job)
    found = Store().get(job)
    assert found.error is None and found.cancel_asked is None and (Path(str(found.output)) / "report.json").is_file()


def test_what_an_interrupted_one_had_is_kept_when_it_is_given_up(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    trained_a_while(job)
    os.killpg(int(Store().get(job).pid or 0), signal.SIGKILL)
    wait_for(lambda: state_of(job) is State.INTERRUPTED, job)
    assert loads(supervisor.cancel(job).model)


def deafen(worker: int) -> None:
    """It hears nothing more, and holds nothing that others wait for."""
    while True:
        os.kill(worker, signal.SIGSTOP)
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(Store().path, timeout=0.2)) as db:
            db.execute("BEGIN IMMEDIATE")
            return
        os.kill(worker, signal.SIGCONT)


@pytest.mark.slow
def test_one_that_heeds_nothing_is_killed_and_its_best_kept(
    home: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    trained_a_while(job)
    deafen(int(Store().get(job).pid or 0))
    monkeypatch.setattr(ending, "KILL_AFTER", 0.0)
    supervisor.cancel(job)
    wait_for(lambda: bool(supervisor.tick() or state_of(job) is State.CANCELLED), job)
    wait_for(lambda: bool(supervisor.tick() or Store().get(job).model), job)
    assert loads(Store().get(job).model)


@pytest.mark.slow
def test_a_model_that_was_there_outlives_a_run_that_is_given_up(home: Path, bert: Path, tmp_path: Path) -> None:
    """`--overwrite` replaces it by a whole one alone."""
    source = table(tmp_path / "t.csv", rows=60)
    old = fine_tune(source, Recipe(backbone=str(bert), strategy="feature-extraction"), output=tmp_path / "m")
    recipe = Recipe.from_mapping({"backbone": str(bert), **ENDLESS})
    job = supervisor.submit(str(source), recipe, "ann", output=tmp_path / "m", overwrite=True)
    trained_a_while(job)
    supervisor.cancel(job)
    assert ended(job) is State.CANCELLED
    assert json.loads((tmp_path / "m" / "report.json").read_text())["metrics"] == old.report["metrics"]
    assert loads(Store().get(job).model)


@pytest.mark.slow
def test_resumed_it_does_not_take_the_place_of_anothers_model(home: Path, bert: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", rows=60)
    recipe = Recipe.from_mapping({"backbone": str(bert), **LONG})
    job = supervisor.submit(str(source), recipe, "ann", output=tmp_path / "m")
    trained_a_while(job)
    os.killpg(int(Store().get(job).pid or 0), signal.SIGKILL)
    wait_for(lambda: state_of(job) is State.INTERRUPTED, job)
    fine_tune(source, Recipe(backbone=str(bert), strategy="feature-extraction"), output=tmp_path / "m")
    supervisor.resume(job)
    assert ended(job) is State.FAILED
    assert "not empty" in (Store().get(job).error or {})["cause"]
    assert loads(supervisor.cancel(job).model)  # given up, its best is kept


@pytest.mark.slow
def test_a_disk_that_refuses_to_keep_is_told(
    home: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    trained_a_while(job)
    os.killpg(int(Store().get(job).pid or 0), signal.SIGKILL)
    wait_for(lambda: state_of(job) is State.INTERRUPTED, job)

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ending, "keep", full)
    found = supervisor.cancel(job)
    assert found.state is State.CANCELLED and found.model is None
    assert "No space left on device" in (found.error or {})["cause"]
    changes = found.changes
    monkeypatch.setattr(ending, "AGAIN", 0.0)
    supervisor.tick()
    assert Store().get(job).changes == changes  # it was tried again, and nothing is new
    monkeypatch.setattr(ending, "keep", keep)

    def kept() -> bool:
        supervisor.tick()  # another process may be at it just now
        return Store().get(job).model is not None

    wait_for(kept, job)
    assert loads(Store().get(job).model)


def test_killed_after_its_output_was_whole_it_is_done_when_resumed(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "t.csv"), {"strategy": "feature-extraction"})
    assert ended(job) is State.DONE
    found = Store().get(job)
    room = supervisor.folder(job) / "work"
    room.mkdir()
    number = Path(str(found.output)).stat().st_ino
    (room / "staged").write_text(f"{room.parent / '.model.0a1b2c3d.partial'}\n{number}")  # as a run leaves it
    cleaning._sweep(room.parent)
    before = Path(str(found.output), "report.json").stat().st_mtime_ns
    work = Work("gone.csv", Recipe(), Path(str(found.output)), False, room, lambda event: None, lambda: False)
    assert train_work.run(work)["metrics"] == (found.result or {})["metrics"]
    assert Path(str(found.output), "report.json").stat().st_mtime_ns == before


def test_a_model_tells_of_uploads_by_their_names(home: Path, bert: Path, tmp_path: Path) -> None:
    given = home / "uploads" / "ann" / new_id() / "more.txt"
    given.parent.mkdir(parents=True)
    given.write_text("the day was lovely\nthe day was awful\n")
    recipe, room = Recipe(backbone=str(bert), strategy="feature-extraction", pseudo_label=str(given)), tmp_path / "work"
    work = Work(str(table(tmp_path / "t.csv")), recipe, tmp_path / "m", False, room, lambda event: None, lambda: False)
    assert train_work.run(work)["recipe"]["pseudo_label"] == "more.txt"
    texts = {file.name: file.read_text() for file in work.output.iterdir() if file.suffix in (".json", ".html", ".md")}
    assert not [name for name, text in texts.items() if str(home) in text] and "more.txt" in texts["report.html"]


@pytest.mark.slow
def test_what_is_done_or_goes_on_is_not_resumed(home: Path, bert: Path, tmp_path: Path) -> None:
    job = train(bert, table(tmp_path / "t.csv"), {"strategy": "feature-extraction"})
    with pytest.raises(JobError):
        supervisor.resume(job)
    assert ended(job) is State.DONE
    with pytest.raises(JobError, match="done cannot become queued"):
        supervisor.resume(job)


def shell(*words: object) -> Any:
    command = [sys.executable, "-m", "hftransfer", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return json.loads(done.stdout), done.returncode


def test_the_shell_sees_the_same_jobs(home: Path, bert: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv")
    given, code = shell("train", source, "-o", tmp_path / "m", "--backbone", bert, "--detach")
    assert code == 0 and set(given) == {"job"}
    job = given["job"]
    assert ended(job) is State.DONE, supervisor.logs(job)
    shown, code = shell("jobs", "show", job)
    assert code == 0 and shown["state"] == "done" and shown["output"] == str(tmp_path / "m")
    assert {"job", "state", "stage", "step", "steps", "pid", "metrics", "output", "error"} <= set(shown)
    listed, _ = shell("jobs", "list")
    assert [row["job"] for row in listed["jobs"]] == [job]
    assert (tmp_path / "m" / "model.safetensors").is_file()
    refused, code = shell("train", source, "-o", tmp_path / "m", "--backbone", bert, "--detach")
    assert code == 2 and "not empty" in refused["error"]["cause"]
    refused, code = shell("jobs", "resume", job)
    assert code == 2 and "cannot become queued" in refused["error"]["cause"]
    refused, code = shell("jobs", "show", "nothing")
    assert code == 2 and "no such job" in refused["error"]["cause"]
