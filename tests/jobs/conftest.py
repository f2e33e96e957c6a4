"""A home of its own for each test, emptied of workers afterwards."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hftransfer.jobs import states
from hftransfer.jobs.store import Store
from tests.tiny import text_backbone


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HFTRANSFER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    yield tmp_path / "home"
    monkeypatch.setenv("HFTRANSFER_JOBS_AT_ONCE", "0")  # what ends now shall start nothing
    for job in Store().listed():
        if states.alive(job) and job.pid != os.getpid():  # some tests are their job's worker themselves
            with suppress(ProcessLookupError):
                os.killpg(int(job.pid or 0), signal.SIGKILL)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_backbone(tmp_path_factory.mktemp("bert"))
