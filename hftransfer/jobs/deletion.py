"""A run and all that is its own, gone. A kill midway leaves a note in the store, by which it is gone on with."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from ..checkpoints import STAGED
from ..errors import JobError
from ..home import home
from ..output import abandon
from .folders import uploads_of
from .store import Store
from .work import ROOM

CLAIM = 3600.0  # seconds for which a mere check keeps its upload from going with the last run that names it


def delete(store: Store, id: str) -> None:
    """Remove the job's row, its folder, and the uploads that nothing else names. An output elsewhere stays.

    Raises:
        JobError: there is no such job, it has not ended, or its files cannot be removed.
    """
    owner = store.delete(id)  # from here on the job is nowhere to be seen
    room = home("jobs") / id
    with suppress(OSError):  # what a killed run left beside an output that is not its own
        abandon(room / ROOM / STAGED)
    named = uploads_of(id)
    for upload in named - (claimed(store, owner) if named else set()):
        shutil.rmtree(upload, ignore_errors=True)
    _remove(room)
    store.forget(id)


def claimed(store: Store, owner: str | None = None, *, claim: float = CLAIM) -> set[Path]:
    """The uploads that jobs name: runs always, what leaves no model for a while."""
    since = time.time() - claim
    held = [job.id for job in store.listed(owner) if job.kind == "train" or job.created > since]
    return {upload for id in held for upload in uploads_of(id)}


def _remove(room: Path) -> None:
    shutil.rmtree(room, ignore_errors=True)
    if room.exists():
        fix = "see who may write there, and delete it again"
        raise JobError("not all of the job's files can be removed", place=str(room), fix=fix)
