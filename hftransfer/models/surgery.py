"""Changes to a backbone that its config can express: fewer layers, or one that pools by the mean."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from .anatomy import Anatomy
from .views import MEAN_SCALE, View, pooled, reading

# Where a layer keeps its parts, by architecture: query, key, value, output, its norm,
# feed-forward in and out, its norm.
PARTS = (
    (
        *("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
        *("attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"),
    ),
    (
        *("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
        *("sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"),
    ),
)


def views_of(
    model: PreTrainedModel, anatomy: Anatomy, batch: Mapping[str, torch.Tensor], wish: str
) -> tuple[View, ...]:
    """Every view that a plain checkpoint can be saved with.

    Args:
        wish: `best` for the upper half of the depths, `last` for the whole backbone, `mean` for its tokens' mean
            where it can pool so, `kept` for what the head is given.
    """
    if wish == "kept" or not anatomy.reads_any_depth:
        return (View(),)
    top = len(_stack(model, anatomy))
    lowest = (top + 1) // 2 if wish == "best" and top > 1 and _can_be_cut(model, anatomy, top - 1) else top
    pools = not anatomy.every_token and _can_pool(model, anatomy, batch)
    poolings = (("mean",) if wish == "mean" else ("first", "mean")) if pools else ("first",)
    return tuple(View(depth, pooling) for depth in range(lowest, top + 1) for pooling in poolings)


def reshape(model: PreTrainedModel, anatomy: Anatomy, view: View) -> None:
    """Make the model's own forward pass end in `view`: cut above it, append what it pools by."""
    if view.depth:
        del _stack(model, anatomy)[view.depth :]
        if view.pooling == "mean":
            append_mean_layer(model, anatomy)
        _set_depth(model.config, len(_stack(model, anatomy)))


def append_mean_layer(model: PreTrainedModel, anatomy: Anatomy) -> None:
    """Append a layer whose first token becomes the mean of all tokens.

    Query and key are zero, so every token attends to all alike; the value is the state
    itself, scaled up against the first token that it is added to; feed-forward is zero.
    The checkpoint stays a plain one with a layer more.
    """
    stack = _stack(model, anatomy)
    layer = copy.deepcopy(stack[-1])
    parts = _parts(layer)
    assert parts is not None
    query, key, value, output, norm, inner, outer, last_norm = parts
    width = value.weight.shape[0]
    with torch.no_grad():
        for part in (query, key, value, output, inner, outer):
            part.weight.zero_()
            part.bias.zero_()
        value.weight.copy_(MEAN_SCALE * torch.eye(width))
        output.weight.copy_(torch.eye(width))
        for part in (norm, last_norm):
            part.weight.fill_(1.0)
            part.bias.zero_()
    stack.append(layer)


def mean_layer(model: PreTrainedModel, anatomy: Anatomy) -> str | None:
    """The name of the appended layer, as long as nothing has trained it."""
    if anatomy.layers is None:
        return None
    stack = _stack(model, anatomy)
    parts = _parts(stack[-1])
    pools = parts is not None and not any(part.weight.any() for part in parts[:2])
    return f"{anatomy.layers}.{len(stack) - 1}" if pools else None


def _parts(layer: nn.Module) -> list[Any] | None:
    for names in PARTS:
        try:
            found = [layer.get_submodule(name) for name in names]
        except AttributeError:
            continue
        if all(getattr(part, "bias", None) is not None for part in found):
            return found
    return None


def _can_pool(model: PreTrainedModel, anatomy: Anatomy, batch: Mapping[str, torch.Tensor]) -> bool:
    """Whether an appended layer really gives the mean: tried, on a copy of the stack's end."""
    stack = _stack(model, anatomy)
    if _parts(stack[-1]) is None or not _can_be_cut(model, anatomy, len(stack) - 1):
        return False
    top = View(len(stack), "mean")
    with torch.inference_mode(), _one_layer_more(model, anatomy), reading(model, anatomy, (View(), top)) as states:
        model(**batch)
        expected = pooled(model, anatomy, states[top.depth], top, batch.get("attention_mask"))
    return torch.allclose(states[0].float(), expected, atol=1e-3)


@contextmanager
def _one_layer_more(model: PreTrainedModel, anatomy: Anatomy) -> Iterator[None]:
    stack, depth = _stack(model, anatomy), model.config.num_hidden_layers
    append_mean_layer(model, anatomy)
    _set_depth(model.config, depth + 1)
    try:
        yield
    finally:
        del stack[depth:]
        _set_depth(model.config, depth)


def _can_be_cut(model: PreTrainedModel, anatomy: Anatomy, depth: int) -> bool:
    """Whether the config alone would rebuild the model with fewer layers."""
    config = _set_depth(copy.deepcopy(model.config), depth)
    kept = {name: tensor.shape for name, tensor in model.state_dict().items() if _layer(name, anatomy) < depth}
    try:
        with torch.device("meta"):
            rebuilt = type(model)(config)
    except (ValueError, TypeError, RuntimeError):
        return False
    return {name: tensor.shape for name, tensor in rebuilt.state_dict().items()} == kept


def _stack(model: PreTrainedModel, anatomy: Anatomy) -> nn.ModuleList:
    stack = model.get_submodule(str(anatomy.layers))
    assert isinstance(stack, nn.ModuleList)
    return stack


def _set_depth(config: PretrainedConfig, depth: int) -> PretrainedConfig:
    kinds = getattr(config, "layer_types", None)
    if kinds:
        config.layer_types = [*kinds[:depth], *kinds[-1:] * (depth - len(kinds))]
    config.num_hidden_layers = depth
    return config


def _layer(name: str, anatomy: Anatomy) -> int:
    """The number of the layer that a weight is in; -1 outside the stack."""
    prefix = f"{anatomy.layers}."
    return int(name[len(prefix) :].split(".")[0]) if name.startswith(prefix) else -1
