"""What a strategy is made of: phases, run one after another by `training`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..recipe import Recipe


@dataclass(frozen=True)
class Rates:
    """How fast each kind of layer learns.

    Args:
        backbone: the peak rate of the topmost layer group.
        head: the peak rate of the head.
        decay: the factor from each layer group to the one below it.
    """

    backbone: float
    head: float
    decay: float = 1.0


@dataclass(frozen=True)
class Phase:
    """One stretch of training.

    Args:
        name: what events and reports call it.
        trains: `head`, or `everything`.
        solver: `closed-form` (a convex problem solved to its minimum) or `trainer`.
        depth: where a frozen backbone is read: at its `last` layer, or at the one that
            is `best` on validation, where the backbone is then cut.
        rates: for the `trainer` alone.
        epochs: passes over the training rows, for the `trainer` alone.
    """

    name: str
    trains: str
    solver: str
    depth: str = "last"
    rates: Rates | None = None
    epochs: float = 0.0


@dataclass(frozen=True)
class Facts:
    """What a strategy may know before it plans: the backbone's family and the data's size."""

    family: str
    rows: int
    labels: int


class Strategy(Protocol):
    """A way to transfer: a frozen object that answers with phases."""

    @property
    def name(self) -> str: ...

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]: ...
