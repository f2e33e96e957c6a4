"""Where hftransfer keeps what outlives a run: jobs, caches, uploads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def home(*parts: str) -> Path:
    """A folder below `HFTRANSFER_HOME` (default: the user data directory), created."""
    from platformdirs import user_data_dir

    root = os.environ.get("HFTRANSFER_HOME") or user_data_dir("hftransfer", appauthor=False)
    folder = Path(root).expanduser().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prune(folder: Path, limit: int) -> None:
    """Bound a cache to `limit` bytes: the least recently used entries go, the newest always stays.

    Args:
        folder: holds one file or folder an entry; names that start with a dot are in the making.
    """
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    entries.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    total = 0
    for place, entry in enumerate(entries):
        total += _size(entry)
        if place and total > limit:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def _size(entry: Path) -> int:
    files = entry.rglob("*") if entry.is_dir() else [entry]
    return sum(file.stat().st_size for file in files if file.is_file())
