"""A model as a zip, written while it is sent: no copy on disk, and nothing in Gradio's cache."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ...errors import HFTransferError
from ...jobs import supervisor
from ...jobs.states import Job
from .take_away import extras

_CHUNK = 1 << 20  # bytes


def link_to(job: Job) -> str:
    """The address of the job's model, relative to the page; it carries the job's key."""
    return f"download/{job.id}?key={quote(job.key)}"


def link_to_answers(job: Job, name: str) -> str:
    """The address of a table of answers, relative to the page; nobody guesses its name."""
    return f"answers/{job.id}/{quote(name)}?key={quote(job.key)}"


def answers(request: Request) -> Response:
    """A table of answers for who has the key and its name."""
    try:
        job = supervisor.find(request.path_params["job"], "", request.query_params.get("key", ""))
    except HFTransferError as error:
        return PlainTextResponse(str(error), status_code=404)
    path = supervisor.kept_answers(job, request.path_params["name"])
    if path is None:
        return PlainTextResponse("this table is no longer here", status_code=404)
    return FileResponse(path, media_type="text/csv", filename=f"{_stem(job)}-answers.csv")


def answer(request: Request) -> Response:
    """The zip for who has the key."""
    try:
        job = supervisor.find(request.path_params["job"], "", request.query_params.get("key", ""))
    except HFTransferError as error:
        return PlainTextResponse(str(error), status_code=404)
    if job.model is None or not Path(job.model).is_dir():
        return PlainTextResponse("this run has no model", status_code=404)
    headers = {"Content-Disposition": f'attachment; filename="{_stem(job)}.zip"'}
    return StreamingResponse(zipped(Path(job.model)), media_type="application/zip", headers=headers)


ROUTES = [Route("/download/{job}", answer), Route("/answers/{job}/{name}", answers)]


def _stem(job: Job) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(job.name).stem).strip("-") or "model"


def zipped(folder: Path) -> Iterator[bytes]:
    """The folder's files below `model/`, stored: weights do not shrink. And what makes them run."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield from _file(archive, sink, path, f"model/{path.relative_to(folder).as_posix()}")
        for name, text in extras(folder).items():
            archive.writestr(name, text)
    yield sink.take()


def _file(archive: zipfile.ZipFile, sink: _Sink, path: Path, name: str) -> Iterator[bytes]:
    with path.open("rb") as file, archive.open(zipfile.ZipInfo.from_file(path, name), "w") as entry:
        while chunk := file.read(_CHUNK):
            entry.write(chunk)
            yield sink.take()


class _Sink(io.RawIOBase):
    """Where the archive is written to; what was written is taken out at once."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken
