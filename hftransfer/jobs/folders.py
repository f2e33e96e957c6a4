"""Where a job's files lie, and what it was asked to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import JobError
from ..home import home

REQUEST = "request.json"
OWN_TOKEN, VISITORS = "own_token", "visitors"  # what a request notes of who gave it
_PATHS = ("validation", "test", "pseudo_label")  # of a recipe, that may be uploads


def folder(id: str) -> Path:
    """The job's own folder, made where it is not there yet, and closed to other users of the machine."""
    room = home("jobs", id)
    room.chmod(0o700)
    return room


def request(id: str) -> dict[str, Any]:
    """What the job was asked to do: its `source`, its `recipe`, and whether to `overwrite`.

    Raises:
        JobError: its folder is gone.
    """
    try:
        asked: dict[str, Any] = json.loads((home("jobs") / id / REQUEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        fix = "submit the work as a new job"
        raise JobError("the job's own files are gone", place=f"job {id}", fix=fix) from error
    return asked


def write_request(id: str, asked: dict[str, Any]) -> None:
    part = folder(id) / f"{REQUEST}.part"
    part.write_text(json.dumps(asked), encoding="utf-8")  # in ASCII: a name may be no text at all
    part.replace(folder(id) / REQUEST)


def uploads_of(id: str) -> set[Path]:
    """The uploads' folders that the job's request names; none where it cannot be read."""
    try:
        asked = request(id)
        named = [asked["source"], *(asked["recipe"].get(name) for name in _PATHS)]
    except (JobError, OSError, ValueError, KeyError, AttributeError):
        return set()
    return set(_uploads(text for text in named if isinstance(text, str)))


def _uploads(sources: Iterator[str]) -> Iterator[Path]:
    """Of an upload's owner and name: a folder each, and whatever lies in it belongs to it.

    Our home may have had another name when the job was given, by a link.
    """
    top = home("uploads")
    real = top.resolve()
    for source in (_resolved(text) for text in sources):
        if source.is_relative_to(real) and len(source.relative_to(real).parts) > 2:
            yield top.joinpath(*source.relative_to(real).parts[:2])


def _resolved(text: str) -> Path:
    try:
        return Path(text).resolve()
    except (OSError, ValueError, RuntimeError):  # no path at all, or links in a ring
        return Path(text)
