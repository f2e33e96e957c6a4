"""The frozen stretch of a model: the calls of a forward pass that end before anything trained is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Call:
    """A module's call in the watched pass.

    Attributes:
        began: its place among all beginnings and ends of calls, as `ended`.
        made: its output with `STATE` for each tensor; None where it is no tensor, and no tuple with one.
    """

    name: str
    module: nn.Module
    began: int
    ended: int
    made: Any

    @property
    def has_parameters(self) -> bool:
        return any(True for _ in self.module.parameters())


class _State:
    """Stands for a tensor in what a module made."""


STATE = _State()
_PLAIN = (int, float, bool, str, type(None), torch.Size)


def frozen_calls(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> list[Call]:
    """The calls of modules that nothing trained goes into, neither inside them nor before them."""
    clock = count()
    begun: list[tuple[str, int]] = []
    trained: list[int] = []
    calls: list[Call] = []
    names = {module: name for name, module in model.named_modules() if name}

    def enter(module: nn.Module, args: Any) -> None:
        now = next(clock)
        begun.append((names[module], now))
        if any(parameter.requires_grad for parameter in module.parameters(recurse=False)):
            trained.append(now)

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        name, began = begun.pop()
        if not _grows(output):
            calls.append(Call(name, module, began, next(clock), template(output)))

    handles = [module.register_forward_pre_hook(enter) for module in names]
    handles += [module.register_forward_hook(leave) for module in names]
    try:
        with torch.enable_grad():
            model(**batch)
    finally:
        for handle in handles:
            handle.remove()
    until = min(trained, default=0)
    return [call for call in calls if call.ended < until and _frozen(call.module)]


def outermost(calls: Sequence[Call]) -> list[Call]:
    """Of calls those that have parameters, are whole among the given, and are in no other such."""
    chosen: list[Call] = []
    for call in sorted(calls, key=lambda call: call.began):
        once = sum(other.name == call.name for other in calls) == 1
        inside = any(call.name.startswith(f"{other.name}.") for other in chosen)
        if call.has_parameters and call.made is not None and once and not inside:
            chosen.append(call)
    return chosen


def template(output: Any) -> Any:
    """An output with `STATE` for its tensors; None for what is not made of tensors and plain values."""
    if torch.is_tensor(output):
        return STATE
    if type(output) is tuple and any(torch.is_tensor(part) for part in output):
        parts = tuple(STATE if torch.is_tensor(part) else part for part in output)
        return parts if all(part is STATE or _plain(part) for part in parts) else None
    return None


def filled(made: Any, states: torch.Tensor) -> Any:
    """A template with a tensor for each `STATE`."""
    return states if made is STATE else tuple(states if part is STATE else part for part in made)


def first(output: Any) -> torch.Tensor:
    """The first tensor of what fits a template."""
    found: torch.Tensor = output if torch.is_tensor(output) else next(part for part in output if torch.is_tensor(part))
    return found


def _plain(part: Any) -> bool:
    return isinstance(part, _PLAIN) or (isinstance(part, tuple) and all(map(_plain, part)))


def _frozen(module: nn.Module) -> bool:
    return not any(parameter.requires_grad for parameter in module.parameters())


def _grows(output: Any) -> bool:
    parts = output if isinstance(output, (tuple, list)) else [output]
    return any(torch.is_tensor(part) and part.requires_grad for part in parts)
