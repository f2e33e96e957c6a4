"""The table of tasks: a modality times a target.

Rows hold names and the few functions that turn labels into numbers and scores into
answers; the stations resolve the names. A new task is a row and perhaps a `Target`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .errors import RecipeError


@dataclass(frozen=True)
class Modality:
    """What goes in: the canonical column, and the Transformers classes that take it."""

    name: str
    column: str
    auto_model: str
    auto_processor: str


@dataclass(frozen=True)
class Target:
    """What comes out: how labels are fitted and encoded, and how scores are read.

    `problem_type` chooses the loss in the model's config; `activation` turns logits
    into scores; `metrics` names the family of measures in `results.metrics`, and
    `best` the one that the best checkpoint is kept by.
    """

    name: str
    problem_type: str
    activation: str
    metrics: str
    best: str
    fit: Callable[[Iterable[str]], tuple[str, ...]]
    encode: Callable[[str, Mapping[str, int]], int]
    decode: Callable[[Sequence[float], Sequence[str]], str]


@dataclass(frozen=True)
class Task:
    """A row of the table. `name` is also the name of Transformers' pipeline."""

    name: str
    modality: Modality
    target: Target


def fit_classes(values: Iterable[str]) -> tuple[str, ...]:
    """The distinct labels, numbers by value and words by alphabet."""
    return tuple(sorted(set(values), key=lambda label: (not label.isdecimal(), len(label) * label.isdecimal(), label)))


def encode_class(value: str, index: Mapping[str, int]) -> int:
    """The label's place. Raises KeyError for a label that train does not have."""
    return index[value]


def decode_class(scores: Sequence[float], labels: Sequence[str]) -> str:
    """The label with the highest score."""
    return labels[max(range(len(scores)), key=scores.__getitem__)]


IMAGE = Modality(
    name="image",
    column="image",
    auto_model="AutoModelForImageClassification",
    auto_processor="AutoImageProcessor",
)
TEXT = Modality(
    name="text",
    column="text",
    auto_model="AutoModelForSequenceClassification",
    auto_processor="AutoTokenizer",
)
SINGLE_LABEL = Target(
    name="single-label",
    problem_type="single_label_classification",
    activation="softmax",
    metrics="classification",
    best="accuracy",
    fit=fit_classes,
    encode=encode_class,
    decode=decode_class,
)

TASKS = {
    task.name: task
    for task in (
        Task("image-classification", IMAGE, SINGLE_LABEL),
        Task("text-classification", TEXT, SINGLE_LABEL),
    )
}


def get_task(name: str) -> Task:
    """The task's row.

    Raises:
        RecipeError: no row has that name.
    """
    try:
        return TASKS[name]
    except KeyError:
        known = ", ".join(TASKS)
        raise RecipeError(f"unknown task '{name}'", place="--task", fix=f"choose one of: {known}") from None


def task_for(modality: str, target: str = "single-label") -> Task:
    """The row that joins a modality and a target."""
    for task in TASKS.values():
        if (task.modality.name, task.target.name) == (modality, target):
            return task
    raise RecipeError(
        f"no task joins {modality} inputs and {target} targets", place="--task", fix="see `hftransfer train --help`"
    )
