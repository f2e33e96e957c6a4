"""The work of a `plan` job."""

from __future__ import annotations

from typing import Any

from ..planning import plan, since_start
from .beside import EXAMPLES
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say what training would take, and show how it would change an image."""
    folder = work.room.parent / EXAMPLES
    folder.mkdir(exist_ok=True)
    found = plan(work.source, work.recipe, start=since_start(), on_event=work.listen, pictures=folder)
    return {**found.to_json(), "pictures": sorted(file.name for file in folder.iterdir())}
