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
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ..errors import HFTransferError
from ..jobs import supervisor
from ..jobs.states import Job

_CHUNK = 1 << 20  # bytes


def link_to(job: Job) -> str:
    """The address of the job's model, relative to the page; it carries the job's key."""
    return f"download/{job.id}?key={quote(job.key)}"


def answer(request: Request) -> Response:
    """The zip for who has the key."""
    try:
        job = supervisor.find(request.path_params["job"], "", request.query_params.get("key", ""))
    except HFTransferError as error:
        return PlainTextResponse(str(error), status_code=404)
    if job.model is None or not Path(job.model).is_dir():
        return PlainTextResponse("this run has no model", status_code=404)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(job.name).stem).strip("-") or "model"
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return StreamingResponse(zipped(Path(job.model)), media_type="application/zip", headers=headers)


ROUTE = Route("/download/{job}", answer)


def zipped(folder: Path) -> Iterator[bytes]:
    """The folder's files below `model/`, stored: weights do not shrink."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield from _file(archive, sink, path, f"model/{path.relative_to(folder).as_posix()}")
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
