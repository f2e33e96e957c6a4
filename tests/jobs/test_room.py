"""Room on the disk: quotas, deleting runs, and what is cleaned away by itself."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from hftransfer.checkpoints import STAGED
from hftransfer.errors import JobError, OutputError
from hftransfer.jobs import cleaning, folders, room, supervisor
from hftransfer.jobs.limits import Limits
from hftransfer.jobs.states import State
from hftransfer.jobs.store import Store, new_id
from hftransfer.output import abandon, arrived, staged
from hftransfer.recipe import Recipe
from hftransfer.terminal import lines
from tests.jobs.test_cut_short import shell


@pytest.fixture(autouse=True)
def nothing_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "kinds", lambda limits: {"check": 0, "train": 0})


def upload(home: Path, owner: str = "ann", size: int = 1000) -> Path:
    folder = home / "uploads" / owner / new_id()
    folder.mkdir(parents=True)
    (folder / "pets.zip").write_bytes(b"x" * size)
    return folder / "pets.zip"


def submitted(source: object = "sample:digits", owner: str = "ann", **given: Any) -> str:
    return supervisor.submit(str(source), Recipe(), owner, **given)


def made(state: State = State.DONE, *, source: object = "sample:digits", size: int = 1000, **given: Any) -> str:
    """A job in that state, with the files that one has."""
    job = submitted(source, **given)
    model = supervisor.folder(job) / ("model" if state is State.DONE else "work")
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"x" * size)
    ended(job, state)
    return job


def ended(job: str, state: State) -> None:
    if state is not State.CANCELLED:
        Store().move(job, State.PREPARING)
    Store().move(job, state, **({"result": {"kept": None}} if state is State.CANCELLED else {}))


def aged(job: str, days: float) -> None:
    """As if it had ended long ago."""
    with Store()._write() as db:
        db.execute("UPDATE jobs SET ended = ended - ?, created = created - ?", (days * 86400, days * 86400))
    old(supervisor.folder(job), days)


def old(path: Path, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "EVERY", 0.0)
    supervisor.tick()


# What there is room for


def test_an_owners_room_is_bounded_and_the_error_says_how_much_is_used(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = made(size=6_000_000)
    made(owner="bob", size=6_000_000)
    monkeypatch.setenv("HFTRANSFER_OWNER_GB", "0.010")
    supervisor.require_room("ann", 3_000_000)
    with pytest.raises(OutputError, match="your runs and uploads take 6 MB of 10 MB, and 5 MB more") as caught:
        supervisor.require_room("ann", 5_000_000)
    assert "delete a run" in caught.value.fix
    upload(home, size=4_000_000)
    for kind in ("train", "recommend"):  # which downloads backbones, and keeps features
        with pytest.raises(OutputError, match="10 MB of 10 MB\n"):
            submitted(kind=kind)
    submitted(kind="check")  # it leaves next to nothing
    submitted(owner="bob")
    supervisor.delete(job)
    submitted()


def test_everybodys_room_is_bounded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = made(size=6_000_000)
    monkeypatch.setenv("HFTRANSFER_DISK_GB", "0.006")
    with pytest.raises(OutputError, match="all runs and uploads here take 6 MB of 6 MB"):
        submitted(owner="bob")
    supervisor.delete(job)
    submitted(owner="bob")


def test_a_file_with_two_names_counts_once(home: Path) -> None:
    job = made(size=1_000_000)
    model = supervisor.folder(job) / "model" / "model.safetensors"
    os.link(model, supervisor.folder(job) / "kept.safetensors")
    assert 1_000_000 <= room.used_by("ann") < 1_100_000
    assert 1_000_000 <= room.used_by_all() < 1_100_000


def test_a_disk_that_is_nearly_full_takes_no_run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setenv("HFTRANSFER_FREE_GB", str(2 * free / 1e9))
    for given in ({}, {"output": tmp_path / "a" / "b"}):
        with pytest.raises(OutputError, match="nearly full: .* are taken, .* are free"):
            submitted(**given)
    assert Store().listed() == []
    refused, code = shell("train", "sample:digits", "-o", tmp_path / "m", "--detach")
    assert code == 2 and "nearly full" in refused["error"]["cause"]


@pytest.mark.parametrize(
    "name", ["HFTRANSFER_DISK_GB", "HFTRANSFER_OWNER_GB", "HFTRANSFER_FREE_GB", "HFTRANSFER_KEEP_DAYS"]
)
def test_a_bound_that_is_no_number_is_told(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("plenty", "-1", "nan", "inf"):
        monkeypatch.setenv(name, text)
        with pytest.raises(JobError, match=f"'{text}' is no number"):
            submitted()


def test_before_a_run_is_refused_the_caches_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest of each may be in use."""
    for name in ("datasets", "features"):
        for entry, days in (("older", 2.0), ("newest", 1.0)):
            (home / name / entry).mkdir(parents=True)
            (home / name / entry / "rows.arrow").write_bytes(b"x")
            old(home / name / entry, days)
    monkeypatch.setenv("HFTRANSFER_FREE_GB", str(2 * shutil.disk_usage(home).free / 1e9))
    with pytest.raises(OutputError, match="nearly full"):
        submitted()
    assert [path.name for path in home.glob("*/*er")] == [] and len(list(home.glob("*/newest"))) == 2


