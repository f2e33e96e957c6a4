"""What `auto` would try after the probe, by the data's size, the task and the time there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..recipe import Recipe, seconds
from ..strategies import STRATEGIES, Facts, Phase
from ..training import Pace
from ..values import Dataset

PROBE = "feature-extraction"
# Seconds that all candidates may take together where no budget is given, and what a probe must lack for the most: on
# hundreds of images 40 seconds left out what was four to twelve points better.
PATIENCE, MUCH = (40.0, 300.0), 0.1
ROWS_A_CLASS = 50  # below, tuning everything learns the examples by heart: at 12 and at 35 real rows a class it lost
FEW = 100  # rows a class, below which drawing rows of a class together may pay
# On nine sets of texts and images the first was better than `full` or within a point of it, the second best on photos.
TUNED = ("l2-sp", "lp-ft", "full", "lora")

Ways = Mapping[str, tuple[Phase, ...]]


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


def ways(known: Facts, recipe: Recipe) -> Ways:
    """The phases of each strategy to try after the probe, the most promising first."""
    return {name: STRATEGIES[name].phases(known, recipe) for name in promising(known)[0]}


def candidates(pace: Pace, data: Dataset, known: Facts, recipe: Recipe, left: float) -> tuple[Candidate, ...]:
    """What there is time for of these.

    Args:
        left: seconds that all of them may take together.
    """
    there, found, (names, why) = left, [], promising(known)
    for name in names:
        phases = STRATEGIES[name].phases(known, recipe)
        needed = pace.training(phases, data, recipe) + pace.measuring(data.rows["validation"])
        found.append(Candidate(name, why, needed, needed <= there))
        there -= needed if needed <= there else 0.0
    return tuple(found)


def patience(reached: float | None = None) -> float:
    """Seconds for all candidates where no budget is given: the more, the more there is to gain.

    Args:
        reached: the probe's figure on validation, at best 1; where nothing is known, there may be much to gain.
    """
    least, most = PATIENCE
    lacking = 1.0 if reached is None else 1.0 - reached
    return least + (most - least) * min(1.0, max(0.0, lacking) / MUCH)


def time_left(recipe: Recipe, left: float, reached: float | None = None) -> float:
    """Seconds for all candidates, of those that are left of a budget, or as `patience` has it."""
    return left if recipe.budget else min(left, patience(reached))


def promising(known: Facts) -> tuple[tuple[str, ...], str]:
    """Names, the most promising first, and why these."""
    each = known.rows // known.labels
    few = ("contrastive",) if known.smallest and each < FEW else ()
    many = TUNED if each >= ROWS_A_CLASS else ()
    if many:
        return (*few, *many), f"{each} training rows a label are enough to train everything"
    return few, f"{each} training rows a label are few"


def foreseen(pace: Pace, data: Dataset, known: Facts, recipe: Recipe, few: bool) -> list[Sequence[Phase]]:
    """The phases of each strategy that a run would train; of `auto` the probe's first.

    Args:
        few: whether the best of several is trained again, with the rows that chose it.
    """
    contest = recipe.strategy == "auto"
    names = _fitting(pace, data, known, recipe) if contest else [recipe.strategy]
    found = [STRATEGIES[name].phases(known, recipe) for name in names]
    chosen = few and (contest or recipe.tune)
    again = [phases for phases in found if chosen and any(phase.whole for phase in phases)]
    return [*found, *again[-1:]]


def _fitting(pace: Pace, data: Dataset, known: Facts, recipe: Recipe) -> list[str]:
    left = time_left(recipe, seconds(recipe.budget) - pace.features(data) if recipe.budget else math.inf)
    return [PROBE, *(found.name for found in candidates(pace, data, known, recipe, left) if found.fits)]
