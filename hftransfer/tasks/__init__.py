"""The table of tasks: a modality times a target.

Rows hold names and a target's few functions; the stations resolve the names. A new task
is a row here and perhaps a file with its `Target`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import RecipeError
from .kinds import Modality, Target, Task
from .multi_label import MultiLabel
from .regression import Regression
from .single_label import SingleLabel
from .tokens import Tokens

__all__ = ["TARGETS", "TASKS", "Modality", "Target", "Task", "get_task", "recognise", "task_for"]

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
SINGLE_LABEL, MULTI_LABEL, REGRESSION, TOKENS = SingleLabel(), MultiLabel(), Regression(), Tokens()

TASKS = {
    task.name: task
    for task in (
        Task("image-classification", IMAGE, SINGLE_LABEL, "image-classification"),
        Task("image-multi-label", IMAGE, MULTI_LABEL, "image-classification"),
        Task("image-regression", IMAGE, REGRESSION, "image-classification"),
        Task("text-classification", TEXT, SINGLE_LABEL, "text-classification"),
        Task("text-multi-label", TEXT, MULTI_LABEL, "text-classification"),
        Task("text-regression", TEXT, REGRESSION, "text-classification"),
        Task("token-classification", TEXT, TOKENS, "token-classification"),
    )
}
# In the order that they are asked whether labels are theirs; the last takes any.
TARGETS: tuple[Target, ...] = (TOKENS, MULTI_LABEL, REGRESSION, SINGLE_LABEL)


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


def task_for(modality: str, target: str = SINGLE_LABEL.name) -> Task:
    """The row that joins a modality and a target.

    Raises:
        RecipeError: none does.
    """
    for task in TASKS.values():
        if (task.modality.name, task.target.name) == (modality, target):
            return task
    raise RecipeError(
        f"no task joins {modality} inputs and {target} targets", place="--task", fix="see `hftransfer train --help`"
    )


def recognise(modality: str, found: Mapping[str, int]) -> tuple[Task, str]:
    """The task that labels, as found with how many rows have each, speak for; and why."""
    for target in TARGETS:
        for task in TASKS.values():
            if task.modality.name == modality and task.target == target and (why := target.recognise(found)):
                return task, why
    raise RecipeError("no task takes these labels", place="--task", fix="name one with --task")
