"""The work of a `check` job."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import Any

from ..data import described, examples, load_data, repair, repairable
from ..data.trees import LEFT_OUT
from ..recipe import Recipe
from ..values import Event
from .beside import EXAMPLES
from .work import Work

FIRST = 20  # rows that a copy lacks, which are shown one by one


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
    told = {"repairable": repairable(data.problems), **repaired}
    return {**described(data), **told, "columns": data.columns, "examples": shown}


def _repaired(work: Work) -> dict[str, Any]:
    """What was done to make the data, and what is not in it, if it is a copy."""
    original = work.asked.get("original")
    if original is None:
        return {"repaired": []}
    recipe = Recipe.from_mapping(original["recipe"], place="the check before")
    made = repair(original["source"], recipe, Path(work.source), on_event=work.listen)
    lost = {"count": made["left_out"], "first": _first_lost(Path(work.source) / LEFT_OUT)}
    return {"repaired": made["repaired"], "left_out": lost}


def _first_lost(path: Path) -> list[dict[str, str]]:
    """The first rows of a copy's list of what it lacks."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(islice(csv.DictReader(file), FIRST))


def _shown(value: Any, folder: Path, name: str) -> Any:
    """An example as JSON: texts themselves, and for a picture the name of the file that it is in."""
    if isinstance(value, dict):
        return {**value, "input": _shown(value["input"], folder, name)}
    if isinstance(value, str | list):
        return value
    value.save(folder / name, quality=80)
    return name
