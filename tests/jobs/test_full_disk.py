"""A disk that runs full under a worker: told in words, nothing half-written, and gone on with once there is room."""

from __future__ import annotations

import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hftransfer.errors import OutputError
from hftransfer.jobs import cleaning, supervisor, worker
from hftransfer.jobs.states import State
from hftransfer.jobs.store import Store
from hftransfer.recipe import Recipe
from tests.jobs.test_cut_short import loads, shell, trained_a_while
from tests.jobs.test_workers import ENDLESS, ended, train
from tests.tiny import image_backbone, pictures, table

DISK = 12 << 20


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home on a disk of its own, as small as this."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root on Linux, to mount a small disk of its own")
    monkeypatch.setenv("HFTRANSFER_FREE_GB", "0")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def small_home(disk: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HFTRANSFER_HOME", str(disk / "home"))
    yield disk
    (disk / "filler").unlink(missing_ok=True)


def fill(disk: Path, *, leave: int = 0) -> Path:
    """Take what room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(disk).free - leave) > 0:
            file.write(bytes(min(free, 1 << 20)))
    return filler


@pytest.mark.slow
def test_a_run_on_a_disk_that_fills_up_fails_in_words_and_goes_on_when_there_is_room(
    small_home: Path, bert: Path, tmp_path: Path
) -> None:
    job = train(bert, table(tmp_path / "t.csv", rows=60), ENDLESS)
    trained_a_while(job)
    filler = fill(small_home)
    assert ended(job) is State.FAILED, supervisor.logs(job)
    found = Store().get(job)
    assert found.error is not None and "disk" in found.error["cause"] and "free some space" in found.error["fix"]
    assert str(small_home) in found.error["place"]
    room = Path(str(found.output)).parent
    assert not list(room.glob("*model*")) and not list(room.glob(".model*"))
    filler.unlink()
    supervisor.resume(job)
    trained_a_while(job)
    supervisor.finish(job)
    assert ended(job) is State.DONE, supervisor.logs(job)
    assert loads(Store().get(job).model)


def test_a_full_disk_is_told_by_the_store_and_what_it_holds_is_read(
    small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    job = supervisor.submit("sample:helpdesk", Recipe(), "ann")
    filler = fill(small_home)
    monkeypatch.setattr(cleaning, "EVERY", 0.0)
    assert [found.id for found in Store().listed()] == [job]
    assert supervisor.show(job)["state"] == "queued"
    with pytest.raises(OutputError, match="full|No space left") as caught:
        supervisor.submit("sample:helpdesk", Recipe(), "ann")
    assert "free some space" in caught.value.fix
    with pytest.raises(OutputError, match="disk is full"):
        Store().add("train", "pets", "ann")
    refused, code = shell("train", "sample:helpdesk", "-o", tmp_path / "m", "--detach")
    assert code == 2 and "space" in refused["error"]["fix"]
    filler.unlink()
    assert len(Store().listed()) == 1 and len(list((small_home / "home" / "jobs").glob("*/"))) == 1
    supervisor.submit("sample:helpdesk", Recipe(), "ann")


def test_the_last_word_waits_for_a_full_disk(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")
    job = supervisor.submit("sample:helpdesk", Recipe(), "ann")
    Store().move(job, State.PREPARING)
    room = threading.Timer(0.3, fill(small_home).unlink)
    room.start()
    worker._last_word(Store(), job, State.FAILED, {"error": {"cause": "the disk is full"}})
    room.join()
    assert Store().get(job).error == {"cause": "the disk is full"}


@pytest.mark.slow
def test_a_file_that_may_not_grow_fails_in_words(home: Path, tmp_path: Path) -> None:
    """Where no disk can be had for a test: the system refuses in another way, and the worker tells of it as well."""
    source, backbone = pictures(tmp_path / "p.zip", images=128), image_backbone(tmp_path / "vit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, before[1]))
    try:
        job = train(backbone, source, ENDLESS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ended(job) is State.FAILED, supervisor.logs(job)
    error = Store().get(job).error
    assert error is not None and "disk is full" in error["cause"] and "free some space" in error["fix"]
    supervisor.resume(job)
    trained_a_while(job)
    supervisor.finish(job)
    assert ended(job) is State.DONE, supervisor.logs(job)
