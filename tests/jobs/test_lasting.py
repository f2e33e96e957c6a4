"""What outlasts a stop, a kill, a power cut and a long absence: checkpoints, the time spent, the best model."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hftransfer import workflow
from hftransfer.checkpoints import LEADER, SPENT, STAGED, best, figures, keep, seconds_spent
from hftransfer.jobs import cleaning, supervisor
from hftransfer.jobs.states import State
from hftransfer.jobs.store import Store
from hftransfer.jobs.worker import Pulse
from hftransfer.recipe import Recipe
from hftransfer.values import Event, Listener
from hftransfer.workflow import fine_tune
from tests.jobs.test_cut_short import loads
from tests.jobs.test_room import aged
from tests.jobs.test_workers import ended, wait_for
from tests.tiny import table


class Cut(BaseException):
    pass


def recipe(bert: Path, **choices: object) -> Recipe:
    return Recipe.from_mapping({"backbone": str(bert), "strategy": "full", "batch_size": 8, "epochs": 3.0, **choices})


def cut_at(step: int, seen: Listener = lambda event: None) -> Listener:
    """Ends the run at a step of its training."""

    def listen(event: Event) -> None:
        seen(event)
        if event.stage == "train" and event.total and event.step >= step:
            raise Cut

    return listen


def cut_in(stage: str) -> Listener:
    def listen(event: Event) -> None:
        if event.stage == stage:
            raise Cut

    return listen


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was written through to the disk itself, in order, and `-> NAME` for each renaming."""
    names: list[str] = []
    sync, rename = os.fsync, Path.rename

    def noting(handle: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        sync(handle)

    def renaming(path: Path, target: Path) -> Path:
        names.append(f"-> {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr(Path, "rename", renaming)
    return names


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc, to see open files")


@needs_proc
def test_a_model_is_on_the_disk_before_it_has_its_name(tmp_path: Path, synced: list[str]) -> None:
    def write(folder: Path) -> None:
        (folder / "shards").mkdir()
        (folder / "shards" / "one.safetensors").write_bytes(b"x")

    keep(tmp_path / "room", "finished", write, 0.5)
    assert set(synced[:4]) == {"shards", "one.safetensors", "figures.json", "finished.part"}
    assert synced[4:] == ["-> finished", "room"]


def test_of_two_models_one_is_there_whenever_a_kill_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after each step that takes a name from the disk, or gives one."""
    rename, rmtree, left = Path.rename, shutil.rmtree, [0]

    def counted(do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                raise Cut
            return do(*args, **more)

        return step

    def write(folder: Path) -> None:
        (folder / "config.json").write_text("{}")

    keep(tmp_path, LEADER, write, 0)
    monkeypatch.setattr(Path, "rename", counted(rename))
    monkeypatch.setattr(shutil, "rmtree", counted(rmtree))
    seen = []
    for number in range(1, 9):
        left[0] = number
        with suppress(Cut):
            keep(tmp_path, LEADER, write, number)
        seen.append(figures(tmp_path, LEADER))
        folder = best(tmp_path)
        assert folder and (folder / "config.json").is_file()
    assert seen == [0, 0, 0, 0, 5, 6, 7, 8]
    assert [path.name for path in tmp_path.iterdir()] == [LEADER]


@needs_proc
def test_what_a_run_notes_while_it_goes_on(
    home: Path, bert: Path, tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints before what makes them whole, the folder that becomes the output, and the time spent."""
    monkeypatch.setattr(workflow, "NOTED", 0.0)
    work = tmp_path / "work"
    noted: list[tuple[bool, float]] = []

    def look(event: Event) -> None:
        noted.append((Path((work / STAGED).read_text()).is_dir(), seconds_spent(work).get("train", 0.0)))

    source, given = table(tmp_path / "t.csv", rows=60), recipe(bert, epochs=6.0, patience=10000)
    with pytest.raises(Cut):
        fine_tune(source, given, output=tmp_path / "m", workdir=work, on_event=cut_at(60, look))
    assert all(there for there, _ in noted) and noted[-1][1] > noted[-5][1] > 0
    assert not list(tmp_path.glob(".m*")) and not (work / STAGED).exists()
    newest = next(name for name in synced if name.startswith("checkpoint-"))
    assert synced.index("optimizer.pt") < synced.index(newest) < synced.index("trainer_state.json")
    assert len(list(work.glob("phase-*/checkpoint-*"))) <= 2  # the newest and the best

    before = json.loads((work / SPENT).read_text())
    added = {"total": before["total"] + 1000, "train": before["train"] + 700, "load": before["load"]}
    (work / SPENT).write_text(json.dumps(added))
    done = fine_tune(source, given, output=tmp_path / "n", workdir=work)
    assert done.report["seconds"]["total"] > 1000 and done.report["seconds"]["train"] > 700


def test_a_budget_that_earlier_attempts_spent_is_spent(home: Path, bert: Path, tmp_path: Path) -> None:
    source, given = table(tmp_path / "t.csv", rows=60), recipe(bert, budget="10m", epochs=1000.0, patience=10000)
    with pytest.raises(Cut):
        fine_tune(source, given, output=tmp_path / "m", workdir=tmp_path / "w", on_event=cut_at(20))
    (tmp_path / "w" / SPENT).write_text(json.dumps({"total": 700.0, "train": 601.0}))
    for stage in ("save", "never"):  # killed when all is trained, too, it ends with what was trained
        with suppress(Cut):
            fine_tune(source, given, output=tmp_path / "m", workdir=tmp_path / "w", on_event=cut_in(stage))
        history = json.loads(next((tmp_path / "w").glob("*full/finished/figures.json")).read_text())["history"]
        assert 11 < history[-1]["step"] < 20  # one more than the checkpoint
    report = json.loads((tmp_path / "m" / "report.json").read_text())
    assert report["stopped_early"] and report["history"][-len(history) :] == history


def test_a_jobs_hours_count_what_earlier_attempts_took(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFTRANSFER_JOB_HOURS", "1")
    assert Pulse(Store(), "job", 3700.0).finish() and not Pulse(Store(), "job", 3000.0).finish()


@pytest.mark.slow
def test_of_a_run_that_was_cut_short_long_ago_the_model_stays_and_going_on_begins_anew(
    home: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    source = table(tmp_path / "t.csv", rows=60)
    job = supervisor.submit(str(source), recipe(bert), "ann")
    work, output = supervisor.folder(job) / "work", supervisor.folder(job) / "model"
    with pytest.raises(Cut):
        fine_tune(source, recipe(bert), output=output, workdir=work, on_event=cut_at(20))
    Store().move(job, State.PREPARING)
    Store().move(job, State.INTERRUPTED)
    monkeypatch.setattr(cleaning, "EVERY", 0.0)
    aged(job, 29)
    supervisor.tick()
    assert list(work.glob("phase-*/checkpoint-*"))
    aged(job, 2)
    supervisor.tick()
    assert not work.exists()
    found = Store().get(job)
    assert found.state is State.INTERRUPTED and loads(found.model)
    assert supervisor.cancel(job).model == found.model  # given up, it is there as before
    supervisor.resume(job)
    assert supervisor.cancel(job).model == found.model  # and after an attempt that came to nothing
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "1")
    supervisor.resume(job)
    assert ended(job) is State.DONE, supervisor.logs(job)
    wait_for(lambda: not work.exists() and not (supervisor.folder(job) / "kept").exists(), job)
    assert Store().get(job).model == str(output) and loads(str(output))
