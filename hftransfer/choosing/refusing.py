"""What a run could not do, or would not follow, refused as soon as there is a backbone."""

from __future__ import annotations

from ..errors import RecipeError
from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts
from ..strategies.start import start_for
from ..tasks import Task, get_task
from ..training import machine_for, refuse_early
from ..values import Backbone, Dataset
from .candidates import PROBE
from .heeding import PACE, flag, heeding, ignored, unheeded
from .knobs import knobs_of
from .picking import facts


def require(backbone: Backbone, data: Dataset, recipe: Recipe) -> None:
    """Refuse what cannot be followed; of `auto`, which tries several strategies, what none of them could.

    Raises:
        RecipeError: the first such choice.
    """
    known, task, machine = facts(backbone, data), get_task(data.task), machine_for(recipe)
    if recipe.strategy == "auto":
        phases = (*STRATEGIES[PROBE].phases(known, recipe), *start_for(recipe))
        return refuse_early(task, backbone, phases, recipe, machine)
    refuse_early(task, backbone, STRATEGIES[recipe.strategy].phases(known, recipe), recipe, machine)
    _require_heeded(recipe, known)
    _require_knobs(recipe, known, task)


def _require_heeded(recipe: Recipe, known: Facts) -> None:
    for choice in unheeded(recipe.strategy, known, recipe):
        if choice not in PACE:
            other = next(iter(heeding(choice, known, recipe)), "auto")
            fix = f"leave it out, or choose a strategy that does, such as --strategy {other}"
            raise RecipeError(ignored(recipe.strategy, choice), place=flag(choice), fix=fix)


def _require_knobs(recipe: Recipe, known: Facts, task: Task) -> None:
    if recipe.tune and not knobs_of(recipe.strategy, recipe, known, task):
        others = [name for name in STRATEGIES if knobs_of(name, recipe, known, task)]
        fix = f"leave it out, or choose one of: auto, {', '.join(others)}"
        raise RecipeError(f"strategy {recipe.strategy} has nothing left to search", place="--tune", fix=fix)
