"""Pictures that the page shows: of class cards, of data that was checked, and as training would change them.

Whoever has a draft's or a job's unguessable name sees them; nothing of them is in Gradio's cache.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from ...errors import HFTransferError
from ...jobs import supervisor
from ...jobs.states import Job
from . import drafts

# A file that a visitor gave is shown as an image or not at all, whatever it holds.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=86400, immutable",
}


def of_draft(owner: str, draft: str, card: str, name: str) -> str:
    """The address of a class card's image, relative to the page; `owner` is the digest, which opens nothing."""
    return f"picture/draft/{owner}/{draft}/{card}/{quote(name)}"


def of_check(job: Job, name: str) -> str:
    """The address of a checked or planned job's picture, relative to the page."""
    return f"picture/check/{job.id}/{quote(name)}?key={quote(job.key)}"


def input_of(example: Any) -> Any:
    """The input of an example, which may tell more."""
    return example["input"] if isinstance(example, dict) else example


def drafted(request: Request) -> Response:
    given = request.path_params
    return _shown(drafts.picture(given["owner"], given["draft"], given["card"], given["name"]))


def checked(request: Request) -> Response:
    try:
        job = supervisor.find(request.path_params["job"], "", request.query_params.get("key", ""))
    except HFTransferError:
        return _shown(None)
    name = request.path_params["name"]
    told = job.result or {}
    shown = chain(*told.get("examples", {}).values(), told.get("pictures", ()))
    return _shown(supervisor.example(job, name) if any(name == input_of(example) for example in shown) else None)


ROUTES = [
    Route("/picture/draft/{owner}/{draft}/{card}/{name}", drafted),
    Route("/picture/check/{job}/{name}", checked),
]


def _shown(path: Path | None) -> Response:
    kind = drafts.KINDS.get(path.suffix.lower()) if path else None
    if path is None or kind is None or not path.is_file():
        return PlainTextResponse("there is no such picture", status_code=404, headers=HEADERS)
    return FileResponse(path, media_type=kind, headers=HEADERS)
