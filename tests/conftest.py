"""What every test has: a home of its own, no Hub but its own, and threads for two cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when the client is imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["tests.hub.fixtures"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jobs, caches and uploads of its own for each test."""
    monkeypatch.setenv("HFTRANSFER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real data and models, for tests marked `real`."""
    folder = Path(os.environ.get("HFTRANSFER_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "data").is_dir():
        pytest.skip("needs the real data: set HFTRANSFER_SHARED to the folder that holds data/ and models/")
    return folder
