"""Classes of unequal size, made to count alike: by weights in the loss, or by which rows are drawn.

A head learned so answers as if all classes were equally frequent: it finds more of the rare
ones, takes common ones for rare ones more often, and its scores of rare ones are too high
for data as it comes.
"""

from __future__ import annotations

import numpy as np

from ..errors import RecipeError
from ..recipe import Recipe
from ..tasks import Task

WEIGHED = ("class", "flags", "tags")
DRAWN = ("class", "flags")
POSSIBLE = {"weights": WEIGHED, "over": DRAWN, "under": DRAWN}


def refuse_balance(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError where the task's labels are none that could be balanced as the recipe asks."""
    shapes = POSSIBLE.get(recipe.balance)
    if shapes is None or task.target.shape in shapes:
        return
    others = [how for how, takes in POSSIBLE.items() if task.target.shape in takes]
    raise RecipeError(
        f"{task.name} has no classes that '{recipe.balance}' could balance",
        place="--balance",
        fix=f"leave it out, or choose {others[0]}" if others else "leave it out",
    )


def watched(task: Task, recipe: Recipe) -> str:
    """The figure that the best checkpoint is kept by: where classes are to count alike, one that counts them so."""
    return "f1_macro" if recipe.balance != "none" and task.target.shape == "class" else task.target.best


def class_weights(labels: np.ndarray, outputs: int) -> np.ndarray:
    """Of each class, [outputs]: rows / (classes × rows of the class), as scikit-learn's `balanced`; 1 for none."""
    counts = np.bincount(labels, minlength=outputs)
    there = counts > 0
    return np.where(there, len(labels) / (there.sum() * np.maximum(counts, 1)), 1.0)


def flag_weights(flags: np.ndarray) -> np.ndarray:
    """Of each label, [labels]: what a row that has it counts, those without it counting 1; 1 where all or none do."""
    there = (flags > 0).sum(0)
    lacking = len(flags) - there
    return np.where((there > 0) & (lacking > 0), lacking / np.maximum(there, 1), 1.0)


def row_weights(labels: np.ndarray, outputs: int) -> np.ndarray:
    """What each row counts: [rows] of classes, [rows, labels] of flags."""
    if labels.ndim == 1:
        found: np.ndarray = class_weights(labels, outputs)[labels]
        return found
    return np.where(labels > 0, flag_weights(labels), 1.0)


def groups_of(labels: np.ndarray) -> np.ndarray:
    """The group that each row is drawn by, [rows]: its class; of flags the rarest that it has, or one for none."""
    if labels.ndim == 1:
        return labels
    there = labels > 0
    rarity = np.where(there, there.sum(0), len(labels) + 1)
    return np.where(there.any(1), rarity.argmin(1), labels.shape[1])


def drawn(groups: np.ndarray, how: str, chance: np.random.Generator) -> np.ndarray:
    """The rows of an epoch, by place, in no order that means anything.

    `over`: each group as often as the largest has rows, all of its rows before any of them
    again; `under`: of each as many as the smallest has.
    """
    found, sizes = np.unique(groups, return_counts=True)
    wanted = int(sizes.max() if how == "over" else sizes.min())
    return np.concatenate([_some(np.flatnonzero(groups == group), wanted, chance) for group in found])


def drawn_count(groups: np.ndarray, how: str) -> int:
    """How many rows `drawn` gives."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int(len(sizes) * (sizes.max() if how == "over" else sizes.min()))


def _some(places: np.ndarray, wanted: int, chance: np.random.Generator) -> np.ndarray:
    rounds = -(-wanted // len(places))
    return np.concatenate([chance.permutation(places) for _ in range(rounds)])[:wanted]
