"""What a run would take, told before it starts: its first steps are made, measured, and thrown away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from .choosing import facts, foreseen, patience, pick_backbone, probes_beside, promising, require, with_language
from .data import load_data, load_unlabelled
from .models.device import peak_memory
from .models.loading import load_backbone
from .models.ours import known_of
from .models.sizes import fit_image_size
from .recipe import Recipe, seconds
from .results.advice import SAMPLED
from .strategies import Phase
from .strategies.feature_extraction import PROBE
from .tasks import get_task
from .training import Leg, Pace, Trial, machine_for, refuse, spares, steps_of, variants
from .values import Backbone, Dataset, Event, Listener, silent


@dataclass(frozen=True)
class Plan:
    """What a run of this recipe on this data takes on this machine.

    Attributes:
        rows: of each split.
        strategy: as it was asked for; of `auto`, what follows is of all that it may try.
        epochs: passes over the training rows, and `steps` of the optimizer; 0 for a head that is solved.
        seconds: of the whole run, about; features that are cached already take none of it.
        memory_mb: what the process holds at its peak: of the accelerator where there is one.
        at_most: whether it may take far less: `auto` tries less where its probe leaves little to gain.
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
    at_most: bool = False

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
    require(backbone, data, recipe)
    with_language(data, backbone, on_event)
    unlabelled = _unlabelled(data, recipe, on_event)
    loaded = time.perf_counter() - began
    on_event(Event("load", "timing a few steps"))
    return _timed(backbone, data, recipe, loaded, unlabelled, pictures)


def _unlabelled(data: Dataset, recipe: Recipe, on_event: Listener) -> int:
    """How many rows a probe would label."""
    if recipe.pseudo_label is None:
        return 0
    found = load_unlabelled(recipe.pseudo_label, get_task(data.task), recipe, pairs=data.pairs, on_event=on_event)
    return len(found.rows)


def _timed(
    backbone: Backbone, data: Dataset, recipe: Recipe, loaded: float, unlabelled: int, pictures: Path | None
) -> Plan:
    machine = machine_for(recipe)
    trial = Trial.of(backbone, data, recipe, machine)
    pace = trial.pace(machine)
    few = not unlabelled and spares(backbone, data, recipe)  # guessed labels never join validation
    known = facts(backbone, data)
    ways = foreseen(pace, data, known, recipe, few)
    tuned = [phase for phases in ways for phase in phases if phase.solver == "trainer"]
    augmentation = _augmented(Leg(backbone, data, tuned[0], recipe, machine, Path()), pictures) if tuned else ""
    pace = replace(pace, steps=trial.steps(tuned, machine))
    features = _readings(ways, recipe) * pace.features(data) + unlabelled * (pace.encode + pace.row)
    again = len(ways) - len(set(map(tuple, ways)))
    times = (1 + recipe.tune + again) / len(ways) if recipe.tune else 1.0  # a search's trials are of any of the ways
    training = times * _training(pace, ways, data, recipe)
    contest = recipe.strategy == "auto" and not recipe.tune
    if contest and not recipe.budget and len(set(map(tuple, ways))) <= len(promising(known)[0]):
        training = max(training, patience())  # which of them fit is seen better once the probe is there
    return Plan(
        task=data.task,
        backbone=backbone.name,
        strategy=recipe.strategy,
        rows=data.rows,
        epochs=times * sum(phase.epochs for phase in tuned),
        steps=round(times * sum(steps_of(phase, data.rows["train"], recipe) for phase in tuned)),
        seconds=round(loaded + _seconds(pace, features, training, data, recipe), 1),
        memory_mb=peak_memory(machine.device),
        device=machine.device.type,
        augmentation=augmentation,
        at_most=contest,
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


def _readings(ways: list[Sequence[Phase]], recipe: Recipe) -> int:
    """How often train and validation go through a frozen backbone before anything is trained: a probe beside the
    strategy reads all that any other is solved on, and a mapping reads the source's own head."""
    beside = {PROBE.solver} if probes_beside(recipe) else set()
    return len(beside | {phases[0].solver for phases in ways if phases[0].solver != "trainer"})


def _training(pace: Pace, ways: list[Sequence[Phase]], data: Dataset, recipe: Recipe) -> float:
    """All that is trained, once; what is compared is measured too, and not again where it learns from all rows."""
    compared = len(set(map(tuple, ways))) if recipe.strategy == "auto" or recipe.tune else 0
    return compared * pace.measuring(data.rows["validation"]) + sum(
        pace.training(phases, data, recipe) for phases in ways
    )


def _seconds(pace: Pace, features: float, training: float, data: Dataset, recipe: Recipe) -> float:
    """Features, training and evaluation. A budget bounds training, and ends no earlier than the features do."""
    spent = features + training
    if recipe.budget:
        spent = max(features, min(spent, seconds(recipe.budget)))
    learnt = min(data.rows["train"], SAMPLED)
    return spent + pace.measuring(data.rows[data.evaluated_on] + learnt)
