"""The work of a `check` job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data import described, examples, load_data, repair, repairable
from ..recipe import Recipe
from ..values import Event
from .beside import EXAMPLES
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Say what the data is: task, rows, labels, problems, columns; and show some of it. The output stays empty.

    Where an `original` was asked for, the data is a clean copy of it, which is made first.
    """
    work.listen(Event("load"))
    repaired = _repaired(work)
    data = load_data(work.source, work.recipe)
    folder = work.room.parent / EXAMPLES
    folder.mkdir(exist_ok=True)
    shown = {
        label: [_shown(value, folder, f"{number}-{place}.jpg") for place, value in enumerate(values)]
        for number, (label, values) in enumerate(examples(data).items())
    }
    told = {"repairable": repairable(data.problems), "repaired": repaired}
    return {**described(data), **told, "columns": data.columns, "examples": shown}


def _repaired(work: Work) -> list[dict[str, Any]]:
    """What was done to make the data, if it is a copy."""
    original = work.asked.get("original")
    if original is None:
        return []
    recipe = Recipe.from_mapping(original["recipe"], place="the check before")
    done: list[dict[str, Any]] = repair(original["source"], recipe, Path(work.source), on_event=work.listen)["repaired"]
    return done


def _shown(value: Any, folder: Path, name: str) -> Any:
    """An example as JSON: texts themselves, and for a picture the name of the file that it is in."""
    if isinstance(value, dict):
        return {**value, "input": _shown(value["input"], folder, name)}
    if isinstance(value, str | list):
        return value
    value.save(folder / name, quality=80)
    return name
