"""What `auto` would try after the probe, by the data's size, the task and the time there is."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe, seconds
from ..strategies import STRATEGIES, Facts, Phase, Strategy
from ..training import Trial, machine_for, steps_of
from ..values import Backbone, Dataset
from .picking import facts

PATIENCE = 40.0  # seconds that a candidate may take where no budget is given: all in all, a minute
ROWS_A_CLASS = 50  # below, tuning everything learns the examples by heart: at 12 and at 35 real rows a class it lost
FEW = 100  # rows a class, below which drawing rows of a class together may pay
TUNED = ("full", "l2-sp", "lora")
BACKWARD = 3.0  # a training step in forward passes


@dataclass(frozen=True)
class Candidate:
    """A strategy that may be worth its time.

    Attributes:
        phases: those after the probe, which it begins with.
        why: it is tried, in words.
        seconds: that it would take, about.
        fits: whether there is time for it.
    """

    name: str
    phases: tuple[Phase, ...]
    why: str
    seconds: float
    fits: bool


def candidates(backbone: Backbone, data: Dataset, recipe: Recipe) -> tuple[Candidate, ...]:
    """The strategies to try after the probe, the most promising first."""
    known, recipe = facts(backbone, data), recipe.with_(start="probe")
    names, why = _promising(known)
    row = Trial.of(backbone, data, recipe, machine_for(recipe)).forward(machine_for(recipe)) if names else 0.0
    budget, found, spent = seconds(recipe.budget) if recipe.budget else PATIENCE, [], 0.0
    for name in names:
        phases = STRATEGIES[name].phases(known, recipe)[1:]
        steps = sum(steps_of(phase, known.rows, recipe) for phase in phases if phase.solver == "trainer")
        needed = row * recipe.batch_size * BACKWARD * steps
        fits = spent + needed <= budget
        spent += needed if fits else 0.0
        found.append(Candidate(name, phases, why, needed, fits))
    return tuple(found)


def _promising(known: Facts) -> tuple[tuple[str, ...], str]:
    """Names, the most promising first, and why these."""
    each = known.rows // known.labels
    few = ("contrastive",) if known.smallest and each < FEW else ()
    many = TUNED if each >= ROWS_A_CLASS else ()
    if many:
        return (*few, *many), f"{each} training rows a label are enough to train everything"
    return few, f"{each} training rows a label are few"


def pick(backbone: Backbone, data: Dataset, recipe: Recipe) -> Strategy:
    """The recipe's strategy; for `auto`, the one that would be tried first, else the probe alone."""
    if recipe.strategy != "auto":
        return STRATEGIES[recipe.strategy]
    first = next((candidate.name for candidate in candidates(backbone, data, recipe) if candidate.fits), None)
    return STRATEGIES[first or "feature-extraction"]