def test_an_output_that_is_named_by_no_text_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no text"):
        submitted(output=tmp_path / "m\udcff")
    submitted("pets\udcff.csv")  # a source is only told of
    assert len(Store().listed()) == 1


def test_a_training_names_its_output_and_a_person_is_told_of_none_that_is_not_there(home: Path) -> None:
    done, failed, check = made(), made(State.FAILED), submitted(kind="check")
    shown = {id: supervisor.show(id)["output"] for id in (done, failed, check)}
    assert shown == {**{id: str(supervisor.folder(id) / "model") for id in (done, failed)}, check: None}
    assert "/" not in lines.job(supervisor.show(failed)) and shown[done] in lines.job(supervisor.show(done))


# Deleting


def test_a_deleted_run_is_gone_with_all_that_is_its_own(home: Path, tmp_path: Path) -> None:
    given = upload(home)
    own = tmp_path / "my-model"
    own.mkdir()
    (own / "model.safetensors").touch()
    job, other = made(source=given, output=own), made()
    supervisor.delete(job)
    assert [left.id for left in Store().listed()] == [other]
    assert not (home / "jobs" / job).exists() and (home / "jobs" / other / "model").exists()
    assert not given.parent.exists()
    assert (own / "model.safetensors").exists()
    with pytest.raises(JobError, match="no such job"):
        supervisor.delete(job)


def test_an_upload_stays_while_another_run_names_it(home: Path) -> None:
    given = upload(home)
    check, *runs = submitted(given, kind="check"), made(source=given), made(source=given)
    ended(check, State.DONE)
    supervisor.delete(runs[0])
    assert given.exists()
    supervisor.delete(runs[1])
    assert given.exists()  # the page that had it checked may still train on it
    with Store()._write() as db:
        db.execute("UPDATE jobs SET created = created - 7200")
    supervisor.delete(made(source=given))
    assert not given.exists()


