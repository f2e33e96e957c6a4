"""The training station: runs a strategy's phases one after another, and never names a strategy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..checkpoints import room_of
from ..models.device import pick_device, pick_precision, to_device
from ..models.loading import fingerprint
from ..recipe import Recipe, seconds
from ..strategies import Phase
from ..strategies.feature_extraction import PROBE
from ..tasks import get_task
from ..values import Backbone, Dataset, Listener, silent
from .enlarging import with_pseudo_labels
from .few import ALONE, BOTH, Ahead, spares, tell_of_all
from .heads.folds import cross_validation
from .heads.mapping import run_mapping
from .heads.probe import run_probe
from .pace import Pace, Trial
from .progress import Leg, Machine, Over, Trained, Until, never
from .refusals import refuse, refuse_early, refuse_phases
from .tuning.rates import family, layer_count
from .tuning.shown import variants
from .tuning.tune import run_tune, steps_of

__all__ = [
    "ALONE",
    "BOTH",
    "Leg",
    "Machine",
    "Over",
    "Pace",
    "Trained",
    "Trial",
    "Until",
    "as_it_is",
    "cross_validation",
    "family",
    "layer_count",
    "machine_for",
    "never",
    "probing",
    "refuse",
    "refuse_early",
    "run_phases",
    "spares",
    "steps_of",
    "variants",
    "with_pseudo_labels",
    "within_budget",
]

RUN: dict[str, Callable[[Leg], Trained]] = {
    "closed-form": run_probe,
    "trainer": run_tune,
    "mapping": run_mapping,
}


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
    first: int = 0,
) -> Trained:
    """Train the backbone's model in place, phase by phase.

    Args:
        workdir: for what the run needs meanwhile: pixels, tokens, checkpoints. Where an
            earlier attempt left something, it is gone on from.
        over: asked now and then; once it says yes, training ends with the best so far.
        first: the number of the first of these phases, where others were run before.

    Returns:
        The history, and the seconds that the features took.

    Raises:
        RecipeError: a choice cannot be followed for this task, or on this machine.
    """
    machine = machine_for(recipe)
    refuse_phases(get_task(data.task), backbone, phases, recipe, machine)
    to_device(backbone.model, machine.device)
    trained, ahead = Trained(), None
    for number, phase in enumerate(phases):
        if first + number and over() and ahead is None:
            return trained + Trained(cut=True)  # the first gives a model, the others only better it
        current = as_it_is(backbone) if number and phase.solver != "trainer" else backbone
        room = room_of(workdir, first + number, phase.name)
        leg = Leg(current, data, phase, recipe, machine, room, _of(room, on_event), over)
        if not number:
            tell_of_all(leg)
        ahead = ahead if phase.judged else Ahead.of(leg, trained)
        trained += RUN[phase.solver](leg)
        if ahead and phase.judged:
            ahead.settle(leg, trained)
            ahead = None
    return trained


def probing(backbone: Backbone, data: Dataset, recipe: Recipe, on_event: Listener = silent) -> Leg:
    """What a probe is run on that is no phase of a strategy: it leaves the model as it is, and nothing on the disk
    but features."""
    machine = machine_for(recipe)
    to_device(backbone.model, machine.device)
    return Leg(backbone, data, PROBE, recipe, machine, Path(), on_event)


def _of(room: Path, on_event: Listener) -> Listener:
    """The listener, told by name which phase it hears of."""
    return lambda event: on_event(replace(event, phase=room.name))


def as_it_is(backbone: Backbone) -> Backbone:
    """The backbone under a key of its weights as they are now: features of other weights are not its own."""
    return replace(backbone, key=fingerprint(backbone.model, backbone.processor, ()))


def within_budget(recipe: Recipe, over: Over, spent: float = 0.0) -> Until:
    """Over when it is said, or when the recipe's budget is spent.

    Args:
        spent: seconds of the budget that are gone.
    """
    return Until(over, time.monotonic() + seconds(recipe.budget) - spent) if recipe.budget else Until(over)
