"""Which strategy: asked for by name, or picked by what the data and the time allow."""

from __future__ import annotations

import time
from itertools import islice
from statistics import median

import torch

from .models.backbones import Choice, choose
from .models.device import autocast, keep_memory, to_device
from .models.features import batches
from .recipe import Recipe, seconds
from .strategies import STRATEGIES, Facts, Strategy
from .tasks import get_task
from .training import Machine, family, machine_for
from .values import Backbone, Dataset, Event, Listener, silent

PATIENCE = 40.0  # seconds that `auto` spends on training where no budget is given: all in all, a minute
ROWS_A_CLASS = 50  # below, tuning everything learns the examples by heart: at 12 and at 35 real rows a class it lost
BACKWARD = 3.0  # a training step in forward passes
MEASURED = 3  # batches, the first of which warms up


def facts(backbone: Backbone, data: Dataset) -> Facts:
    """What a strategy plans by."""
    return Facts(family(backbone.model), data.rows["train"], len(data.labels))


def pick_backbone(modality: str, recipe: Recipe, on_event: Listener = silent) -> Choice:
    """The recipe's backbone; where it names none, the default or the starter, and why."""
    if recipe.backbone:
        return Choice(recipe.backbone, "")
    choice = choose(modality, accelerated=machine_for(recipe).device.type != "cpu")
    on_event(Event("load", f"backbone {choice.name}: {choice.why}"))
    return choice


def pick(backbone: Backbone, data: Dataset, recipe: Recipe, on_event: Listener = silent) -> Strategy:
    """The recipe's strategy; for `auto`, `full` where enough rows and time allow it, else `feature-extraction`."""
    if recipe.strategy != "auto":
        return STRATEGIES[recipe.strategy]
    name, why = _weigh(backbone, data, recipe)
    on_event(Event("train", f"strategy {name}: {why}"))
    return STRATEGIES[name]


def _weigh(backbone: Backbone, data: Dataset, recipe: Recipe) -> tuple[str, str]:
    known = facts(backbone, data)
    each = known.rows // known.labels
    if each < ROWS_A_CLASS:
        return "feature-extraction", f"{each} training rows a class are few"
    needed = estimate(backbone, data, recipe)
    budget = seconds(recipe.budget) if recipe.budget else PATIENCE
    if needed > budget:
        return "feature-extraction", f"training everything would take about {needed:.0f} s, more than {budget:.0f} s"
    return "full", f"training everything takes about {needed:.0f} s"


def estimate(backbone: Backbone, data: Dataset, recipe: Recipe) -> float:
    """Seconds that `full` would take, from the forward passes of a few batches."""
    keep_memory()
    machine = machine_for(recipe)
    column = get_task(data.task).modality.column
    rows = data.splits["train"].select_columns([column])
    rows = rows.select(range(0, len(rows), max(1, len(rows) // (MEASURED * recipe.batch_size))))
    times = [
        _forward(backbone, batch, machine) for _, batch in islice(batches(backbone, rows, recipe.batch_size), MEASURED)
    ]
    epochs = sum(phase.epochs for phase in STRATEGIES["full"].phases(facts(backbone, data), recipe))
    steps = epochs * -(-data.rows["train"] // recipe.batch_size)
    return median(times[1:] or times) * BACKWARD * steps


def _forward(backbone: Backbone, batch: dict[str, torch.Tensor], machine: Machine) -> float:
    began = time.perf_counter()
    model = to_device(backbone.model, machine.device)
    with torch.inference_mode(), autocast(machine.device, machine.dtype):
        model(**{name: tensor.to(machine.device) for name, tensor in batch.items()})
    return time.perf_counter() - began
