"""The work of a `check` job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data import check
from ..recipe import Recipe
from ..values import Event, Listener


def run(source: str, recipe: Recipe, output: Path, listen: Listener) -> dict[str, Any]:
    """Say what the data is: task, rows, labels, problems. Nothing is written to `output`."""
    listen(Event("load"))
    return check(source, recipe)
