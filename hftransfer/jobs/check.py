"""The work of a `check` job."""

from __future__ import annotations

from typing import Any

from ..data import check
from ..values import Event
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say what the data is: task, rows, labels, problems. Nothing is written to the output."""
    work.listen(Event("load"))
    return check(work.source, work.recipe)
