"""The work of a `train` job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..recipe import Recipe
from ..values import Listener
from ..workflow import fine_tune


def run(source: str, recipe: Recipe, output: Path, listen: Listener) -> dict[str, Any]:
    """Fine-tune into `output`. Returns the report that lies beside the model."""
    fine_tune(source, recipe, output=output, on_event=listen)
    report: dict[str, Any] = json.loads((output / "report.json").read_text(encoding="utf-8"))
    report.pop("history", None)  # the store has it, by step
    return report
