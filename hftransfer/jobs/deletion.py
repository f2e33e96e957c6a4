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
from .states import ENDED
from .store import Store
from .work import ROOM

CLAIM = 3600.0  # seconds for which a mere check keeps its upload from going with the last run that names it


def delete(store: Store, id: str, *, uploads: bool = True) -> None:
    """Remove the job's row, its folder, and the uploads that nothing else names. An output elsewhere stays.

    Args:
        uploads: whether its uploads are looked at, and what else was found out about them goes with them.

    Raises:
        JobError: there is no such job, it has not ended, or its files cannot be removed.
    """
    owner = store.delete(id)  # from here on the job is nowhere to be seen
    room = home("jobs") / id
    with suppress(OSError):  # what a killed run left beside an output that is not its own
        abandon(room / ROOM / STAGED)
    if uploads and (named := uploads_of(id)):
        _drop(store, owner, named - claimed(store, owner))
    _remove(room)
    store.forget(id)


def _drop(store: Store, owner: str, uploads: set[Path]) -> None:
    """The uploads, and the checks and plans that looked at them: those hold some of what is in there."""
    for job in store.listed(owner) if uploads else ():
        if job.kind != "train" and job.state in ENDED and uploads & uploads_of(job.id):
            delete(store, job.id, uploads=False)
    for upload in uploads:
        shutil.rmtree(upload, ignore_errors=True)


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
