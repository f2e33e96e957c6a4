"""What a phase makes small, where it is not the model's own loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ...data import Words, labels_of
from ...models.anatomy import dissect
from ...models.inputs import example
from ...tasks import Task
from ...values import Backbone, Dataset
from ..balancing import class_weights, flag_weights
from ..progress import Leg, Machine
from ..rows import IGNORED
from .mixing import is_soft

Loss = Callable[..., torch.Tensor]


def loss_of(leg: Leg) -> Loss | None:
    """The loss, of a model's outputs and labels; None for the model's own."""
    make = LOSSES.get(leg.task.target.shape)
    if make:
        return make(leg.data)
    weights = None
    if leg.recipe.balance == "weights":
        weights = torch.from_numpy(weights_of(leg.data)).float()
    if is_soft(leg):
        return SoftLoss(leg.recipe.label_smoothing, weights)
    return None if weights is None else WEIGHED[leg.task.target.shape](weights)


@dataclass(frozen=True)
class SoftLoss:
    """Cross-entropy with shares of classes, which training's labels are, smoothed; validation's are numbers
    of classes, and their loss is the plain one.

    `weights` are those of the classes, [L]: a row weighs what its classes do.
    """

    smoothing: float = 0.0
    weights: torch.Tensor | None = None

    def __call__(self, outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        logits = outputs["logits"].float()
        if not labels.is_floating_point():
            return functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED)
        even = 1 / logits.shape[-1]
        aims = labels + self.smoothing * (even * labels.sum(-1, keepdim=True) - labels)
        losses = -(aims * logits.log_softmax(-1)).sum(-1)
        heavy = labels if self.weights is None else labels * self.weights.to(labels.device)
        weights = heavy.sum(-1)
        return (weights * losses).sum() / weights.sum().clamp(min=1e-9)


def weights_of(data: Dataset) -> np.ndarray:
    """What rows of each class of train count in the loss, [L]; of flags, rows that have the label."""
    found = labels_of(data.splits["train"])
    if isinstance(found, np.ndarray) and found.ndim > 1:
        return flag_weights(found)
    return class_weights(found.tag if isinstance(found, Words) else found, len(data.labels))


def spread_of(data: Dataset) -> np.ndarray:
    """The standard deviation of each number in train, [L]; 1 for what never moves."""
    spread = labels_of(data.splits["train"]).std(axis=0)
    found: np.ndarray = np.where(spread > 0, spread, 1.0).astype(np.float32)
    return found


def head_scale(task: Task, data: Dataset) -> float:
    """How much faster a head learns than others: where it gives numbers, by their size."""
    return float(spread_of(data).mean()) if task.target.shape in LOSSES else 1.0


@contextmanager
def exact_head(backbone: Backbone, task: Task, machine: Machine) -> Iterator[None]:
    """While inside, a head that gives numbers computes in fp32: bf16 does not tell 2001 from 2006."""
    if task.target.shape not in LOSSES:
        yield
        return
    batch = {name: tensor.to(machine.device) for name, tensor in example(backbone).items()}
    head: Any = backbone.model.get_submodule(dissect(backbone.model, batch, backbone.name).logits)

    def forward(states: torch.Tensor) -> torch.Tensor:
        with torch.autocast(machine.device.type, enabled=False):
            return functional.linear(states.float(), head.weight.float(), head.bias)

    head.forward = forward
    try:
        yield
    finally:
        del head.forward


def _in_spreads(data: Dataset) -> Loss:
    """The mean squared error, each number measured by its spread: metres and grams count alike."""
    spread = torch.from_numpy(spread_of(data))

    def loss(outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        error = (outputs["logits"].float() - labels.float()) / spread.to(labels.device)
        return (error**2).mean()

    return loss


def _weighed_classes(weights: torch.Tensor) -> Loss:
    """Cross entropy, each row or word by its class's weight: over all rows these are 1 on average, so that rates keep
    their meaning."""

    def loss(outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        logits, truth = outputs["logits"].float().flatten(0, -2), labels.flatten()
        heavy = weights.to(logits.device)
        whole = functional.cross_entropy(logits, truth, weight=heavy, ignore_index=IGNORED, reduction="sum")
        return whole / (truth != IGNORED).sum().clamp(min=1)

    return loss


def _weighed_flags(weights: torch.Tensor) -> Loss:
    def loss(outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        logits = outputs["logits"].float()
        return functional.binary_cross_entropy_with_logits(logits, labels.float(), pos_weight=weights.to(logits.device))

    return loss


LOSSES: dict[str, Callable[[Dataset], Loss]] = {"numbers": _in_spreads}
WEIGHED: dict[str, Callable[[torch.Tensor], Loss]] = {
    "class": _weighed_classes,
    "tags": _weighed_classes,
    "flags": _weighed_flags,
}
