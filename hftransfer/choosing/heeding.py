"""Which of a recipe's choices a strategy follows: what surely makes no difference is not taken in silence."""

from __future__ import annotations

from collections.abc import Callable

from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts, Phase

Heeds = Callable[[Phase, Recipe], bool]


def _stepped(phase: Phase, recipe: Recipe) -> bool:
    return phase.solver == "trainer"


def _labelled(phase: Phase, recipe: Recipe) -> bool:
    """By steps on the task's own labels."""
    return phase.solver == "trainer" and phase.judged


def _solved(phase: Phase, recipe: Recipe) -> bool:
    return phase.solver == "closed-form"


def _dense(phase: Phase, recipe: Recipe) -> bool:
    """By a dense head, which is trained where others are solved."""
    return phase.solver == "closed-form" and recipe.head == "dense"


def _dropping(phase: Phase, recipe: Recipe) -> bool:
    return _stepped(phase, recipe) or _dense(phase, recipe)


def _decaying(phase: Phase, recipe: Recipe) -> bool:
    return (_stepped(phase, recipe) and phase.penalty is None) or _dense(phase, recipe)


def _balancing(phase: Phase, recipe: Recipe) -> bool:
    return _solved(phase, recipe) or _labelled(phase, recipe)


# A choice, and the phases that follow it.
HEEDS: dict[str, Heeds] = {
    **dict.fromkeys(("l1", "optimizer", "epochs", "learning_rate", "warmup", "augmentation"), _stepped),
    **dict.fromkeys(("soup", "mixup", "cutmix", "label_smoothing", "patience"), _labelled),
    "dropout": _dropping,
    "weight_decay": _decaying,
    "generate": _solved,
    "balance": _balancing,
}
BESIDE = ("generate", "balance")  # followed too by a probe that is no phase of the strategy
# How steps are made, where there are any: no claim about the model, and often one script's words for every strategy.
PACE = ("optimizer", "epochs", "learning_rate", "warmup", "patience", "augmentation", "weight_decay")


def heeds(strategy: str, choice: str, known: Facts, recipe: Recipe) -> bool:
    """Whether the recipe's choice can make a difference to what a strategy trains."""
    phases = STRATEGIES[strategy].phases(known, recipe)
    if choice == "start":  # which phases there are
        return phases != STRATEGIES[strategy].phases(known, recipe.with_(start=Recipe().start))
    return any(HEEDS[choice](phase, recipe) for phase in phases)


def probes_beside(recipe: Recipe) -> bool:
    """Whether a probe is run beside the strategy: to be cross-validated, or to label rows."""
    return recipe.folds is not None or recipe.pseudo_label is not None


def unheeded(strategy: str, known: Facts, recipe: Recipe) -> list[str]:
    """What the recipe asks for, not by default, and nothing in a run of the strategy follows."""
    asked = [name for name in ("start", *HEEDS) if getattr(recipe, name) != getattr(Recipe(), name)]
    beside = BESIDE if probes_beside(recipe) else ()
    return [name for name in asked if name not in beside and not heeds(strategy, name, known, recipe)]


def flag(choice: str) -> str:
    return "--" + choice.replace("_", "-")


def ignored(strategy: str, choice: str) -> str:
    """In words."""
    return f"strategy {strategy} makes no use of {flag(choice)}"
