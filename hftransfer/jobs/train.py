"""The work of a `train` job."""

from __future__ import annotations

import json
from typing import Any

from ..workflow import fine_tune
from .work import Work

WHOLE = "whole"  # in the room once the output is: a kill before that is written down loses nothing


def run(work: Work) -> dict[str, Any]:
    """Fine-tune into the output. Returns the report that lies beside the model."""
    if not (work.room / WHOLE).exists():
        fine_tune(
            work.source,
            work.recipe,
            output=work.output,
            overwrite=work.overwrite,
            on_event=work.listen,
            workdir=work.room,
            over=work.over,
        )
        (work.room / WHOLE).touch()
    report: dict[str, Any] = json.loads((work.output / "report.json").read_text(encoding="utf-8"))
    report.pop("history", None)  # the store has it, by step
    return report
