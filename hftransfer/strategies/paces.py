"""How fast an optimizer walks: rates are named in AdamW's steps, and others make longer or shorter ones of them."""

from __future__ import annotations

from ..recipe import Recipe

# What suits AdamW, in another optimizer's steps: SGD's are as long as the gradient, which is small.
PACES = {"sgd": 100.0}


def optimizer_of(recipe: Recipe) -> str:
    """The optimizer's name as it is compared, however it was written."""
    return recipe.optimizer.strip().lower().replace("-", "_")


def paced(usual: float, recipe: Recipe) -> float:
    """The recipe's peak rate; where it names none, the usual one in the optimizer's steps."""
    return recipe.learning_rate or usual * PACES.get(optimizer_of(recipe), 1.0)
