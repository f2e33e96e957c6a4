"""The work of a `plan` job."""

from __future__ import annotations

from typing import Any

from ..planning import plan, since_start
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say what training would take."""
    return plan(work.source, work.recipe, start=since_start(), on_event=work.listen).to_json()
