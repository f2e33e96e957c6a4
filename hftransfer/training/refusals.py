"""Choices that a task, a backbone or a strategy's phases have no use for, refused before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..models.source import load_source
from ..recipe import Recipe
from ..strategies import Phase
from ..tasks import Task
from ..values import Backbone
from .balancing import refuse_balance
from .heads.generating import refuse_generating
from .heads.labelling import refuse_labelling
from .heads.mapping import refuse_mapping
from .progress import Machine
from .tuning.batches import refuse_augmentation
from .tuning.contrastive import refuse_contrastive
from .tuning.mixing import require_fitting
from .tuning.optimizers import named, require_optimizer
from .tuning.tune import refuse_dropout


def refuse_optimizer(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError where no optimizer has the name."""
    named(recipe)


REFUSALS: tuple[Callable[[Task, Recipe], None], ...] = (
    *(refuse_balance, refuse_generating, refuse_labelling),
    *(require_fitting, refuse_augmentation, refuse_optimizer),
)


def refuse(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError for the first choice of the recipe that does not go with the task."""
    for check in REFUSALS:
        check(task, recipe)


def refuse_phases(task: Task, backbone: Backbone, phases: Sequence[Phase], recipe: Recipe, machine: Machine) -> None:
    """Raises RecipeError for the first choice that the phases could not follow on this task, backbone and machine."""
    refuse(task, recipe)
    require_optimizer(recipe, machine.device)
    for phase in phases:
        refuse_contrastive(task, phase)
        refuse_mapping(backbone, task, phase)
    if any(phase.solver == "trainer" for phase in phases):
        refuse_dropout(backbone.model, recipe)


def refuse_early(task: Task, backbone: Backbone, phases: Sequence[Phase], recipe: Recipe, machine: Machine) -> None:
    """What `refuse_phases` refuses, and what a phase would as soon as it begins: there may be long work before."""
    refuse_phases(task, backbone, phases, recipe, machine)
    if any(phase.solver == "mapping" for phase in phases):
        load_source(backbone, task)  # is there, with classes of its own
