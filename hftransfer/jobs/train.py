"""The work of a `train` job."""

from __future__ import annotations

import json
from typing import Any

from ..checkpoints import STAGED
from ..output import abandon, arrived
from ..workflow import fine_tune
from .work import Work

WHOLE = "whole"  # in the room of a run whose output an earlier version has made


def run(work: Work) -> dict[str, Any]:
    """Fine-tune into the output. Returns the report that lies beside the model.

    A kill after the output was there, and before that was written down, loses nothing.
    """
    note = work.room / STAGED
    if (work.room / WHOLE).exists() or arrived(note, work.output):
        abandon(note)
    else:
        fine_tune(
            work.source,
            work.recipe,
            output=work.output,
            overwrite=work.overwrite,
            on_event=work.listen,
            workdir=work.room,
            over=work.over,
        )
    report: dict[str, Any] = json.loads((work.output / "report.json").read_text(encoding="utf-8"))
    report.pop("history", None)  # the store has it, by step
    return report
