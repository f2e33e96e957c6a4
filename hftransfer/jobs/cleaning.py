"""What nobody needs any more goes: at most once an hour, by whichever process comes first."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path

from ..checkpoints import shed
from ..errors import HFTransferError
from ..home import home
from . import deletion
from .beside import TOKEN
from .limits import limits
from .states import ENDED, Job, State
from .store import Store
from .work import KEPT, MODEL, ROOM, drop, keep

EVERY = 3600.0  # seconds between two cleanings
BRIEF = 2 * 86400.0  # seconds that work which leaves no model, and an upload that no run names, are kept
QUIET = 3600.0  # seconds after a job's end in which its last processes may still be tidying up
_ID = re.compile(r"[\w-]{22}")


def clean(store: Store) -> None:
    """Clean up, where it is due. What cannot be removed now is tried again the next time.

    Raises:
        JobError: a setting is no number.
    """
    keep_for = limits().keep
    if store.due("clean", EVERY):
        for chore in _chores(store, keep_for):
            with suppress(OSError, ValueError, KeyError, sqlite3.Error, HFTransferError):
                chore()


def _chores(store: Store, keep_for: float) -> Iterator[Callable[[], object]]:
    for id in store.half_deleted():
        yield partial(deletion.delete, store, id)
    for job in store.listed():
        since = time.time() - (job.ended or job.heartbeat or job.created)
        if job.state in ENDED and job.kind != "train" and since > BRIEF:
            yield partial(deletion.delete, store, job.id, uploads=False)
        elif job.state in ENDED and since > QUIET:
            yield partial(_lighten, store, job, cold=since > keep_for)
    yield partial(_drop_tokens, store)
    yield partial(_drop_uploads, store)
    yield partial(_drop_strays, store)


def _unfinished(room: Path, state: State) -> bool:
    left = (ROOM, KEPT) if state is State.DONE else (ROOM,)
    return any((room / name).exists() for name in left) or any(room.glob(".*"))


def _lighten(store: Store, job: Job, *, cold: bool) -> None:
    """What a kill left half written goes, and what a run that is done had left; of one cut short long ago, checkpoints.

    Its best model is kept. Resumed after that, it begins anew.
    """
    room = home("jobs") / job.id

    def lighten() -> None:
        state = store.get(job.id).state  # by now
        if state is State.DONE:
            drop(room)
        elif cold and (room / ROOM).is_dir():
            store.note_kept(job.id, result=keep(room))
            shutil.rmtree(room / ROOM, ignore_errors=True)
        _sweep(room)

    if _unfinished(room, job.state):
        store.while_over(job.id, lighten)


def _sweep(room: Path) -> None:
    """In a job's folder, what is in the making has a name that begins with a dot."""
    shed(room / ROOM)
    for entry in room.glob(".*"):
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def _drop_uploads(store: Store) -> None:
    named = deletion.claimed(store, claim=inf)
    for upload in home("uploads").glob("*/*"):
        if upload not in named and _age(upload) > BRIEF:
            shutil.rmtree(upload, ignore_errors=True)


def _drop_tokens(store: Store) -> None:
    """Of jobs that nobody does any more, or that were never written down."""
    going = {job.id for job in store.listed() if job.state not in ENDED}
    for token in home("jobs").glob(f"*/{TOKEN}"):
        if token.parent.name not in going and _age(token) > QUIET:
            token.unlink(missing_ok=True)


def _drop_strays(store: Store) -> None:
    """Folders of jobs that were never written down. One with a model stays: the store may have been lost."""
    known = {*store.ids(), *store.half_deleted()}
    for room in home("jobs").iterdir():
        stray = _ID.fullmatch(room.name) and room.name not in known and _age(room) > BRIEF
        if stray and not any((room / name / "config.json").exists() for name in (MODEL, KEPT)):
            shutil.rmtree(room, ignore_errors=True)


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime
