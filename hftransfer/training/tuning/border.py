"""Frozen layers that never compute twice: what they make of every row is kept, and read where they end.

Nothing here knows an architecture by name. A forward pass is watched: the frozen stretch is
what ends before the first trained parameter is used. A shortcut over it is taken only where
it gives the logits that the whole model gives, on real rows, padded otherwise than when they
were kept; else the frozen layers run each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from ...values import Event
from ..progress import Leg
from .rows import Collator, Rows, lengths_of
from .shortcut import STATES, Batch, Border, Shortcut, is_ragged, made_at
from .states import Kept, keep_states, pad
from .stretch import Call, frozen_calls, outermost

TRIED = 8  # places where the frozen stretch might end, the last first
LOOKED_AT = 4  # rows, from the shortest to the longest
CLOSE = 1e-3  # of the largest logit: rows alone and rows in a batch differ by rounding


@contextmanager
def at_border(leg: Leg, rows: Rows, moves: bool) -> Iterator[tuple[Collator, Collator]]:
    """While inside, the frozen layers of the leg's model are passed over where that changes nothing.

    Args:
        moves: whether training's inputs change. The frozen layers then see new ones each
            time, and nothing is kept; dropout below the border holds still all the same.

    Yields:
        The collators of training and of validation, whose batches bring what was kept.
    """
    with ExitStack() as undone:
        border = find_border(leg, rows) if leg.phase.trains in ("head", "layers") else None
        if border is None:
            yield rows.collators
            return
        for dropout in border.dropouts:
            undone.enter_context(_identity(dropout))
        kept = None if moves or leg.phase.epochs < 1 else keep_states(leg, rows, border)
        if kept is None:
            yield rows.collators
            return
        leg.on_event(Event("train", "the frozen layers run once: their states are kept"))
        undone.enter_context(Shortcut(leg.backbone.model, border))
        train, validation = (_bringing(rows, at, kept[at]) for at in range(2))
        yield train, validation


def find_border(leg: Leg, rows: Rows) -> Border | None:
    """The last place of the frozen stretch that all that comes after it can be made from, and how to get there."""
    model, device = leg.backbone.model, leg.machine.device
    chosen = _spread(rows.train)
    alone = [_batch(rows, [row], device) for row in chosen]
    together = _batch(rows, chosen, device)
    was_training = model.training
    try:
        calls = frozen_calls(model.eval(), together)
        with torch.inference_mode():
            expected = model(**together).logits
            for call in islice(_candidates(calls), TRIED):
                for border in _ways(model, calls, call, alone):
                    if _holds(model, border, alone, together, expected):
                        return border
        return None
    finally:
        model.train(was_training)


def _candidates(calls: Sequence[Call]) -> Iterator[Call]:
    """Calls that may be the border, the last to end first: made once, of tensors, and no chance in them."""
    names = [call.name for call in calls]
    for call in sorted(calls, key=lambda call: -call.ended):
        chance = not call.has_parameters and any(isinstance(part, _DropoutNd) for part in call.module.modules())
        if names.count(call.name) == 1 and call.made is not None and not chance:
            yield call


def _ways(model: nn.Module, calls: Sequence[Call], last: Call, alone: Sequence[Batch]) -> Iterator[Border]:
    """How to get to a place: past everything frozen, past its own stack alone, or through all to it."""
    earlier = [call for call in calls if call.ended < last.began]
    dropouts = tuple({call.module for call in earlier if isinstance(call.module, _DropoutNd)})
    before = outermost(earlier)
    stack = [call for call in before if call.name.rpartition(".")[0] == last.name.rpartition(".")[0]]
    ragged = is_ragged(model, last, alone)
    for passed in (before, stack, []):
        if any(map(_multiplies, (last, *passed))):  # to look embeddings up again costs no more than to look states up
            yield Border(last, tuple(passed), dropouts, ragged)


def _multiplies(call: Call) -> bool:
    return any(
        parameter.dim() > 1
        for module in call.module.modules()
        if not isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    )


def _holds(model: nn.Module, border: Border, alone: Sequence[Batch], together: Batch, expected: torch.Tensor) -> bool:
    """Whether states of rows read one by one give the logits of a batch."""
    try:
        states = [made_at(model, border.last, batch) for batch in alone]
        with Shortcut(model, border):
            logits = model(**together, **{STATES: pad(states, together, border.ragged)}).logits
    except torch.OutOfMemoryError:
        raise
    except Exception:  # a model that minds what it is given cannot be cut there
        return False
    return torch.allclose(logits, expected, rtol=0.0, atol=CLOSE * float(expected.abs().max()))


def _bringing(rows: Rows, at: int, kept: Kept) -> Collator:
    """The collator, whose batches bring their rows' states."""

    def collate(chosen: list[Any]) -> dict[str, torch.Tensor]:
        batch = rows.collators[at](chosen)
        places = np.array([rows.place(row) for row in chosen])
        return {**batch, STATES: kept.states(places, batch)}

    return collate


def _spread(rows: Any) -> list[Any]:
    """A few rows, from the shortest to the longest."""
    lengths = lengths_of(rows)
    order = np.arange(len(rows)) if lengths is None else np.argsort(lengths, kind="stable")
    places = order[np.linspace(0, len(order) - 1, min(LOOKED_AT, len(order))).astype(int)]
    return [rows[int(place)] for place in places]


def _batch(rows: Rows, chosen: list[Any], device: torch.device) -> Batch:
    batch = rows.collators[0](chosen)
    return {name: tensor.to(device) for name, tensor in batch.items() if name != "labels"}


@contextmanager
def _identity(dropout: nn.Module) -> Iterator[None]:
    """What lies below the border is the same each time, dropout that no frozen module holds too."""
    dropout.forward = lambda states: states
    try:
        yield
    finally:
        del dropout.forward
