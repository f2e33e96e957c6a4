"""A search over the recipe's few choices that matter: each trial is a whole training, judged on validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna

from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts, Phase
from ..tasks import Task, get_task
from ..values import Backbone, Dataset, Event
from .arena import Arena, Tried
from .candidates import fitting
from .picking import facts
from .run import Run

FARTHEST = 5.0  # times the usual rate, and a fifth of it
AT_RANDOM = 5  # trials before the sampler learns from them
USUAL = "the usual values"


@dataclass(frozen=True)
class Knob:
    """A choice of the recipe that is searched where it has its default.

    Attributes:
        solver: of the phases that it matters to.
        shapes: of the labels that it is for.
        suggest: a value, from a trial and what would be taken without a search.
    """

    name: str
    solver: str
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
    Knob("learning_rate", "trainer", ANY, _rate),
    Knob("epochs", "trainer", ANY, _epochs),
    Knob("weight_decay", "trainer", ANY, _one_of("weight_decay", 0.01, 0.0, 0.1)),
    Knob("label_smoothing", "trainer", frozenset({"class"}), _one_of("label_smoothing", 0.0, 0.1)),
    Knob("balance", "closed-form", frozenset({"class", "flags"}), _one_of("balance", "none", "weights")),
)


def search(run: Run) -> tuple[Arena, dict[str, Recipe]]:
    """Try the usual values, and then as many others as the recipe asks for, or the time allows.

    Returns:
        The arena with all trials, and the recipe of each by its name.
    """
    backbone, data, recipe = run.backbone, run.data, run.recipe
    assert recipe.tune
    known, task = facts(backbone, data), get_task(data.task)
    names = run.settled.once("searched", lambda: _strategies(backbone, data, recipe))
    arena, study = Arena(run), _study(recipe)
    recipes = {USUAL: recipe.with_(strategy=names[0], tune=None)}
    _enter(arena, USUAL, recipes[USUAL], {}, backbone, known)
    for number in range(1, recipe.tune + 1):
        trial, name = study.ask(), f"trial {number}"
        if run.over() and not arena.knows(name):
            run.on_event(Event("train", f"the time was over after {number - 1} of {recipe.tune} trials"))
            break
        choices = suggested(trial, names, recipe, known, task)
        recipes[name] = recipe.with_(**choices, tune=None)
        _enter(arena, name, recipes[name], choices, backbone, known)
        study.tell(trial, max(arena.tried[-1].figure, -1e9))
    return arena, recipes


def suggested(trial: optuna.Trial, names: list[str], recipe: Recipe, known: Facts, task: Task) -> dict[str, Any]:
    """A strategy, and a value for every knob that matters to it and that the recipe leaves open."""
    name = trial.suggest_categorical("strategy", names)
    phases = STRATEGIES[name].phases(known, recipe.with_(strategy=name))
    solvers, usual = {phase.solver for phase in phases}, Recipe()
    wanted = [
        knob
        for knob in KNOBS
        if knob.solver in solvers
        and task.target.shape in knob.shapes
        and getattr(recipe, knob.name) == getattr(usual, knob.name)
    ]
    return {"strategy": name, **{knob.name: knob.suggest(trial, phases) for knob in wanted}}


def _strategies(backbone: Backbone, data: Dataset, recipe: Recipe) -> list[str]:
    """The one that is asked for; for `auto`, all that may pay and that there is time for."""
    if recipe.strategy != "auto":
        return [recipe.strategy]
    return ["feature-extraction", *fitting(backbone, data, recipe)]


def _enter(arena: Arena, name: str, recipe: Recipe, choices: dict[str, Any], backbone: Backbone, known: Facts) -> None:
    phases = STRATEGIES[recipe.strategy].phases(known, recipe)
    why = ", ".join(f"{choice} {value}" for choice, value in choices.items()) or USUAL
    arena.enter(Tried(name, why, arena.metric, choices=choices), backbone, phases, recipe)


def _study(recipe: Recipe) -> optuna.Study:
    """Optuna's, silent; the same suggestions for the same seed and figures, so that a run can go on."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=recipe.seed, n_startup_trials=AT_RANDOM)
    return optuna.create_study(direction="maximize", sampler=sampler)
