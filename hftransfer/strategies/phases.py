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
class SourcePenalty:
    """What keeps a model near the one that it came from (L2-SP, Li et al. 2018, https://arxiv.org/abs/1802.01483).

    `alpha / 2` times the squared distance of the source's parameters from where they
    began, and `beta / 2` times the squared length of those that are new.
    """

    alpha: float
    beta: float


@dataclass(frozen=True)
class Adapter:
    """Low-rank updates beside frozen weights (LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685).

    Args:
        rank: of the update.
        alpha: the update counts `alpha / rank` times.
        dropout: of what the update is given.
    """

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05


@dataclass(frozen=True)
class Phase:
    """One stretch of training.

    Args:
        name: what events and reports call it.
        trains: `head`, `layers` (the head and the `layers` topmost layer groups),
            `everything`, or `adapters` (the head, and low-rank updates of the rest).
        solver: `closed-form` (a convex problem solved to its minimum), `trainer` (gradient
            descent), or `mapping` (the source model's own classes, no training).
        depth: where a frozen backbone is read: at its `last` layer; through the `mean` of that layer's tokens, where
            it can pool so; at the one that is `best` on validation, where the backbone is then cut; or `kept`,
            just where its head reads now.
        rates: for the `trainer` alone, as all that follows.
        epochs: passes over the training rows.
        layers: how many layer groups from the top train; None for all.
        schedule: `cosine`, or `slanted` (ULMFiT's slanted triangle).
        loss: the `task`'s own, or `contrastive` on the pooled states of a batch.
        finds_rate: whether the peak rate is found by a range test, `rates` being a guess.
        penalty: on the distance from the source model.
        adapter: what `adapters` are like.
        whole: whether a validation of few rows is learned from too, where a test of its own measures.
    """

    name: str
    trains: str
    solver: str
    depth: str = "last"
    rates: Rates | None = None
    epochs: float = 0.0
    layers: int | None = None
    schedule: str = "cosine"
    loss: str = "task"
    finds_rate: bool = False
    penalty: SourcePenalty | None = None
    adapter: Adapter | None = None
    whole: bool = False

    @property
    def judged(self) -> bool:
        """Whether validation can tell how far training came: a loss of its own leaves the head behind."""
        return self.loss == "task"


@dataclass(frozen=True)
class Facts:
    """What a strategy may know before it plans.

    Args:
        family: `attention` or `convolution`.
        rows: of train.
        labels: how many.
        layers: layer groups of the backbone, counted from the input.
        smallest: train's rows of the rarest label; 0 where rows share none, as numbers or tags.
    """

    family: str
    rows: int
    labels: int
    layers: int = 1
    smallest: int = 0


class Strategy(Protocol):
    """A way to transfer: a frozen object that answers with phases."""

    @property
    def name(self) -> str: ...

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]: ...
