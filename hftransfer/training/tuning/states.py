"""What frozen layers make of every row, kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...home import home, prune
from ...models.device import autocast
from ...models.features import KEPT_BYTES, cached, described, replacing, whole_array
from ...models.loading import fingerprint
from ...values import Event
from ..progress import Leg
from .rows import Rows, lengths_of
from .shortcut import Border, made_at

MOST = 2 << 30  # bytes, of training's rows and validation's
SPLITS = ("train", "validation")


class _Ending(Exception):
    """Training is to end: the pass does not go on."""


@dataclass(frozen=True)
class Kept:
    """A split's states: one array of all rows, or of all their tokens, one row after another.

    Attributes:
        ends: where each row's tokens end; None where a row has one state.
        dtype: what the states were, and are given as.
        order: how the layers want their memory.
    """

    array: np.ndarray
    ends: np.ndarray | None
    dtype: torch.dtype
    order: torch.memory_format

    def states(self, places: np.ndarray, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Those of rows, padded as their batch is."""
        if self.ends is None:
            return _tensor(self.array[places]).to(self.dtype).contiguous(memory_format=self.order)
        starts = np.append(0, self.ends)[places]
        own = [_tensor(self.array[start : self.ends[place]]) for start, place in zip(starts, places, strict=True)]
        return pad([states[None] for states in own], batch, ragged=True).to(self.dtype)


def pad(states: Sequence[torch.Tensor], batch: Mapping[str, torch.Tensor], ragged: bool) -> torch.Tensor:
    """Rows' states [1, …] as one tensor; those of tokens [1, T, …] where the batch's mask has its tokens."""
    if not ragged:
        return torch.cat(list(states))
    mask = batch["attention_mask"].bool()
    padded = states[0].new_zeros(*mask.shape, *states[0].shape[2:])
    padded[mask] = torch.cat([row[0] for row in states])
    return padded


def keep_states(leg: Leg, rows: Rows, border: Border) -> tuple[Kept, Kept] | None:
    """The states of training's rows and of validation's: from the cache, else by one pass.

    None where they are too many, the disk has no room (which is told), or training is to end.
    """
    first, second = (_Pass(leg, rows, border, at) for at in range(2))
    size = (first.bytes + second.bytes) / 1e9
    if size > MOST / 1e9:
        leg.on_event(Event("train", f"the frozen layers run in every epoch: their states take {size:.1f} GB"))
        return None
    try:
        return first.kept(), second.kept()
    except OSError as error:
        leg.on_event(Event("train", f"the frozen layers run in every epoch: their states cannot be kept: {error}"))
    except _Ending:
        pass  # the first step says so
    return None


class _Pass:
    """One pass of a split's rows to the border."""

    def __init__(self, leg: Leg, rows: Rows, border: Border, at: int) -> None:
        self.leg, self.border, self.split = leg, border, SPLITS[at]
        self.rows = (rows.train, rows.validation)[at]
        self.collate = rows.collators[at]
        self.lengths = lengths_of(self.rows)
        # The longest rows first: what there is no memory for is known at once.
        order = np.arange(len(self.rows)) if self.lengths is None else np.argsort(-self.lengths, kind="stable")
        size = leg.recipe.batch_size
        self.places = [order[start : start + size] for start in range(0, len(order), size)]
        self.sample, _ = self._made(self.places[-1][:2])
        self.ends = np.cumsum(self.lengths) if border.ragged and self.lengths is not None else None
        self.total = len(order) if self.ends is None else int(self.ends[-1])
        self.dtype = torch.bfloat16 if leg.machine.dtype == torch.bfloat16 else torch.float32

    @property
    def each(self) -> tuple[int, ...]:
        """The shape of a row's state, or of a token's."""
        return tuple(self.sample.shape[1 if self.ends is None else 2 :])

    @property
    def bytes(self) -> int:
        return self.total * int(np.prod(self.each)) * self.dtype.itemsize

    def kept(self) -> Kept:
        path = home("features") / f"border-{self._key()}.npy"
        found = cached(path)
        if found is None or found.shape != (self.total, *self.each):
            with replacing(path) as part:
                self._write(part)
            prune(path.parent, KEPT_BYTES)
            found = np.load(path, mmap_mode="r")
        order = torch.channels_last if _is_channels_last(self.sample) else torch.contiguous_format
        return Kept(found, self.ends, self.sample.dtype, order)

    def _write(self, path: Path) -> None:
        kind = np.int16 if self.dtype == torch.bfloat16 else np.float32
        array = whole_array(path, kind, (self.total, *self.each))
        done = 0
        for places in self.places:
            if self.leg.over():
                raise _Ending
            made, mask = self._made(places)
            own = made if self.ends is None or mask is None else made[mask.bool()]
            array[self._spots(places)] = _array(own.to(self.dtype).cpu())
            done += len(places)
            self.leg.on_event(Event("features", step=done, total=len(self.rows)))

    def _spots(self, places: np.ndarray) -> np.ndarray:
        """Where the states of rows go."""
        if self.ends is None:
            return places
        starts = np.append(0, self.ends)
        return np.concatenate([np.arange(starts[place], starts[place + 1]) for place in places])

    def _made(self, places: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What the border makes of rows, and their mask."""
        machine, model = self.leg.machine, self.leg.backbone.model
        batch = self.collate([self.rows[int(place)] for place in places])
        there = {name: tensor.to(machine.device) for name, tensor in batch.items() if name != "labels"}
        model.eval()
        with torch.inference_mode(), autocast(machine.device, machine.dtype):
            made = made_at(model, self.border.last, there)
        return made, there.get("attention_mask")

    def _key(self) -> str:
        """Data, frozen weights, processor, place and arithmetic."""
        backbone, leg = self.leg.backbone, self.leg
        trained = {name for name, parameter in backbone.model.named_parameters() if parameter.requires_grad}
        weights = fingerprint(backbone.model, backbone.processor, trained)
        lengths = None if self.lengths is None else self.lengths.tobytes()
        where = (self.border.last.name, self.dtype, leg.machine.dtype, torch.__version__)
        parts = (leg.data.digests[self.split], weights, described(backbone), lengths, self.total, *where)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _is_channels_last(states: torch.Tensor) -> bool:
    return states.dim() == 4 and states.is_contiguous(memory_format=torch.channels_last)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Of what was kept, a copy; numpy has no bf16."""
    made = torch.from_numpy(np.array(array))
    return made.view(torch.bfloat16) if array.dtype == np.int16 else made


def _array(states: torch.Tensor) -> np.ndarray:
    found: np.ndarray = (states.view(torch.int16) if states.dtype == torch.bfloat16 else states).numpy()
    return found
