"""Where a model keeps its head, its layers and its pooled state: found by watching a forward pass.

Nothing here knows an architecture by name. One small batch goes through, every module
says what it was given and what it made, and the parts are recognised by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from ..errors import BackboneError
from .dense import DenseHead

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "identity": lambda x: x,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
}


@dataclass(frozen=True)
class Anatomy:
    """Module names in a model with a classification head.

    Args:
        head: the linear layer that makes the logits; of a dense head, its hidden layer.
        dense: a linear layer between the pooled state and the head (BERT's pooler,
            RoBERTa's `classifier.dense`), where `activation` alone lies between them.
        layers: the stack of equal layers, where `num_hidden_layers` counts it.
        norm: the norm after the stack, where the first token is read after it.
        first_token: the pooled state is the stack's first token.
        every_token: there are logits for every token, of its own state.
        output: of a dense head, the layer after the hidden one, which makes the logits.
    """

    head: str
    dense: str | None = None
    activation: str = "identity"
    layers: str | None = None
    norm: str | None = None
    first_token: bool = False
    every_token: bool = False
    output: str | None = None

    @property
    def logits(self) -> str:
        """The layer that makes the logits."""
        return self.output or self.head

    @property
    def trained(self) -> tuple[str, ...]:
        """The linear layers of the head: those that a new head brings, or rewrites."""
        return tuple(name for name in (self.head, self.dense, self.output) if name)

    @property
    def reads_any_depth(self) -> bool:
        """Whether the features of every depth can be read in one pass."""
        return self.layers is not None and (self.first_token or self.every_token)


@dataclass(frozen=True)
class Call:
    """A module's call during the watched pass."""

    name: str
    module: nn.Module
    given: torch.Tensor
    made: torch.Tensor


def dissect(model: PreTrainedModel, batch: Mapping[str, torch.Tensor], name: str) -> Anatomy:
    """Find the parts of a classifier.

    Args:
        model: a model with a fresh or loaded head.
        batch: inputs of two or more rows.
        name: what to call the model in an error.

    Raises:
        BackboneError: no linear layer makes the logits, so no head can be solved.
    """
    calls, logits = watch(model, batch)
    mask = batch.get("attention_mask")
    tokens = logits.dim() == 3
    made = (lambda call: call.made) if tokens else (lambda call: last_token(call.made, mask))
    head = _last(calls, lambda call: _is_linear(call) and _same(made(call), logits))
    if head is None:
        raise BackboneError(
            f"the head of '{name}' is no linear layer", place="--backbone", fix="choose another backbone"
        )
    first = _entrance(calls, head, model)
    output = None if first is head else head.name
    found = _with_dense(Anatomy(head=first.name, every_token=tokens, output=output), calls, first)
    return _with_layers(found, calls, model)


def watch(model: PreTrainedModel, batch: Mapping[str, torch.Tensor]) -> tuple[list[Call], torch.Tensor]:
    """Run one pass in eval mode; the calls in the order in which they ended, and the logits."""
    calls: list[Call] = []

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            made = output[0] if isinstance(output, tuple) else output
            if args and torch.is_tensor(args[0]) and torch.is_tensor(made):
                calls.append(Call(name, module, args[0].detach().clone(), made.detach().clone()))

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in model.named_modules() if name]
    was_training = model.training
    try:
        with torch.inference_mode():
            logits = model.eval()(**batch).logits
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    return calls, logits


def _entrance(calls: list[Call], head: Call, model: PreTrainedModel) -> Call:
    """The hidden layer's call, where the layer that makes the logits is a dense head's."""
    parent = head.name.rpartition(".")[0]
    if not isinstance(model.get_submodule(parent), DenseHead):
        return head
    return next(call for call in calls if call.name == f"{parent}.hidden")


def _with_dense(found: Anatomy, calls: list[Call], head: Call) -> Anatomy:
    """Add the dense layer before the head, if a known activation is all that lies between."""
    earlier = calls[: calls.index(head)]
    dense = _last(earlier, lambda call: _is_linear(call) and call.made.shape == head.given.shape)
    if dense is None or dense.given.shape != dense.made.shape or dense.given.dim() != 2:
        return found
    for name, activation in ACTIVATIONS.items():
        if _same(activation(dense.made), head.given):
            return replace(found, dense=dense.name, activation=name)
    return found


def _with_layers(found: Anatomy, calls: list[Call], model: PreTrainedModel) -> Anatomy:
    """Add the stack of equal layers, and whether the pooled state is its first token, before or after one norm."""
    depth = getattr(model.config, "num_hidden_layers", None)
    by_name = {call.name: call for call in calls}
    for name, module in model.named_modules():
        entries = [
            by_name.get(f"{name}.{index}") for index in range(len(module) if isinstance(module, nn.ModuleList) else 0)
        ]
        if not entries or len(entries) != depth or any(entry is None or entry.made.dim() != 3 for entry in entries):
            continue
        last = entries[-1]
        pooled = by_name[found.dense or found.head].given
        if last is None or last.made.shape[-1] != pooled.shape[-1]:
            continue
        seen = (lambda made: made) if found.every_token else (lambda made: made[:, 0])
        if _same(seen(last.made), pooled):
            return replace(found, layers=name, first_token=not found.every_token)
        norm = _last(calls, lambda call: _same(call.given, last.made) and _same(seen(call.made), pooled))  # noqa: B023
        if norm is not None:
            return replace(found, layers=name, norm=norm.name, first_token=not found.every_token)
        return replace(found, layers=name)
    return found


def last_token(states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """The state that a decoder's head reads: [B, width] of [B, T, width]; others as they are.

    Args:
        mask: 1 for tokens and 0 for padding, [B, T], on either side.
    """
    if states.dim() != 3 or mask is None:
        return states
    places = (mask * torch.arange(mask.shape[1], device=mask.device)).argmax(1)
    return states[torch.arange(len(states), device=states.device), places]


def _last(calls: list[Call], wanted: Callable[[Call], bool]) -> Call | None:
    return next((call for call in reversed(calls) if wanted(call)), None)


def _is_linear(call: Call) -> bool:
    return isinstance(call.module, nn.Linear)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-5, rtol=1e-4)
