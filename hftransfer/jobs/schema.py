"""The store's file: what is in it, by version, and how it is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import OutputError

# What each version of the file adds to the one before; what was released does not change.
VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE IF NOT EXISTS jobs (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            state TEXT NOT NULL, stage TEXT NOT NULL, message TEXT NOT NULL, step INTEGER NOT NULL,
            steps INTEGER NOT NULL, changes INTEGER NOT NULL, pid INTEGER, pid_started REAL, heartbeat REAL,
            cancel_asked REAL, created REAL NOT NULL, started REAL, ended REAL, output TEXT, error TEXT, result TEXT
        )""",
        "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created)",
        """CREATE TABLE IF NOT EXISTS metrics (
            job TEXT NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, phase TEXT NOT NULL, value REAL NOT NULL,
            PRIMARY KEY (job, name, step, phase)
        ) WITHOUT ROWID""",
    ),
    ("ALTER TABLE jobs ADD COLUMN doubted REAL",),
    (
        "ALTER TABLE jobs ADD COLUMN finish_asked REAL",
        "ALTER TABLE jobs ADD COLUMN stage_began REAL",
        "ALTER TABLE jobs ADD COLUMN stage_from INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN moved REAL",
    ),
    (
        "ALTER TABLE jobs ADD COLUMN queued REAL NOT NULL DEFAULT 0",
        "UPDATE jobs SET queued = created",
        "CREATE INDEX jobs_by_turn ON jobs (state, queued)",
        "CREATE TABLE deleted (job TEXT PRIMARY KEY, owner TEXT NOT NULL)",
        "CREATE TABLE chores (name TEXT PRIMARY KEY, begun REAL NOT NULL)",
    ),
)
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, opened for one call.

    Raises:
        OutputError: the disk is full, other processes hold the file for too long, or it cannot be used.
    """
    try:
        with closing(_connect(path)) as db:
            yield db
    except sqlite3.DatabaseError as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.DatabaseError, path: Path) -> OutputError:
    if getattr(error, "sqlite_errorname", "") in _NO_ROOM:
        fix = "free some space, and try again"
        return OutputError("the disk is full: the jobs cannot be written down", place=str(path), fix=fix)
    if _is_busy(error):
        return OutputError("the file that jobs are kept in is busy", place=str(path), fix="try again in a minute")
    fix = "see that it can be read and written; where it is damaged, move it away, and a new one is made"
    return OutputError(f"the file that jobs are kept in cannot be used: {error}", place=str(path), fix=fix)


def is_busy(error: OutputError) -> bool:
    """Whether a later try may do, as other processes only hold the file."""
    return isinstance(error.__cause__, sqlite3.DatabaseError) and _is_busy(error.__cause__)


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return _opened(path, "NORMAL")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") not in _NO_ROOM:
            raise
        # Readers share a small file, and the disk has no room for it: one process at a time can do without.
        return _opened(path, "EXCLUSIVE")


def _opened(path: Path, locking: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute(f"PRAGMA locking_mode={locking}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        db.close()
        raise
    return db
