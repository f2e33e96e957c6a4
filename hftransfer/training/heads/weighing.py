"""Classes of unequal size, for a head in closed form: what each row counts, or which rows are left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...recipe import Recipe
from ..balancing import class_weights, drawn, groups_of, row_weights
from .solving import Split


def balanced(train: Split, validation: Split, outputs: int, recipe: Recipe) -> tuple[Split, Split]:
    """Train and validation as the recipe balances them.

    Validation keeps its rows and weighs them, so that what is chosen by it is what classes that count alike ask for.
    """
    if recipe.balance == "none":
        return train, validation
    fair = FAIR[recipe.balance](validation.labels, outputs)
    return BALANCED[recipe.balance](train, outputs, recipe), replace(validation, weights=fair)


def _weighed(train: Split, outputs: int, recipe: Recipe) -> Split:
    return replace(train, weights=row_weights(train.labels, outputs))


def _drawn(train: Split, outputs: int, recipe: Recipe) -> Split:
    """A row that is drawn several times counts as often; one that is not is left out."""
    chance = np.random.default_rng(recipe.seed)
    times = np.bincount(drawn(groups_of(train.labels), recipe.balance, chance), minlength=len(train.labels))
    kept = np.flatnonzero(times)
    return replace(train.take(kept), weights=times[kept].astype(np.float64))


def _of_groups(labels: np.ndarray, outputs: int) -> np.ndarray:
    groups = groups_of(labels)
    found: np.ndarray = class_weights(groups, outputs + 1)[groups]
    return found


BALANCED: dict[str, Callable[[Split, int, Recipe], Split]] = {"weights": _weighed, "over": _drawn, "under": _drawn}
FAIR: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "weights": row_weights,
    "over": _of_groups,
    "under": _of_groups,
}
