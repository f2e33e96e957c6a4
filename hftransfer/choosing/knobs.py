"""What a search may turn: the choices of a recipe that matter most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts, Phase
from ..tasks import Task
from .heeding import heeds

if TYPE_CHECKING:
    import optuna  # imported by who searches

FARTHEST = 5.0  # times the usual rate, and a fifth of it


@dataclass(frozen=True)
class Knob:
    """A choice of the recipe that is searched where it has its default, and where it makes a difference.

    Attributes:
        shapes: of the labels that it is for.
        suggest: a value, from a trial and what would be taken without a search.
    """

    name: str
    shapes: frozenset[str]
    suggest: Callable[[optuna.Trial, tuple[Phase, ...]], Any]


def _rate(trial: optuna.Trial, phases: tuple[Phase, ...]) -> float:
    usual = max(phase.rates.backbone for phase in phases if phase.rates)
    return float(f"{usual * trial.suggest_float('rate', 1 / FARTHEST, FARTHEST, log=True):.2g}")


def _epochs(trial: optuna.Trial, phases: tuple[Phase, ...]) -> float:
    usual = sum(phase.epochs for phase in phases)
    return float(f"{usual * trial.suggest_categorical('epochs', [0.5, 1.0, 2.0]):.3g}")


def _one_of(name: str, *values: Any) -> Callable[[optuna.Trial, tuple[Phase, ...]], Any]:
    return lambda trial, phases: trial.suggest_categorical(name, values)


ANY = frozenset({"class", "flags", "numbers", "tags"})
KNOBS = (
    Knob("learning_rate", ANY, _rate),
    Knob("epochs", ANY, _epochs),
    Knob("weight_decay", ANY, _one_of("weight_decay", 0.01, 0.0, 0.1)),
    Knob("label_smoothing", frozenset({"class"}), _one_of("label_smoothing", 0.0, 0.1)),
    Knob("balance", frozenset({"class", "flags"}), _one_of("balance", "none", "weights")),
)


def knobs_of(strategy: str, recipe: Recipe, known: Facts, task: Task) -> list[Knob]:
    """Those that matter to the strategy and that the recipe leaves open."""
    usual = Recipe()
    return [
        knob
        for knob in KNOBS
        if task.target.shape in knob.shapes
        and getattr(recipe, knob.name) == getattr(usual, knob.name)
        and heeds(strategy, knob.name, known, recipe)
    ]


def suggested(trial: optuna.Trial, names: list[str], recipe: Recipe, known: Facts, task: Task) -> dict[str, Any]:
    """A strategy, and a value for each of its knobs."""
    name = trial.suggest_categorical("strategy", names)
    phases = STRATEGIES[name].phases(known, recipe.with_(strategy=name))
    return {
        "strategy": name,
        **{knob.name: knob.suggest(trial, phases) for knob in knobs_of(name, recipe, known, task)},
    }
