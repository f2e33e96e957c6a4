"""What a phase is run on, and what it leaves behind."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..recipe import Recipe
from ..strategies import Phase
from ..tasks import Task, get_task
from ..values import Backbone, Dataset, Listener, silent

Over = Callable[[], bool]  # whether training is to end with what it has


def never() -> bool:
    return False


@dataclass(frozen=True)
class Until:
    """Over when it is said, or when a time has come.

    Attributes:
        deadline: as `time.monotonic` counts.
    """

    said: Over = never
    deadline: float = math.inf

    def __call__(self) -> bool:
        return self.said() or time.monotonic() > self.deadline

    @property
    def left(self) -> float:
        """Seconds to the deadline; less than none once it is past."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True)
class Machine:
    """Where a phase runs, and in which arithmetic."""

    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True)
class Leg:
    """One phase of a run, with all that it is run on. The backbone's model is trained in place.

    Attributes:
        room: the phase's folder for what it needs meanwhile. What is found there is gone on from.
        over: asked now and then; once it says yes, training ends with the best so far.
    """

    backbone: Backbone
    data: Dataset
    phase: Phase
    recipe: Recipe
    machine: Machine
    room: Path
    on_event: Listener = silent
    over: Over = never

    @property
    def task(self) -> Task:
        return get_task(self.data.task)


@dataclass(frozen=True)
class Trained:
    """A run's history so far: one row a measurement, with its phase, step and figures by name.

    `cut` says whether training was ended before its time, by a wish or by the budget.
    """

    history: tuple[dict[str, Any], ...] = ()
    features_seconds: float = 0.0
    cut: bool = False

    def __add__(self, other: Trained) -> Trained:
        seconds = self.features_seconds + other.features_seconds
        return Trained(self.history + other.history, seconds, self.cut or other.cut)
