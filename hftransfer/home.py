"""Where hftransfer keeps what outlives a run: jobs, caches, uploads."""

from __future__ import annotations

import os
from pathlib import Path


def home(*parts: str) -> Path:
    """A folder below `HFTRANSFER_HOME` (default: the user data directory), created."""
    from platformdirs import user_data_dir

    root = os.environ.get("HFTRANSFER_HOME") or user_data_dir("hftransfer", appauthor=False)
    folder = Path(root).expanduser().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
