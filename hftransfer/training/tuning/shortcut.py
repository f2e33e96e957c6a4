"""The way past frozen layers: their forwards are replaced while it is there, and given back after."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .stretch import Call, filled, first

Batch = dict[str, torch.Tensor]
STATES = "border_states"  # of a batch: what the frozen layers made of its rows


@dataclass(frozen=True)
class Border:
    """Where the frozen stretch ends, and what need not run before it.

    Attributes:
        last: the module whose output is kept.
        passed: frozen modules before it, whose output nobody needs.
        dropouts: the modules on the way that drop by chance.
        ragged: whether there is an output for each token of a row.
    """

    last: Call
    passed: tuple[Call, ...]
    dropouts: tuple[nn.Module, ...]
    ragged: bool


class Shortcut(AbstractContextManager["Shortcut"]):
    """While inside, a batch that brings states goes past the frozen layers; another goes through them."""

    def __init__(self, model: nn.Module, border: Border) -> None:
        self.model, self.border = model, border
        self.states: torch.Tensor | None = None
        self.undo: list[Any] = []

    def __enter__(self) -> Shortcut:
        self.undo.append(self.model.register_forward_pre_hook(self._take, with_kwargs=True).remove)
        self.undo.append(self.model.register_forward_hook(self._drop, always_call=True).remove)
        for call in (*self.border.passed, self.border.last):
            self._replace(call)
        return self

    def __exit__(self, *_: Any) -> None:
        while self.undo:
            self.undo.pop()()

    def _take(self, model: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self.states = kwargs.get(STATES)
        return args, {name: value for name, value in kwargs.items() if name != STATES}

    def _drop(self, *_: Any) -> None:
        self.states = None

    def _replace(self, call: Call) -> None:
        module, real = call.module, call.module.forward
        ends = call is self.border.last

        def forward(*args: Any, **kwargs: Any) -> Any:
            if self.states is None:
                return real(*args, **kwargs)
            # Nobody needs what is passed, but it may be written into, in place.
            return filled(call.made, self.states if ends else self.states.clone())

        own = module.__dict__.get("forward")
        module.forward = forward
        self.undo.append(lambda: setattr(module, "forward", own) if own else delattr(module, "forward"))


class _Reached(Exception):
    """The border's output is there: what comes after is not wanted."""


def made_at(model: nn.Module, last: Call, batch: Batch) -> torch.Tensor:
    """What a module makes of a batch; what comes after it does not run."""
    made: list[torch.Tensor] = []

    def note(module: nn.Module, args: Any, output: Any) -> None:
        made.append(first(output).detach())
        raise _Reached

    handle = last.module.register_forward_hook(note)
    try:
        with suppress(_Reached):
            model(**batch)
    finally:
        handle.remove()
    return made[0]


def is_ragged(model: nn.Module, last: Call, alone: Sequence[Batch]) -> bool:
    """Whether a module makes something for each token of rows that are read one by one."""
    masks = [batch.get("attention_mask") for batch in alone]
    made = [made_at(model, last, batch) for batch in alone]
    return all(
        mask is not None and states.dim() > 2 and states.shape[1] == mask.shape[1]
        for states, mask in zip(made, masks, strict=True)
    )
