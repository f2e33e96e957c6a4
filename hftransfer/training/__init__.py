"""The training station: runs a strategy's phases one after another, and never names a strategy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ..models.device import pick_device, pick_precision, to_device
from ..recipe import Recipe, seconds
from ..strategies import Phase
from ..values import Backbone, Dataset, Listener, silent
from .probe import run_probe
from .progress import Machine, Trained
from .rates import family
from .tune import run_tune

__all__ = ["Machine", "Trained", "family", "machine_for", "run_phases"]


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
) -> Trained:
    """Train the backbone's model in place, phase by phase.

    Args:
        workdir: an empty folder for what the run needs meanwhile: pixels, tokens, checkpoints.

    Returns:
        The history, and the seconds that the features took.
    """
    machine = machine_for(recipe)
    to_device(backbone.model, machine.device)
    deadline = time.monotonic() + seconds(recipe.budget) if recipe.budget else None
    trained = Trained()
    for phase in phases:
        if phase.solver == "closed-form":
            trained += run_probe(backbone, data, phase, recipe, machine, on_event)
        else:
            trained += run_tune(backbone, data, phase, recipe, machine, on_event, workdir, deadline)
    return trained
