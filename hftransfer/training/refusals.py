"""Choices that a task has no use for, refused before anything is computed."""

from __future__ import annotations

from collections.abc import Callable

from ..recipe import Recipe
from ..tasks import Task
from .balancing import refuse_balance
from .heads.generating import refuse_generating
from .heads.labelling import refuse_labelling
from .tuning.mixing import require_fitting

REFUSALS: tuple[Callable[[Task, Recipe], None], ...] = (
    *(refuse_balance, refuse_generating, refuse_labelling),
    require_fitting,
)


def refuse(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError for the first choice of the recipe that does not go with the task."""
    for check in REFUSALS:
        check(task, recipe)
