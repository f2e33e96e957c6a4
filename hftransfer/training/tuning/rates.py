"""Which parameters learn how fast: by kind of layer, and by depth."""

from __future__ import annotations

import re
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from ...strategies import Phase, Rates

_NUMBERED = re.compile(r"(.*?\.)(\d+)\.")


def family(model: PreTrainedModel) -> str:
    """`attention` or `convolution`: what the rates of a phase are chosen by."""
    attends = any("attention" in type(module).__name__.lower() for module in model.modules())
    return "attention" if attends else "convolution"


def parameter_groups(
    model: PreTrainedModel, head: frozenset[str], rates: Rates, weight_decay: float
) -> list[dict[str, Any]]:
    """Optimizer groups: rates fall from the head to the input by `rates.decay` a layer.

    Biases, norms and other vectors carry no weight decay.
    """
    depths = layer_depths(model, head)
    deepest = max(depths.values(), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        above = deepest - depths[name]
        rate = rates.head if name.rsplit(".", 1)[0] in head else rates.backbone * rates.decay**above
        groups.setdefault((rate, weight_decay if parameter.dim() > 1 else 0.0), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def trained_parameters(model: PreTrainedModel, head: frozenset[str], phase: Phase) -> frozenset[str]:
    """The names of what a phase trains; the head is always among it."""
    depths = layer_depths(model, head)
    deepest = max(depths.values(), default=0)
    lowest = {"head": deepest + 1, "everything": 0}.get(phase.trains, deepest + 1 - (phase.layers or deepest + 1))
    return frozenset(name for name, depth in depths.items() if depth >= lowest or name.rsplit(".", 1)[0] in head)


def layer_depths(model: PreTrainedModel, head: frozenset[str] = frozenset()) -> dict[str, int]:
    """Each parameter's layer, counted from the input, in the order in which the model names them.

    A layer is an entry of the outermost numbered stack (`encoder.layer.3.…`); what comes
    before the first is layer 0; what comes after the last, and the head, belong to the last.
    """
    depths: dict[str, int] = {}
    seen: dict[str, int] = {}
    for name, _ in model.named_parameters():
        match = None if name.rsplit(".", 1)[0] in head else _NUMBERED.match(name)
        depths[name] = seen.setdefault(match[0], len(seen) + 1) if match else len(seen)
    return depths


def layer_count(model: PreTrainedModel) -> int:
    """How many layer groups there are above the embeddings or the stem."""
    return max(layer_depths(model).values(), default=0)
