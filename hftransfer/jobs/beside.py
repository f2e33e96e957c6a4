"""What lies in a job's folder beside its request: its token until the work takes it, thumbnails, answers, its log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import JobError
from ..home import home, prune
from .children import IMPLICIT, TOKEN_VARIABLE
from .folders import folder
from .states import Job
from .store import Store, new_id

LOG = "log.txt"
TOKEN = "token"
ANSWERS, ANSWERS_BYTES = "answers", 50 << 20
EXAMPLES = "examples"  # thumbnails of data that was checked
_LOG_TAIL = 64 * 1024  # bytes


def keep_token(id: str, token: str) -> None:
    path = folder(id) / TOKEN
    path.touch(mode=0o600)
    path.write_text(token, encoding="utf-8")


def take_token(id: str) -> str:
    """The token that a job was given for the Hub, which is gone from the disk with this."""
    path = home("jobs") / id / TOKEN
    token = path.read_text(encoding="utf-8") if path.is_file() else ""
    path.unlink(missing_ok=True)
    return token


@contextmanager
def given_to_work(token: str) -> Iterator[None]:
    """The Hub's packages find the token, where there is one; the processes that are started afterwards do not.

    They look when they are imported: it must be there before.
    """
    names = (TOKEN_VARIABLE, IMPLICIT) if token else ()
    before = {name: os.environ.pop(name, None) for name in names}
    if token:
        os.environ[TOKEN_VARIABLE] = token
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def logs(id: str) -> str:
    """The end of the job's log, empty before it started."""
    path = home("jobs") / Store().get(id).id / LOG
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LOG_TAIL))
        return log.read().decode("utf-8", "replace")


def example(job: Job, name: str) -> Path:
    """Where a checked job's thumbnail lies."""
    return home("jobs") / job.id / EXAMPLES / name


def keep_answers(job: Job, table: str) -> str:
    """A table of answers, kept beside the job's model for a while. Returns its unguessable name.

    Raises:
        JobError: the job was deleted meanwhile.
    """
    Store().get(job.id)
    if not (home("jobs") / job.id).is_dir():
        raise JobError("the job's own files are gone", place=f"job {job.id}", fix="submit the work as a new job")
    room = folder(job.id) / ANSWERS
    room.mkdir(exist_ok=True)
    name = f"{new_id()}.csv"
    (room / name).write_text(table, encoding="utf-8-sig")  # the mark tells spreadsheets that it is UTF-8
    prune(room, ANSWERS_BYTES)
    return name


def kept_answers(job: Job, name: str) -> Path | None:
    """Where a table of answers lies, if it still does."""
    room = home("jobs") / job.id / ANSWERS
    return room / name if room.is_dir() and name in os.listdir(room) else None
