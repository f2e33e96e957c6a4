"""The work of a `check` job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data import described, examples, load_data
from ..values import Event
from .beside import EXAMPLES
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say what the data is: task, rows, labels, problems, columns; and show some of it. The output stays empty."""
    work.listen(Event("load"))
    data = load_data(work.source, work.recipe)
    folder = work.room.parent / EXAMPLES
    folder.mkdir(exist_ok=True)
    shown = {
        label: [_shown(value, folder, f"{number}-{place}.jpg") for place, value in enumerate(values)]
        for number, (label, values) in enumerate(examples(data).items())
    }
    return {**described(data), "columns": data.columns, "examples": shown}


def _shown(value: Any, folder: Path, name: str) -> Any:
    """An example as JSON: texts themselves, and for a picture the name of the file that it is in."""
    if isinstance(value, dict):
        return {**value, "input": _shown(value["input"], folder, name)}
    if isinstance(value, str | list):
        return value
    value.save(folder / name, quality=80)
    return name
