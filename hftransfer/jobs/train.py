"""The work of a `train` job."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ..checkpoints import STAGED
from ..home import home
from ..output import abandon, arrived
from ..workflow import fine_tune
from .work import Work

TOLD = ("recipe.json", "report.json", "report.html", "README.md")  # of a model, which a visitor takes away
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
    for name in TOLD:
        _by_name(work.output / name)
    report: dict[str, Any] = json.loads((work.output / "report.json").read_text(encoding="utf-8"))
    report.pop("history", None)  # the store has it, by step
    return report


def _by_name(file: Path) -> None:
    """Uploads by their names alone: where they lie on this machine is told to nobody."""
    if not file.is_file():
        return
    text = file.read_text(encoding="utf-8")
    told = re.sub(rf"{re.escape(str(home('uploads')))}(?:/[\w-]+){{2}}/", "", text)
    if told != text:
        part = file.with_name(f".{file.name}.part")
        part.write_text(told, encoding="utf-8", newline="\n")
        os.replace(part, file)
