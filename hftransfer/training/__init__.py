"""The training station: runs a strategy's phases one after another, and never names a strategy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import room_of
from ..models.device import pick_device, pick_precision, to_device
from ..recipe import Recipe, seconds
from ..strategies import Phase
from ..values import Backbone, Dataset, Listener, silent
from .pace import Trial
from .probe import run_probe
from .progress import Machine, Over, Trained, never
from .rates import family
from .tune import run_tune, steps_of

__all__ = [
    "Machine",
    "Over",
    "Trained",
    "Trial",
    "family",
    "machine_for",
    "never",
    "run_phases",
    "steps_of",
]


def machine_for(recipe: Recipe) -> Machine:
    """The device and arithmetic for training: the recipe's, or the best there are."""
    device = pick_device(recipe)
    return Machine(device, pick_precision(recipe, device))


def run_phases(
    backbone: Backbone,
    data: Dataset,
    phases: Sequence[Phase],
    recipe: Recipe,
    workdir: Path,
    on_event: Listener = silent,
    over: Over = never,
    spent: float = 0.0,
) -> Trained:
    """Train the backbone's model in place, phase by phase.

    Args:
        workdir: for what the run needs meanwhile: pixels, tokens, checkpoints. Where an
            earlier attempt left something, it is gone on from.
        over: asked now and then; once it says yes, training ends with the best so far.
        spent: seconds of the budget that earlier attempts took.

    Returns:
        The history, and the seconds that the features took.
    """
    machine = machine_for(recipe)
    to_device(backbone.model, machine.device)
    ended = _by_budget(recipe, over, spent)
    trained = Trained()
    for number, phase in enumerate(phases):
        if number and ended():
            return trained + Trained(cut=True)  # the first gives a model, the others only better it
        if phase.solver == "closed-form":
            trained += run_probe(backbone, data, phase, recipe, machine, on_event)
        else:
            room = room_of(workdir, number, phase.name)
            trained += run_tune(backbone, data, phase, recipe, machine, on_event, room, ended)
    return trained


def _by_budget(recipe: Recipe, over: Over, spent: float) -> Over:
    """Over when it is said, or when the recipe's budget is spent."""
    if not recipe.budget:
        return over
    deadline = time.monotonic() + seconds(recipe.budget) - spent
    return lambda: over() or time.monotonic() > deadline
