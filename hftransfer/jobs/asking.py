"""What is asked of a job, as it is written down: it lasts, wherever the worker starts, and says who gave it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import HFTransferError, OutputError
from ..home import home
from ..recipe import Recipe
from .folders import VISITORS, request
from .states import Job

_PATHS = ("backbone", "validation", "test", "pseudo_label")


@contextmanager
def whole_or_gone(id: str) -> Iterator[None]:
    """A job that cannot be written down leaves nothing, and says why."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(home("jobs") / id, ignore_errors=True)
        if isinstance(error, HFTransferError):
            raise
        cause = f"the job cannot be written down: {getattr(error, 'strerror', None) or error}"
        raise OutputError(cause, place=str(home("jobs")), fix="free some space, and try again") from error


def require_text(target: str) -> None:
    try:
        target.encode()
    except UnicodeEncodeError as error:
        cause, place = "the output's name is no text", target.encode("utf-8", "backslashreplace").decode()
        raise OutputError(cause, place=place, fix="choose another with -o") from error


def lasting(source: str) -> str:
    """A path as it is found from any folder; other sources as they are."""
    there = os.path.exists(source)  # unlike Path.exists, no error where the name is too long for a path
    return str(Path(source).absolute()) if there else source


def lasting_recipe(recipe: Recipe) -> dict[str, Any]:
    values = {entry.name: getattr(recipe, entry.name) for entry in fields(recipe)}
    return {**values, **{name: lasting(values[name]) for name in _PATHS if values[name]}}


def is_visitors(job: Job) -> bool:
    """Whether the job came from a visitor; where that cannot be read, as if it had."""
    try:
        return bool(request(job.id).get(VISITORS))
    except (HFTransferError, OSError, ValueError, AttributeError):
        return True
