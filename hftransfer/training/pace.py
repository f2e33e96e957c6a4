"""How fast this machine is: a few real passes and steps over the user's own rows, timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import dropwhile, islice
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from ..data import labels_of
from ..models.device import autocast, keep_memory, to_device
from ..models.features import batches
from ..recipe import Recipe
from ..strategies import Phase
from ..tasks import get_task
from ..values import Backbone, Dataset
from .progress import Leg, Machine
from .rows import is_tagged
from .tuning.contrastive import rows_at_once
from .tuning.tune import steps_of, trainable, tuning_precision

MEASURED = 3  # batches, of short, middling and long rows; one pass more warms up
BACKWARD = 3.0  # a training step in forward passes, where none was timed
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Pace:
    """How long things take here, in seconds.

    Attributes:
        encode: to read and process a row.
        row: for one through the backbone, and `exact` in fp32, as models are measured.
        steps: for a row of a training step, of the phases that were timed.
    """

    encode: float
    row: float
    exact: float
    steps: Mapping[Phase, float] = field(default_factory=dict)

    def features(self, data: Dataset) -> float:
        """For all that is learned from or chosen by, through the frozen backbone."""
        return (data.rows["train"] + data.rows["validation"]) * (self.encode + self.row)

    def measuring(self, rows: int) -> float:
        """For the figures of some rows."""
        return rows * (self.encode + self.exact)

    def training(self, phases: Sequence[Phase], data: Dataset, recipe: Recipe) -> float:
        """For a strategy's phases, once the features are there that it begins with."""
        left = dropwhile(lambda phase: phase.solver != "trainer", phases)
        return sum(
            self._tuning(phase, data, recipe) if phase.solver == "trainer" else self.features(data) for phase in left
        )

    def _tuning(self, phase: Phase, data: Dataset, recipe: Recipe) -> float:
        """The rows are read again; validation is looked at before the first step and after each epoch."""
        train, validation = data.rows["train"], data.rows["validation"]
        looks = (1 + round(phase.epochs)) * validation * self.row if phase.judged else 0.0
        batch = min(recipe.batch_size, train) if phase.judged else rows_at_once(train, len(data.labels), recipe)
        learnt = steps_of(phase, train, recipe) * batch * self.steps.get(phase, BACKWARD * self.row)
        return (train + validation) * self.encode + learnt + looks


@dataclass(frozen=True)
class Trial:
    """A few batches of rows from all over train, and the backbone to try them on.

    Attributes:
        encode: seconds to decode and process a row.
    """

    backbone: Backbone
    data: Dataset
    recipe: Recipe
    batches: tuple[Batch, ...]
    encode: float

    @classmethod
    def of(cls, backbone: Backbone, data: Dataset, recipe: Recipe, machine: Machine) -> Trial:
        """Read the batches, which takes its time."""
        keep_memory()
        to_device(backbone.model.eval(), machine.device)
        train = data.splits["train"]
        spread = train.select(range(0, len(train), max(1, len(train) // (MEASURED * recipe.batch_size))))
        column = get_task(data.task).modality.column
        began, found = time.perf_counter(), []
        labels = None if is_tagged(spread) else torch.from_numpy(labels_of(spread))
        for places, batch in islice(batches(backbone, spread.select_columns([column]), recipe.batch_size), MEASURED):
            # Which tag a token has makes no difference to how long it takes.
            whole = {**batch, "labels": torch.zeros_like(batch["input_ids"]) if labels is None else labels[places]}
            found.append({name: tensor.to(machine.device) for name, tensor in whole.items()})
        rows = sum(len(batch["labels"]) for batch in found)
        return cls(backbone, data, recipe, tuple(found), (time.perf_counter() - began) / rows)

    def pace(self, machine: Machine) -> Pace:
        """What was found, without a step of training."""
        exact, row = replace(machine, dtype=torch.float32), self.forward(machine)
        return Pace(self.encode, row, row if exact == machine else self.forward(exact))

    def steps(
        self, tuned: Sequence[Phase], machine: Machine, passing: tuple[type[Exception], ...] = ()
    ) -> dict[Phase, float]:
        """Seconds of a row in a training step of each phase. The model is of no more use.

        Args:
            passing: errors of a phase that is then left out.
        """
        found = {}
        # What adapters were put into stays so: they come last.
        for phase in sorted(tuned, key=lambda it: it.adapter is not None):
            with suppress(*passing):
                found[phase] = self.step(phase, machine)
        return found

    def forward(self, machine: Machine) -> float:
        """Seconds of a row through the backbone, in the machine's arithmetic."""

        def work(batch: Batch) -> None:
            with torch.inference_mode(), autocast(machine.device, machine.dtype):
                self.backbone.model(**{name: tensor for name, tensor in batch.items() if name != "labels"})

        return self._timed(work) / fmean(len(batch["labels"]) for batch in self.batches)

    def step(self, phase: Phase, machine: Machine) -> float:
        """Seconds of a row in a training step as the phase makes them, an optimizer's state in memory.

        It changes the model, which is of no more use.
        """
        machine = replace(machine, dtype=tuning_precision(self.backbone, self.recipe, machine))
        optimizer = torch.optim.AdamW(trainable(Leg(self.backbone, self.data, phase, self.recipe, machine, Path())))

        def work(batch: Batch) -> None:
            with autocast(machine.device, machine.dtype):
                loss: Any = self.backbone.model(**batch).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        try:
            return self._timed(work) / fmean(len(batch["labels"]) for batch in self.batches)
        finally:
            self.backbone.model.zero_grad(set_to_none=True)  # also of what the next phase does not train

    def _timed(self, work: Callable[[Batch], None]) -> float:
        """The mean seconds of a batch, after one that does not count."""
        work(self.batches[-1])
        _wait()
        times = []
        for batch in self.batches:
            began = time.perf_counter()
            work(batch)
            _wait()
            times.append(time.perf_counter() - began)
        return fmean(times)


def _wait() -> None:
    """Until the accelerator has done what it was given."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
