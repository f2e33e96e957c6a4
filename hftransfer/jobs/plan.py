"""The work of a `plan` job."""

from __future__ import annotations

from typing import Any

from ..planning import plan
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say what training would take."""
    return plan(work.source, work.recipe, on_event=work.listen).to_json()
