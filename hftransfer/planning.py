"""What a run would take, told before it starts: its first steps are made, measured, and thrown away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
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
from .training import Leg, Machine, Trial, machine_for, refuse, steps_of, variants
from .values import Dataset, Event, Listener, silent


@dataclass(frozen=True)
class Plan:
    """What a run of this recipe on this data takes on this machine.

    Attributes:
        rows: of each split.
        epochs: passes over the training rows, and `steps` of the optimizer; 0 for a head that is solved.
        seconds: of the whole run, about; features that are cached already take none of it.
        memory_mb: what the process holds at its peak: of the accelerator where there is one.
        augmentation: the preset by which training images are changed; empty where none are tuned on.
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
    augmentation: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(
    source: Any,
    recipe: Recipe | None = None,
    *,
    start: float = 0.0,
    on_event: Listener = silent,
    pictures: Path | None = None,
) -> Plan:
    """Measure what `fine_tune` would take, and train nothing.

    Args:
        pictures: a folder for variants of a training image as it would be augmented.
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
    strategy = pick(backbone, data, recipe)
    loaded = time.perf_counter() - began
    phases = strategy.phases(facts(backbone, data), recipe)
    tuned = [phase for phase in phases if phase.solver == "trainer"]
    on_event(Event("load", "timing a few steps"))
    machine = machine_for(recipe)
    augmentation = _augmented(Leg(backbone, data, tuned[0], recipe, machine, Path()), pictures) if tuned else ""
    pace = _pace(Trial.of(backbone, data, recipe, machine), tuned, machine)
    steps = [steps_of(phase, data.rows["train"], recipe) for phase in tuned]
    return Plan(
        task=data.task,
        backbone=chosen.name,
        strategy=strategy.name,
        rows=data.rows,
        epochs=sum(phase.epochs for phase in tuned),
        steps=sum(steps),
        seconds=round(loaded + _seconds(pace, tuned, steps, data, recipe), 1),
        memory_mb=peak_memory(machine.device),
        device=machine.device.type,
        augmentation=augmentation,
    )


def _augmented(leg: Leg, pictures: Path | None) -> str:
    """The preset's name; empty where there are no images."""
    if leg.task.modality.name != "image":
        return ""
    name, found = variants(leg)
    for number, image in enumerate(found if pictures else ()):
        assert pictures is not None
        image.save(pictures / f"augmented-{number}.jpg", quality=85)
    return name


def since_start() -> float:
    """Seconds since this process began: what imports took, when asked right after them."""
    return time.time() - psutil.Process().create_time()


class Pace(NamedTuple):
    """Seconds of a row read, through the backbone, and through it in fp32; and of a training step of each phase."""

    encode: float
    row: float
    exact: float
    step: tuple[float, ...]


def _pace(trial: Trial, tuned: Sequence[Phase], machine: Machine) -> Pace:
    row, exact = (trial.forward(kind) for kind in (machine, replace(machine, dtype=torch.float32)))
    return Pace(trial.encode, row, exact, tuple(trial.step(phase, machine) for phase in tuned))


def _seconds(pace: Pace, tuned: Sequence[Phase], steps: Sequence[int], data: Dataset, recipe: Recipe) -> float:
    """Features, training and evaluation. A budget bounds training, and ends no earlier than the features do."""
    seen = data.rows["train"] + data.rows["validation"]
    features = seen * (pace.encode + pace.row)
    training = 0.0
    for phase, count, step in zip(tuned, steps, pace.step, strict=True):
        # The rows are read again; validation is looked at before the first step and after each epoch.
        looks = (1 + round(phase.epochs)) * pace.row * data.rows["validation"]
        training += seen * pace.encode + count * step + looks
    spent = features + training
    if recipe.budget:
        spent = max(features, min(spent, seconds(recipe.budget)))
    return spent + data.rows[data.evaluated_on] * (pace.encode + pace.exact)
