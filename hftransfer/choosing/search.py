"""A search over the recipe's few choices that matter: each trial is a whole training, judged on validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import optuna

from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts
from ..tasks import get_task
from ..training import Trial, machine_for
from ..values import Backbone, Event
from .arena import Arena, Tried
from .candidates import PROBE, candidates, time_left
from .knobs import suggested
from .picking import facts
from .run import Run

AT_RANDOM = 5  # trials before the sampler learns from them
ASKED = 50  # times for what was not tried yet: then there is no more, or next to none
LEAST = -1e9  # what the sampler is told of a trial without a figure
USUAL = "the usual recipe"
TRIAL = "trial {number}"

Choices = dict[str, Any]


def search(run: Run) -> tuple[Arena, dict[str, Recipe]]:
    """Try the usual recipe, and then as many others as the recipe asks for, there are, or the time allows.

    Returns:
        The arena with all trials, and the recipe of each by its name.
    """
    recipe, known, task = run.recipe, facts(run.backbone, run.data), get_task(run.data.task)
    assert recipe.tune
    names = run.settled.once("searched", lambda: _strategies(run, known))
    arena, study, plain = Arena(run), _study(recipe), recipe.with_(tune=None)
    recipes = {USUAL: plain.with_(strategy=names[0])}
    _enter(arena, USUAL, recipes[USUAL], {}, run.backbone, known)
    for number in range(1, recipe.tune + 1):
        name, figures = TRIAL.format(number=number), dict(zip(recipes.values(), arena.reached, strict=True))
        if run.over() and not arena.knows(name):
            run.on_event(Event("train", f"the time was over after {number - 1} of {recipe.tune} trials"))
            break
        trial, choices = _fresh(study, plain, lambda trial: suggested(trial, names, recipe, known, task), figures)
        if trial is None:
            run.on_event(Event("train", f"after {number - 1} of {recipe.tune} trials there is nothing left to try"))
            break
        recipes[name] = plain.with_(**choices)
        _enter(arena, name, recipes[name], choices, run.backbone, known)
        study.tell(trial, max(arena.reached[-1], LEAST))
    return arena, recipes


def _fresh(
    study: optuna.Study, plain: Recipe, suggest: Callable[[optuna.Trial], Choices], figures: Mapping[Recipe, float]
) -> tuple[optuna.Trial | None, Choices]:
    """Choices that were not tried before; of others the sampler hears again what they reached. No trial without any."""
    for _ in range(ASKED):
        trial = study.ask()
        choices = suggest(trial)
        figure = figures.get(plain.with_(**choices))
        if figure is None:
            return trial, choices
        study.tell(trial, max(figure, LEAST))
    return None, {}


def _strategies(run: Run, known: Facts) -> list[str]:
    """The one that is asked for; for `auto`, all that may pay and that there is time for."""
    if run.recipe.strategy != "auto":
        return [run.recipe.strategy]
    machine = machine_for(run.recipe)
    pace = Trial.of(run.backbone, run.data, run.recipe, machine).pace(machine)
    left = time_left(run.recipe, run.over.left - pace.features(run.data))
    return [PROBE, *(found.name for found in candidates(pace, run.data, known, run.recipe, left) if found.fits)]


def _enter(arena: Arena, name: str, recipe: Recipe, choices: Choices, backbone: Backbone, known: Facts) -> None:
    phases = STRATEGIES[recipe.strategy].phases(known, recipe)
    why = ", ".join(f"{choice} {value}" for choice, value in choices.items()) or USUAL
    arena.enter(Tried(name, why, arena.metric, choices=choices), backbone, phases, recipe)


def _study(recipe: Recipe) -> optuna.Study:
    """Optuna's, silent; the same suggestions for the same seed and figures, so that a run can go on."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=recipe.seed, n_startup_trials=AT_RANDOM)
    return optuna.create_study(direction="maximize", sampler=sampler)
