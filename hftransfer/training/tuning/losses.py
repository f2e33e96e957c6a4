"""What a phase makes small, where it is not the model's own loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ...data import Words, labels_of
from ...models.anatomy import dissect
from ...models.inputs import example
from ...recipe import Recipe
from ...tasks import Task
from ...values import Backbone, Dataset
from ..balancing import class_weights, flag_weights
from ..progress import Machine

Loss = Callable[..., torch.Tensor]


def loss_of(task: Task, data: Dataset, recipe: Recipe) -> Loss | None:
    """The loss, of a model's outputs and labels; None for the model's own."""
    weigh = WEIGHED.get(task.target.shape)
    if recipe.balance == "weights" and weigh:
        return weigh(torch.from_numpy(weights_of(data)).float(), recipe.label_smoothing)
    make = LOSSES.get(task.target.shape)
    return make(data) if make else None


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
    head: Any = backbone.model.get_submodule(dissect(backbone.model, batch, backbone.name).head)

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


def _weighed_classes(weights: torch.Tensor, smoothing: float) -> Loss:
    """Cross entropy, each row or token by its class's weight; over all weights' mean is 1, so that rates keep their
    meaning. Labels may be shares of classes, too."""

    def loss(outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        logits = outputs["logits"].float().flatten(0, -2)
        truth = labels.flatten() if not labels.is_floating_point() else labels.flatten(0, -2)
        known = truth >= 0 if truth.dim() == 1 else slice(None)
        counts = weights.to(logits.device)
        losses = functional.cross_entropy(
            logits[known], truth[known], weight=counts, reduction="none", label_smoothing=smoothing
        )
        return losses.sum() / max(1, len(losses))

    return loss


def _weighed_flags(weights: torch.Tensor, smoothing: float) -> Loss:
    def loss(outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        logits, truth = outputs["logits"].float(), labels.float() * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=weights.to(logits.device))

    return loss


LOSSES: dict[str, Callable[[Dataset], Loss]] = {"numbers": _in_spreads}
WEIGHED: dict[str, Callable[[torch.Tensor, float], Loss]] = {
    "class": _weighed_classes,
    "tags": _weighed_classes,
    "flags": _weighed_flags,
}
