"""Where hftransfer keeps what outlives a run: jobs, caches, uploads."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from .errors import OutputError


def home(*parts: str) -> Path:
    """A folder below `HFTRANSFER_HOME` (default: the user data directory), created.

    Raises:
        OutputError: it cannot be.
    """
    from platformdirs import user_data_dir

    root = os.environ.get("HFTRANSFER_HOME") or user_data_dir("hftransfer", appauthor=False)
    top = Path(root).expanduser().absolute()  # workers start in another folder
    folder = top.joinpath(*parts)
    try:
        top.mkdir(mode=0o700, parents=True, exist_ok=True)  # uploads and keys are nobody else's
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = f"cannot create the folder for caches and jobs: {error.strerror or error}"
        raise OutputError(
            cause, place=str(folder), fix="set HFTRANSFER_HOME to a folder that can be written"
        ) from error
    return folder


def prune(folder: Path, limit: int) -> None:
    """Bound a cache to `limit` bytes: the least recently used entries go, the newest always stays.

    Args:
        folder: holds one file or folder an entry; names that start with a dot are in the making.
    """
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    with suppress(FileNotFoundError):  # another process prunes too
        entries.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
        total = 0
        for place, entry in enumerate(entries):
            total += _size(entry)
            if place and total > limit:
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def _size(entry: Path) -> int:
    files = entry.rglob("*") if entry.is_dir() else [entry]
    return sum(file.stat().st_size for file in files if file.is_file())
