"""What a run would take, told before it starts: its first steps are made, measured, and thrown away."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from .choosing import facts, pick, pick_backbone
from .data import load_data
from .models.device import peak_memory
from .models.loading import load_backbone
from .models.sizes import fit_image_size
from .recipe import Recipe, seconds
from .strategies import Phase
from .tasks import get_task
from .training import Pace, machine_for, measure, steps_of
from .values import Event, Listener, silent


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
    data = load_data(source, recipe, on_event=on_event)
    task = get_task(data.task)
    chosen = pick_backbone(task.modality.name, recipe, on_event)
    backbone = load_backbone(task, data.labels, recipe.with_(backbone=chosen.name))
    backbone = fit_image_size(backbone, data.splits["train"], recipe)
    loaded = time.perf_counter() - began
    strategy = pick(backbone, data, recipe, on_event)
    phases = strategy.phases(facts(backbone, data), recipe)
    tuned = next((phase for phase in phases if phase.solver == "trainer"), None)
    on_event(Event("load", "timing a few steps"))
    machine = machine_for(recipe)
    pace = measure(backbone, data, tuned, recipe, machine)
    steps = steps_of(tuned, data.rows["train"], recipe) if tuned else 0
    took = loaded + _features(pace, data.rows) + _training(pace, tuned, steps, data.rows)
    return Plan(
        task=data.task,
        backbone=chosen.name,
        strategy=strategy.name,
        rows=data.rows,
        epochs=tuned.epochs if tuned else 0.0,
        steps=steps,
        seconds=round(_within(took, loaded, recipe) + pace.exact_row * data.rows[data.evaluated_on], 1),
        memory_mb=peak_memory(machine.device),
        device=machine.device.type,
    )


def since_start() -> float:
    """Seconds since this process began: what imports took, when asked right after them."""
    return time.time() - psutil.Process().create_time()


def _features(pace: Pace, rows: dict[str, int]) -> float:
    return pace.row * (rows["train"] + rows["validation"])


def _training(pace: Pace, phase: Phase | None, steps: int, rows: dict[str, int]) -> float:
    """Steps, and a look at validation before the first and after each epoch."""
    if phase is None or pace.step is None:
        return 0.0
    return steps * pace.step + (1 + round(phase.epochs)) * pace.row * rows["validation"]


def _within(took: float, loaded: float, recipe: Recipe) -> float:
    """A budget bounds features and training."""
    return min(took, loaded + seconds(recipe.budget)) if recipe.budget else took
