"""Where a frozen backbone can be read: at several depths, through several poolings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .anatomy import Anatomy, last_token

MEAN_SCALE = 16.0  # how far the tokens' mean outweighs the first token that it is added to
EPSILON = 1e-12


@dataclass(frozen=True)
class View:
    """A pooled state. `depth` counts layers from the bottom; 0 is the backbone's own end.

    `pooling` is `first` (the first token) or `mean` (over the tokens, through one
    appended layer of uniform attention, see `surgery.append_mean_layer`); where every
    token has a label of its own, no pooling is done.
    """

    depth: int = 0
    pooling: str = "first"


END = View()


@contextmanager
def reading(model: nn.Module, anatomy: Anatomy, views: tuple[View, ...]) -> Iterator[dict[int, torch.Tensor]]:
    """While inside, every forward pass leaves each depth's state in the dict that is given.

    States are [B, T, width] at depths, and at the end whatever the head (or the dense
    layer before it) is given.
    """
    states: dict[int, torch.Tensor] = {}
    handles = []
    for depth in {view.depth for view in views}:
        if depth:
            layer = model.get_submodule(f"{anatomy.layers}.{depth - 1}")
            handles.append(layer.register_forward_hook(_keeping_output(states, depth)))
        else:
            last = model.get_submodule(anatomy.dense or anatomy.head)
            handles.append(last.register_forward_hook(_keeping_input(states)))
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()


def _keeping_output(states: dict[int, torch.Tensor], depth: int) -> Callable[..., None]:
    def hook(module: nn.Module, args: object, output: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
        states[depth] = output[0] if isinstance(output, tuple) else output

    return hook


def _keeping_input(states: dict[int, torch.Tensor]) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        states[0] = args[0]

    return hook


def pooled(
    model: nn.Module, anatomy: Anatomy, state: torch.Tensor, view: View, mask: torch.Tensor | None
) -> torch.Tensor:
    """A view's features, float32 [B, width], from its depth's state; [B, T, width] where every token has its own.

    Args:
        mask: 1 for tokens and 0 for padding, [B, T].
    """
    if view == END:
        return state.float() if anatomy.every_token else last_token(state, mask).float()
    if view.pooling == "mean":
        return mean_state(state.float(), mask)
    read = (state if anatomy.every_token else state[:, 0]).float()
    return model.get_submodule(anatomy.norm).forward(read) if anatomy.norm else read


def mean_state(state: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """What the appended layer makes of [B, T, width]: the mean, on top of the first token, normed twice."""
    weights = torch.ones(state.shape[:2], device=state.device) if mask is None else mask.to(state)
    mean = (state * weights.unsqueeze(-1)).sum(1) / weights.sum(1, keepdim=True)
    width = state.shape[-1:]
    once = functional.layer_norm(state[:, 0] + MEAN_SCALE * mean, width, eps=EPSILON)
    return functional.layer_norm(once, width, eps=EPSILON)
