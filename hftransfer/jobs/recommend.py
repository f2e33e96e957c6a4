"""The work of a `recommend` job."""

from __future__ import annotations

from typing import Any

from ..recommending import recommend
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say which backbone fits the data. The output stays empty."""
    found = recommend(work.source, work.recipe, on_event=work.listen)
    return {**found.to_json(), "metric": found.metric, "rows": found.rows}
