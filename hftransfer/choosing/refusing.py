"""What a run could not do, or would not follow, refused as soon as there is a backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import RecipeError
from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts, Phase
from ..strategies.start import start_for
from ..tasks import Task, get_task
from ..training import Machine, machine_for, refuse_early, refuse_phases
from ..values import Backbone, Dataset
from .candidates import PROBE, ways
from .heeding import PACE, flag, ignored, unheeded
from .knobs import knobs_of
from .picking import facts


def require(backbone: Backbone, data: Dataset, recipe: Recipe) -> None:
    """Refuse what cannot be followed; of `auto`, which tries several strategies, what none of them could.

    Raises:
        RecipeError: the first such choice.
    """
    asked = _Asked(backbone, get_task(data.task), facts(backbone, data), machine_for(recipe), recipe)
    asked.check(refuse_early)
    choice = asked.idle
    if choice:
        raise _refusal(recipe.strategy, choice, asked.others)


@dataclass(frozen=True)
class _Asked:
    """A recipe, and all that tells whether it can be followed."""

    backbone: Backbone
    task: Task
    known: Facts
    machine: Machine
    recipe: Recipe

    def check(self, refuse: Callable[[Task, Backbone, Sequence[Phase], Recipe, Machine], None]) -> None:
        """Raises RecipeError for a choice that the phases cannot follow."""
        refuse(self.task, self.backbone, self._phases, self.recipe, self.machine)

    @property
    def _phases(self) -> Sequence[Phase]:
        if self.recipe.strategy != "auto":
            return STRATEGIES[self.recipe.strategy].phases(self.known, self.recipe)
        tried = (STRATEGIES[PROBE].phases(self.known, self.recipe), *ways(self.known, self.recipe).values())
        return [*start_for(self.recipe), *(phase for phases in tried for phase in phases)]

    @property
    def idle(self) -> str | None:
        """The first choice that a strategy, asked for by name, would make nothing of."""
        name, known = self.recipe.strategy, self.known
        if name == "auto":
            return None
        left = [choice for choice in unheeded(name, known, self.recipe) if choice not in PACE]
        searched = not self.recipe.tune or knobs_of(name, self.recipe, known, self.task)
        return next(iter(left), None if searched else "tune")

    @property
    def others(self) -> list[str]:
        """The strategies that could follow all of it."""
        return [name for name in STRATEGIES if replace(self, recipe=self.recipe.with_(strategy=name))._is_followed]

    @property
    def _is_followed(self) -> bool:
        try:
            self.check(refuse_phases)
        except RecipeError:
            return False
        return not self.idle


def _refusal(strategy: str, choice: str, others: Sequence[str]) -> RecipeError:
    """In words, with ways out that do not end at the next refusal."""
    cause = f"strategy {strategy} has nothing left to search" if choice == "tune" else ignored(strategy, choice)
    fix = f"leave it out, or choose another strategy: {', '.join(others)}" if others else "leave it out"
    return RecipeError(cause, place=flag(choice), fix=fix)
