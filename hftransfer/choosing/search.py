"""A search over the recipe's few choices that matter: each trial is a whole training, judged on validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna

from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts, Phase
from ..tasks import get_task
from ..training import Over
from ..values import Backbone, Dataset, Event, Listener
from .arena import Arena, Tried
from .candidates import pick
from .picking import facts
from .settled import Settled

FARTHEST = 5.0  # times the usual rate, and a fifth of it
Suggest = Callable[[optuna.Trial, Recipe, Facts], Any]


@dataclass(frozen=True)
class Knob:
    """A choice of the recipe that is searched, where it is not given.

    Attributes:
        solver: of the phases that it matters to.
    """

    name: str
    solver: str
    suggest: Suggest


def _rate(trial: optuna.Trial, recipe: Recipe, known: Facts) -> float:
    phases = STRATEGIES[recipe.strategy].phases(known, recipe)
    usual = max(phase.rates.backbone for phase in phases if phase.rates)
    return trial.suggest_float("learning_rate", usual / FARTHEST, usual * FARTHEST, log=True)


def _epochs(trial: optuna.Trial, recipe: Recipe, known: Facts) -> float:
    phases = STRATEGIES[recipe.strategy].phases(known, recipe)
    usual = sum(phase.epochs for phase in phases)
    return round(usual * trial.suggest_categorical("epochs", [0.5, 1.0, 2.0]), 2)


KNOBS = (
    Knob("learning_rate", "trainer", _rate),
    Knob("epochs", "trainer", _epochs),
    Knob("weight_decay", "trainer", lambda trial, *_: trial.suggest_categorical("weight_decay", [0.0, 0.01, 0.1])),
    Knob("label_smoothing", "trainer", lambda trial, *_: trial.suggest_categorical("label_smoothing", [0.0, 0.1])),
    Knob("head", "closed-form", lambda trial, *_: trial.suggest_categorical("head", ["linear", "dense"])),
    Knob("balance", "closed-form", lambda trial, *_: trial.suggest_categorical("balance", ["none", "weights"])),
)
