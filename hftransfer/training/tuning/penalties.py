"""What is added to the loss of a training step, whatever the task."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...models.anatomy import dissect
from ...models.inputs import example
from ...strategies import SourcePenalty
from ..progress import Leg

Penalty = Callable[[], torch.Tensor | float]  # of the model as it is now, a scalar


def penalty_of(leg: Leg) -> Penalty | None:
    """The penalties that the phase and the recipe ask for, as one; None for none.

    What the source's parameters are drawn back to is where they are when this is called:
    a phase that goes on calls it before it loads its checkpoint.
    """
    parts = []
    if leg.phase.penalty:
        parts.append(_from_source(leg, leg.phase.penalty))
    if leg.recipe.l1:
        parts.append(_of_sizes(leg.backbone.model, leg.recipe.l1))
    if not parts:
        return None
    return lambda: sum(part() for part in parts)


def _from_source(leg: Leg, penalty: SourcePenalty) -> Penalty:
    """`alpha / 2` times the squared distance from the source, and `beta / 2` times the head's squared weights.

    The head's biases go free, as under weight decay: a regression's would have to leave its mean.
    """
    head = _head(leg)
    named = dict(leg.backbone.model.named_parameters())
    old = [(part, part.detach().clone()) for name, part in named.items() if name.rsplit(".", 1)[0] not in head]
    new = [part for name, part in named.items() if name.rsplit(".", 1)[0] in head and part.dim() > 1]

    def penalised() -> torch.Tensor | float:
        far = sum((part - began).pow(2).sum() for part, began in old if part.requires_grad)
        large = sum(part.pow(2).sum() for part in new if part.requires_grad)
        return penalty.alpha / 2 * far + penalty.beta / 2 * large

    return penalised


def _of_sizes(model: torch.nn.Module, strength: float) -> Penalty:
    """L1: `strength` times the absolute sizes of what trains, biases and norms left out."""
    weights = [part for part in model.parameters() if part.dim() > 1]
    return lambda: strength * sum(part.abs().sum() for part in weights if part.requires_grad)


def _head(leg: Leg) -> frozenset[str]:
    """The names of the layers that are new: the head, and the dense layer before it."""
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(leg.backbone).items()}
    return frozenset(dissect(leg.backbone.model, batch, leg.backbone.name).trained)
