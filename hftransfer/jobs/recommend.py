"""The work of a `recommend` job."""

from __future__ import annotations

from typing import Any

from ..recommending import recommend
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say which backbone fits the data, the one that the recipe names among them. The output stays empty."""
    named, recipe = work.recipe.backbone, work.recipe.with_(backbone=None)
    found = recommend(work.source, recipe, beside=(named,) if named else (), on_event=work.listen)
    return {**found.to_json(), "metric": found.metric, "rows": found.rows, "note": found.note}
