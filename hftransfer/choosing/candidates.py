"""What `auto` would try after the probe, by the data's size, the task and the time there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        why: it is tried, in words.
        seconds: that it would take, about.
        fits: whether there is time for it.
    """

    name: str
    why: str
    seconds: float
    fits: bool


def candidates(
    backbone: Backbone, data: Dataset, recipe: Recipe, ways: Mapping[str, Sequence[Phase]]
) -> tuple[Candidate, ...]:
    """The strategies to try after the probe, the most promising first.

    Args:
        ways: the phases of each.
    """
    known = facts(backbone, data)
    row = Trial.of(backbone, data, recipe, machine_for(recipe)).forward(machine_for(recipe)) if ways else 0.0
    budget, found, spent = seconds(recipe.budget) if recipe.budget else PATIENCE, [], 0.0
    for name, phases in ways.items():
        steps = sum(steps_of(phase, known.rows, recipe) for phase in phases if phase.solver == "trainer")
        needed = row * recipe.batch_size * BACKWARD * steps
        fits = spent + needed <= budget
        spent += needed if fits else 0.0
        found.append(Candidate(name, promising(known)[1], needed, fits))
    return tuple(found)


def promising(known: Facts) -> tuple[tuple[str, ...], str]:
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
    return STRATEGIES[next(iter(fitting(backbone, data, recipe)), "feature-extraction")]


def fitting(backbone: Backbone, data: Dataset, recipe: Recipe) -> list[str]:
    """The names of those that may pay and that there is time for."""
    known = facts(backbone, data)
    ways = {name: STRATEGIES[name].phases(known, recipe) for name in promising(known)[0]}
    return [found.name for found in candidates(backbone, data, recipe, ways) if found.fits]
