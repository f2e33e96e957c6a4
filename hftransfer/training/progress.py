"""What a phase is run on, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Over = Callable[[], bool]  # whether training is to end with what it has


def never() -> bool:
    return False


@dataclass(frozen=True)
class Machine:
    """Where a phase runs, and in which arithmetic."""

    device: torch.device
    dtype: torch.dtype


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
