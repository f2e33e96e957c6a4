"""What a run would take, told before it starts: its first steps are made, measured, and thrown away."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import psutil
import torch

from .choosing import facts, pick, pick_backbone, with_language
from .data import load_data
from .models.device import peak_memory
from .models.loading import load_backbone
from .models.ours import known_of
from .models.sizes import fit_image_size
from .recipe import Recipe, seconds
from .strategies import Phase
from .tasks import get_task
from .training import Machine, Trial, machine_for, refuse, steps_of
from .values import Dataset, Event, Listener, silent


@dataclass(frozen=True)
class Plan:
    """What a run of this recipe on this data takes on this machine.

    Attributes:
        rows: of each split.
        epochs: passes over the training rows, and `steps` of the optimizer; 0 for a head that is solved.
        seconds: of the whole run, about; features that are cached already take none of it.
        memory_mb: what the process holds at its peak: of the accelerator where there is one.
    """

    task: str
    backbone: str
    strategy: str
    rows: dict[str, int]
    epochs: float
    steps: int
    seconds: float
    memory_mb: float | None
    device: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(source: Any, recipe: Recipe | None = None, *, start: float = 0.0, on_event: Listener = silent) -> Plan:
    """Measure what `fine_tune` would take, and train nothing.

    Args:
        start: seconds that a process takes before it comes to work, which count too.

    Raises:
        HFTransferError: the source, a choice or the backbone is at fault, as `fine_tune` would say.
    """
    recipe, began = recipe or Recipe(), time.perf_counter() - start
    data = load_data(source, recipe, known=known_of(recipe.backbone, recipe.revision), on_event=on_event)
    task = get_task(data.task)
    refuse(task, recipe)
    chosen = pick_backbone(task.modality.name, recipe, on_event)
    backbone = load_backbone(task, data.labels, recipe.with_(backbone=chosen.name), known=len(data.known))
    if not data.known or recipe.image_size:
        backbone = fit_image_size(backbone, data.splits["train"], recipe)
    with_language(data, backbone, on_event)
    strategy = pick(backbone, data, recipe, on_event)
    loaded = time.perf_counter() - began
    phases = strategy.phases(facts(backbone, data), recipe)
    tuned = next((phase for phase in phases if phase.solver == "trainer"), None)
    on_event(Event("load", "timing a few steps"))
    machine = machine_for(recipe)
    pace = _pace(Trial.of(backbone, data, recipe, machine), tuned, machine)
    steps = steps_of(tuned, data.rows["train"], recipe) if tuned else 0
    return Plan(
        task=data.task,
        backbone=chosen.name,
        strategy=strategy.name,
        rows=data.rows,
        epochs=tuned.epochs if tuned else 0.0,
        steps=steps,
        seconds=round(loaded + _seconds(pace, tuned, steps, data, recipe), 1),
        memory_mb=peak_memory(machine.device),
        device=machine.device.type,
    )


def since_start() -> float:
    """Seconds since this process began: what imports took, when asked right after them."""
    return time.time() - psutil.Process().create_time()


class Pace(NamedTuple):
    """Seconds of a row read, through the backbone, and through it in fp32; and of a training step."""

    encode: float
    row: float
    exact: float
    step: float


def _pace(trial: Trial, tuned: Phase | None, machine: Machine) -> Pace:
    row, exact = (trial.forward(kind) for kind in (machine, replace(machine, dtype=torch.float32)))
    return Pace(trial.encode, row, exact, trial.step(tuned, machine) if tuned else 0.0)


def _seconds(pace: Pace, tuned: Phase | None, steps: int, data: Dataset, recipe: Recipe) -> float:
    """Features, training and evaluation. A budget bounds training, and ends no earlier than the features do."""
    seen = data.rows["train"] + data.rows["validation"]
    features = seen * (pace.encode + pace.row)
    training = 0.0
    if tuned:  # the rows are read again; validation is looked at before the first step and after each epoch
        looks = (1 + round(tuned.epochs)) * pace.row * data.rows["validation"]
        training = seen * pace.encode + steps * pace.step + looks
    spent = features + training
    if recipe.budget:
        spent = max(features, min(spent, seconds(recipe.budget)))
    return spent + data.rows[data.evaluated_on] * (pace.encode + pace.exact)
