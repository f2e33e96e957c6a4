"""What the figures of a report are called, what they say and how they are written, at every door alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SHARE, NUMBER, OWN = "share", "number", "own"
DIGITS = 4  # that a number in its own unit shows


@dataclass(frozen=True)
class Measure:
    """`kind`: a `share` is written in per cent, a `number` with three decimals, `own` in the unit of the labels.

    `hub` is the Hub's identifier.
    """

    title: str
    hub: str
    meaning: str = ""
    kind: str = SHARE


# In the order that they are shown in: the first that a report has is its headline.
MEASURES = {
    "accuracy": Measure("Accuracy", "accuracy", "share of rows that got the right label"),
    "f1_micro": Measure(
        "F1 (micro)", "f1", "precision and recall in one, every given or missing label counting the same"
    ),
    "precision_micro": Measure("Precision (micro)", "precision", "how often a label that is given is right"),
    "recall_micro": Measure("Recall (micro)", "recall", "how many of the labels are found"),
    "precision_macro": Measure(
        "Precision (macro)", "precision", "how often an answer is right, every label counting the same"
    ),
    "recall_macro": Measure("Recall (macro)", "recall", "how much of a label is found, every label counting the same"),
    "f1_macro": Measure("F1 (macro)", "f1", "precision and recall in one, every label counting the same"),
    "precision_weighted": Measure("Precision (weighted)", "precision", "the same, labels counting by their rows"),
    "recall_weighted": Measure("Recall (weighted)", "recall", "the same, labels counting by their rows"),
    "f1_weighted": Measure("F1 (weighted)", "f1", "the same, labels counting by their rows"),
    "subset_accuracy": Measure(
        "Subset accuracy", "accuracy", "share of rows whose labels are all right, none missing and none too many"
    ),
    "map": Measure(
        "Mean average precision",
        "map",
        "how far the rows of a label are ranked above the others, whatever the thresholds",
    ),
    "roc_auc": Measure("ROC AUC", "roc_auc", "chance that a row of a label scores above one of another", NUMBER),
    "rmse": Measure("Root mean squared error", "rmse", "how far off an answer is, large misses weighing more", OWN),
    "mae": Measure("Mean absolute error", "mae", "how far off an answer is on average", OWN),
    "r2": Measure("R²", "r_squared", "1 is perfect, 0 what always giving the mean gets", NUMBER),
    "pearson": Measure("Pearson correlation", "pearsonr", "how far answers and truth lie on one line", NUMBER),
    "spearman": Measure("Spearman correlation", "spearmanr", "how far answers and truth are in one order", NUMBER),
    "f1": Measure("F1 (entities)", "f1", "precision and recall in one: kind, beginning and end must be right"),
    "precision": Measure("Precision (entities)", "precision", "how often an entity that is marked is one"),
    "recall": Measure("Recall (entities)", "recall", "how many of the entities are found"),
}


def measure(name: str) -> Measure:
    """The row of a figure; one that is unknown goes under its own name."""
    return MEASURES.get(name) or Measure(name, name, kind=OWN)


def ordered(names: Iterable[str]) -> list[str]:
    """Names of figures, the headline first; unknown ones last, as they come."""
    places = {name: place for place, name in enumerate(MEASURES)}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def headline(names: Iterable[str]) -> str | None:
    """The figure that says most of those that there are."""
    return next(iter(ordered(names)), None)


def written(name: str, value: float | None) -> str:
    """A figure as people read it; empty where there is none."""
    if value is None:
        return ""
    kind = measure(name).kind
    return f"{value:.1%}" if kind == SHARE else f"{value:.3f}" if kind == NUMBER else own(value)


def own(value: float) -> str:
    """A number in its own unit, whatever its size."""
    if not math.isfinite(value):
        return str(value)
    size = math.floor(math.log10(abs(value))) if value else 0
    if not -DIGITS <= size < 15:
        return f"{value:.{DIGITS - 1}e}"
    return f"{value:,.{max(0, DIGITS - 1 - size)}f}"
