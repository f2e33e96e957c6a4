"""How fast this machine is: a few real passes and steps over the user's own rows, timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean
from typing import Any

import torch

from ..models.device import autocast, keep_memory, to_device
from ..models.features import batches
from ..recipe import Recipe
from ..strategies import Phase
from ..tasks import get_task
from ..values import Backbone, Dataset
from .progress import Machine
from .tune import tame_dropout, trainable, tuning_precision

MEASURED = 3  # batches, of short, middling and long rows; one more warms up
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Pace:
    """Seconds: of a row through the frozen backbone in training's arithmetic, of a row in fp32, of a training step."""

    row: float
    exact_row: float
    step: float | None


def measure(backbone: Backbone, data: Dataset, phase: Phase | None, recipe: Recipe, machine: Machine) -> Pace:
    """Time a few batches, and a few training steps of a phase; the model is of no more use afterwards."""
    keep_memory()
    to_device(backbone.model.eval(), machine.device)
    sample = list(islice(_sample(backbone, data, recipe, machine), MEASURED))
    exact = replace(machine, dtype=torch.float32)
    rows = len(next(iter(sample[0].values())))
    return Pace(
        row=_timed(sample, lambda batch: _forward(backbone, batch, machine)) / rows,
        exact_row=_timed(sample, lambda batch: _forward(backbone, batch, exact)) / rows,
        step=_timed(sample, _stepper(backbone, data, phase, recipe, machine)) if phase else None,
    )


def _sample(backbone: Backbone, data: Dataset, recipe: Recipe, machine: Machine) -> Iterator[Batch]:
    """Batches of rows from all over train, with labels."""
    column = get_task(data.task).modality.column
    train = data.splits["train"]
    spread = train.select(range(0, len(train), max(1, len(train) // (MEASURED * recipe.batch_size))))
    labels = torch.tensor(spread["label"])
    for places, batch in batches(backbone, spread.select_columns([column]), recipe.batch_size):
        whole = {**batch, "labels": labels[places]}
        yield {name: tensor.to(machine.device) for name, tensor in whole.items()}


def _forward(backbone: Backbone, batch: Batch, machine: Machine) -> None:
    with torch.inference_mode(), autocast(machine.device, machine.dtype):
        backbone.model(**{name: tensor for name, tensor in batch.items() if name != "labels"})


def _stepper(
    backbone: Backbone, data: Dataset, phase: Phase, recipe: Recipe, machine: Machine
) -> Callable[[Batch], None]:
    """What does one step as training will: the same arithmetic, the same parameters, an optimizer's state in memory."""
    tame_dropout(backbone.model)
    machine = replace(machine, dtype=tuning_precision(backbone, recipe, machine))
    optimizer = torch.optim.AdamW(trainable(backbone, phase, recipe, machine))

    def step(batch: Batch) -> None:
        with autocast(machine.device, machine.dtype):
            loss: Any = backbone.model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _timed(sample: list[Batch], work: Callable[[Batch], None]) -> float:
    """The mean seconds of a batch, after one that does not count."""
    work(sample[-1])
    times = []
    for batch in sample:
        began = time.perf_counter()
        work(batch)
        _wait()
        times.append(time.perf_counter() - began)
    return fmean(times)


def _wait() -> None:
    """Until the accelerator has done what it was given."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
