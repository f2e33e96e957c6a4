"""What the page says of each kind of target, and how the columns of its table of labels are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..measures import own
from ..tasks import TASKS


@dataclass(frozen=True)
class View:
    """Words for one shape of label. `{}` is how many labels, numbers or kinds there are.

    `track` is the column that the table draws as a bar, and the weakest are told by.
    """

    learned: str
    heading: str
    first: str
    say: str
    support: str = "Rows"
    many: str = "labels"
    track: str = "f1"


VIEWS = {
    "class": View(
        learned="to tell {} labels apart",
        heading="Label by label",
        first="Label",
        say="Precision: of the rows given this label, how many have it. Recall: of the rows that have it, how many "
        "were found. In per cent.",
    ),
    "flags": View(
        learned="to give each row any of {} labels",
        heading="Label by label",
        first="Label",
        say="A label is given where its score reaches its threshold, which was chosen on validation rows. Average "
        "precision is that of the ranking, whatever the threshold. In per cent.",
    ),
    "numbers": View(
        learned="to answer with {} numbers",
        heading="Number by number",
        first="Number",
        say="Errors are in the number's own unit. “Mean alone” is the root mean squared error of always answering "
        "with the mean of these rows: a model that learned something is well below it.",
        many="numbers",
        track="r2",
    ),
    "tags": View(
        learned="to find entities of {} kinds",
        heading="Kind by kind",
        first="Kind",
        say="An entity is right where its kind, its beginning and its end are. Precision: of those marked, how many "
        "are right. Recall: of those there are, how many were found. In per cent.",
        support="Entities",
        many="kinds",
    ),
}


def view(facts: Mapping[str, Any]) -> View:
    """The words for a run; those for classes where its task is unknown."""
    task = TASKS.get(str(facts.get("task")))
    return VIEWS[task.target.shape if task else "class"]


def _percent(value: float) -> str:
    return f"{value * 100:.1f}"


def _three(value: float) -> str:
    return f"{value:.3f}"


# A column is shown where any label has it.
COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "precision": ("Precision", _percent),
    "recall": ("Recall", _percent),
    "f1": ("F1", _percent),
    "average_precision": ("Average precision", _percent),
    "threshold": ("Threshold", lambda value: f"{value:.2f}"),
    "rmse": ("RMSE", own),
    "alone": ("Mean alone", own),
    "mae": ("MAE", own),
    "r2": ("R²", _three),
    "pearson": ("Pearson", _three),
    "spearman": ("Spearman", _three),
}


def table(per_label: Mapping[str, Mapping[str, Any]], words: View) -> dict[str, Any]:
    """The labels' figures as cells of text: `heads`, and `rows` with the share that their bar is long."""
    told = {label: _with_mean_alone(row) for label, row in per_label.items()}
    names = [name for name in COLUMNS if any(row.get(name) is not None for row in told.values())]
    rows = [
        {
            "label": label,
            "place": place,
            "cells": ["" if row.get(name) is None else COLUMNS[name][1](row[name]) for name in names],
            "track": max(0.0, min(1.0, row.get(words.track) or 0.0)),
            "support": int(row.get("support") or 0),
        }
        for place, (label, row) in enumerate(told.items(), start=1)
    ]
    return {"heads": [COLUMNS[name][0] for name in names], "rows": rows}


def mean_alone(row: Mapping[str, Any]) -> float | None:
    """The root mean squared error of always answering with the mean: R² says how far the model's is below it."""
    rmse, r2 = row.get("rmse"), row.get("r2")
    return None if rmse is None or r2 is None or r2 >= 1 else float(rmse / (1 - r2) ** 0.5)


def _with_mean_alone(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "alone": mean_alone(row)}