@pytest.mark.skipif(os.name == "nt", reason="needs links, which Windows gives to the privileged alone")
def test_an_upload_is_named_whatever_the_home_is_called(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = upload(home)
    job = submitted(given)
    old(given.parent, 3)
    (tmp_path / "other").symlink_to(home)
    monkeypatch.setenv("HFTRANSFER_HOME", str(tmp_path / "other"))
    cleaned(monkeypatch)
    assert given.exists()
    ended(job, State.FAILED)
    supervisor.delete(job)
    assert not given.exists()


def test_what_was_found_out_about_an_upload_goes_with_it(home: Path) -> None:
    given = upload(home)
    briefs = [submitted(given, kind=kind) for kind in ("check", "plan")]
    for job in briefs:
        ended(job, State.DONE)
    run, other = made(source=given), submitted(upload(home), kind="check")
    with Store()._write() as db:
        db.execute("UPDATE jobs SET created = created - 7200")
    supervisor.delete(run)
    assert [job.id for job in Store().listed()] == [other] and Store().half_deleted() == []
    assert not given.exists() and not any((home / "jobs" / job).exists() for job in (run, *briefs))


def test_answers_of_a_run_that_was_deleted_are_not_kept(home: Path) -> None:
    job = Store().get(made())
    supervisor.delete(job.id)
    with pytest.raises(JobError):
        supervisor.keep_answers(job, "input,prediction\n")
    assert not (home / "jobs" / job.id).exists()


def test_only_what_has_ended_is_deleted(home: Path) -> None:
    job = submitted()
    with pytest.raises(JobError, match="queued has not ended") as caught:
        supervisor.delete(job)
    assert "cancel" in caught.value.fix and (home / "jobs" / job / "request.json").exists()


def test_a_deletion_that_was_killed_midway_is_gone_on_with(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = upload(home)
    again, later = made(source=given), made()

    def killed(path: object, **options: object) -> None:
        raise KeyboardInterrupt

    for job in (again, later):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(shutil, "rmtree", killed)
            supervisor.delete(job)
    assert Store().listed() == []
    with pytest.raises(JobError):
        supervisor.find(again, "ann")
    supervisor.delete(again)
    assert not (home / "jobs" / again).exists() and not given.exists()
    cleaned(monkeypatch)
    assert not (home / "jobs" / later).exists() and Store().half_deleted() == []


def test_the_shell_deletes(home: Path) -> None:
    job = made()
    assert shell("jobs", "delete", job) == ({"job": job, "deleted": True}, 0)
    refused, code = shell("jobs", "delete", job)
    assert code == 2 and "no such job" in refused["error"]["cause"]
    refused, code = shell("jobs", "delete", "../../etc")
    assert code == 2 and "no such job" in refused["error"]["cause"]


# Cleaning


def test_old_checks_and_uploads_without_a_run_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked, trained, lost, new = (upload(home) for _ in range(4))
    check, run = submitted(checked, kind="check"), made(source=trained)
    ended(check, State.DONE)
    aged(check, 3)
    for path in (checked, trained, lost):
        old(path.parent, 3)
    young = submitted(new, kind="check")
    ended(young, State.DONE)
    cleaned(monkeypatch)
    assert {job.id for job in Store().listed()} == {run, young}
    assert [path.exists() for path in (checked, trained, lost, new)] == [False, True, False, True]


def test_what_killed_runs_left_half_written_goes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, young = made(State.INTERRUPTED), made(State.INTERRUPTED)
    for folder in map(supervisor.folder, (job, young)):
        (folder / ".model.0a1b2c3d.partial").mkdir()
        (folder / "work" / "phase-01-full" / "start.part").mkdir(parents=True)
        (folder / "work" / "leader.part").mkdir()
    with Store()._write() as db:
        db.execute("UPDATE jobs SET ended = ended - 7200 WHERE id = ?", (job,))
    cleaned(monkeypatch)
    left = [sorted(path.name for path in supervisor.folder(one).rglob("*")) for one in (job, young)]
    assert left[0] == ["model.safetensors", "phase-01-full", "request.json", "work"]
    assert {".model.0a1b2c3d.partial", "start.part", "leader.part"} <= set(left[1])


def test_a_job_that_was_never_written_down_goes_but_no_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stray, model = supervisor.folder(new_id()), supervisor.folder(new_id())
    (stray / "answers").mkdir()  # a run that was deleted while it answered
    (model / "model").mkdir()
    (model / "model" / "config.json").touch()
    for folder in (stray, model):
        old(folder, 3)
    supervisor.folder(new_id())
    cleaned(monkeypatch)
    assert not stray.exists() and model.exists() and len(list((home / "jobs").glob("*/"))) == 2


def test_one_process_cleans_and_not_often(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    assert [store.due("clean", 3600.0) for _ in range(3)] == [True, False, False]
    assert store.due("other", 3600.0)
    assert store.due("clean", 0.0)
    with store._write() as db:
        db.execute("UPDATE chores SET begun = begun + 86400")  # the clock was set back since
    assert store.due("clean", 3600.0)
    monkeypatch.setattr(Store, "_waits", lambda *given: True)  # all have looked before the first of them has begun
    assert [Store().due("clean", 3600.0) for _ in range(2)] == [False, False]


def test_what_cannot_be_cleaned_stops_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = made(State.INTERRUPTED)
    aged(job, 31)
    lost = upload(home)
    old(lost.parent, 3)

    def refuse(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(cleaning, "keep", refuse)
    cleaned(monkeypatch)
    assert not lost.exists() and (supervisor.folder(job) / "work").exists()


def test_what_a_worker_left_that_died_right_after_its_last_word_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = made()
    folder = supervisor.folder(job)
    for name in ("work", "kept"):
        (folder / name).mkdir()
    for name in (".reserve", "kept.json"):
        (folder / name).touch()
    aged(job, 0.1)
    cleaned(monkeypatch)
    assert sorted(path.name for path in folder.iterdir()) == ["model", "request.json"]
    tidied: list[str] = []
    monkeypatch.setattr(Store, "while_over", lambda store, id, act: tidied.append(id))
    cleaned(monkeypatch)
    assert tidied == []  # nothing is unfinished there any more


def test_a_folder_that_cannot_be_read_stops_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = upload(home)
    old(lost.parent, 3)
    aged(made(State.INTERRUPTED), 1)

    def refuse(room: Path, state: State) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cleaning, "_unfinished", refuse)
    cleaned(monkeypatch)
    assert not lost.exists()


def test_a_cleaning_reads_each_request_a_few_times_however_many_jobs_go(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        ended(check := submitted(upload(home), kind="check"), State.DONE)
        if number < 10:
            with Store()._write() as db:
                db.execute("UPDATE jobs SET created = 1, ended = 1 WHERE id = ?", (check,))
    read: list[str] = []
    request = folders.request
    monkeypatch.setattr(folders, "request", lambda id: read.append(id) or request(id))
    cleaned(monkeypatch)
    assert len(Store().listed()) == 2 and 0 < len(read) <= 4


# Beside an output


def test_what_a_killed_run_left_beside_an_output_goes_when_it_goes_on(tmp_path: Path) -> None:
    """Where it was about to replace a model of ours, that is put back first."""
    note, output = tmp_path / "work" / STAGED, tmp_path / "m"
    for part in ("partial", "old"):
        (tmp_path / f".m.0a1b2c3d.{part}").mkdir()
    (tmp_path / ".m.0a1b2c3d.old" / "recipe.json").touch()
    (tmp_path / ".other.0a1b2c3d.partial").mkdir()
    note.parent.mkdir()
    note.write_text(str(tmp_path / ".m.0a1b2c3d.partial"))
    with pytest.raises(OutputError, match="not empty"), staged(output, note=note):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.0a1b2c3d.partial", "m", "work"]
    shutil.rmtree(output)
    with staged(output, note=note) as stage:
        assert note.read_text() == str(stage)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.0a1b2c3d.partial", "m", "work"]
    assert arrived(note, output)
    abandon(note)
    assert arrived(note, output)
    shutil.rmtree(output)
    abandon(note)
    assert not note.exists()


class Stop(BaseException):
    pass


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_stop_in_the_middle_of_replacing_a_model_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Before the old one is out of the way, between the two, and when the new one is there."""
    note, output = tmp_path / "work" / STAGED, tmp_path / "m"
    output.mkdir()
    for name in ("recipe.json", "config.json"):
        (output / name).write_text("old")
    rename, calls = Path.rename, 0

    def stopped(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == at:
            raise Stop
        moved = rename(path, target)
        if calls == 2 and at == 3:
            raise Stop
        return moved

    with pytest.raises(Stop), staged(output, overwrite=True, note=note) as stage:
        for name in ("recipe.json", "config.json"):
            (stage / name).write_text("new")
        monkeypatch.setattr(Path, "rename", stopped)
    assert (output / "config.json").read_text() == ("new" if at == 3 else "old")
    assert arrived(note, output) is (at == 3)
    assert [path.name for path in tmp_path.glob(".m*")] == []


def test_a_note_that_names_something_else_removes_nothing(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    for text in (str(precious), "", ".m.0a1b2c3d.partial"):
        (tmp_path / STAGED).write_text(text)
        with staged(tmp_path / "m" / text[-5:].strip("/") if text else tmp_path / "n", note=tmp_path / STAGED):
            pass
    assert precious.is_dir()


@pytest.mark.parametrize("way", ["cancel", "delete"])
def test_what_a_killed_run_left_beside_an_output_goes_when_it_is_given_up(home: Path, tmp_path: Path, way: str) -> None:
    job = made(State.INTERRUPTED, output=tmp_path / "m")
    left = tmp_path / ".m.0a1b2c3d.partial"
    left.mkdir()
    (supervisor.folder(job) / "work" / STAGED).write_text(str(left))
    getattr(supervisor, way)(job)
    assert not left.exists()


def test_hundreds_of_jobs_are_measured_in_one_pass(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is looked at once: what it costs grows with the files and with nothing else."""
    made()
    for _ in range(300):
        supervisor.folder(new_id())
    looked: list[str] = []
    real = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path: looked.append(str(path)) or real(path))
    room.used_by("ann")
    assert sorted(Path(path).name for path in looked) == ["model.safetensors", "request.json"]


def test_a_resumed_job_waits_its_turn(home: Path) -> None:
    first, second = made(State.FAILED), submitted()
    supervisor.resume(first)
    store = Store()
    assert [store.place(store.get(job)) for job in (first, second)] == [2, 1]
    assert [job.id for job in store.listed()] == [second, first]  # newest first, as ever
    begun = store.start_next({"train": 1}, lambda job: (os.getpid(), psutil.Process().create_time()))
    assert begun is not None and begun.id == second
